/** Pure: where an image can be had from, and the names that it has on the host then. */
import { formatImageReference, parseImageReference, type RegistryPlace } from '../../../lib/image-reference';

/** By registry: where its images are looked for, in order. The registry itself comes last, unless it is named too. */
export type RegistryMirrors = ReadonlyMap<string, readonly RegistryPlace[]>;

export interface ImageSource {
  /** Whose credentials are wanted, and who is meant in messages. */
  readonly registry: string;
  /** Of the image, at this source; in full. */
  readonly reference: string;
  /** It is where the reference says, and no mirror. */
  readonly isOrigin: boolean;
}

/** @returns where to ask for an image, in order, the origin among them; empty when it is no reference */
export function imageSources(text: string, mirrors: RegistryMirrors): readonly ImageSource[] {
  const image = parseImageReference(text);
  if (image === undefined) return [];
  const listed = mirrors.get(image.registry) ?? [];
  const isOrigin = ({ registry, path }: RegistryPlace): boolean => registry === image.registry && path === '';
  const places = listed.some(isOrigin) ? listed : [...listed, { registry: image.registry, path: '' }];
  return places.map((place) => {
    const repository = place.path === '' ? image.repository : `${place.path}/${image.repository}`;
    const reference = formatImageReference({ ...image, registry: place.registry, repository });
    return { registry: place.registry, reference, isOrigin: isOrigin(place) };
  });
}

/**
 * Names under which the image may be on the host: its own and, of one that is named by its digest, those of its mirrors:
 * the same bits, and Docker gives no other name to a digest. A tag counts under its own name alone.
 */
export function namesOnHost(text: string, mirrors: RegistryMirrors): readonly string[] {
  if (!text.includes('@')) return [text];
  const others = imageSources(text, mirrors).filter(({ isOrigin }) => !isOrigin);
  return [text, ...others.map(({ reference }) => reference)];
}
