/** Pure: which images may go, and why. What Berth did not pull is no candidate, whatever else is so. */
import type { EngineImage } from '../docker/engine';
import type { ImageNote, UsedRelease } from './image-notes';

export interface Selection {
  /** Images that Berth pulled. */
  readonly notes: readonly ImageNote[];
  /** Releases that this host has run, by service, the last one first. */
  readonly releases: ReadonlyMap<string, readonly UsedRelease[]>;
  /** References that the desired state names. */
  readonly wanted: readonly string[];
  readonly images: readonly EngineImage[];
  /** By reference, of the images that `wanted`, `releases` and `notes` name and that are on the host. */
  readonly ids: ReadonlyMap<string, string>;
  /** So many of the last releases of each service keep their images. */
  readonly keepReleases: number;
}

export interface Removal {
  readonly note: ImageNote;
  /** By which Docker is to remove it. */
  readonly name: string;
  /** With layers that other images share; 0 when it stays, by another name. */
  readonly freedBytes: number;
}

/** @returns what may go, the longest unused first */
export function selectImages(selection: Selection): readonly Removal[] {
  const { notes, images, wanted, releases, keepReleases, ids } = selection;
  const kept = [...releases.values()].flatMap((used) => used.slice(0, keepReleases).map(({ image }) => image));
  const keptReferences = new Set([...wanted, ...kept]);
  // By id too: the same image may be wanted by another name.
  const keptIds = new Set([...keptReferences].map((reference) => ids.get(reference)));
  const byId = new Map(images.map((image) => [image.id, image]));
  return notes
    .flatMap((note): Removal[] => {
      const image = byId.get(note.id);
      const name = image === undefined ? undefined : nameOf(note, image, ids);
      if (image === undefined || name === undefined || image.isUsed || keptIds.has(note.id)) return [];
      return [{ note, name, freedBytes: hasOtherTags(image) ? 0 : image.sizeBytes }];
    })
    .sort((a, b) => a.note.usedMs - b.note.usedMs || (a.note.id < b.note.id ? -1 : 1));
}

/** Whether the image is still there as Berth's: not so when Berth's name was taken away and it has one of somebody else. */
export function isStillOurs(note: ImageNote, { images, ids }: Pick<Selection, 'images' | 'ids'>): boolean {
  const image = images.find(({ id }) => id === note.id);
  return image !== undefined && nameOf(note, image, ids) !== undefined;
}

/** @returns the reference; the id of one whose name was moved to a newer image; undefined when it is not ours any more */
function nameOf(note: ImageNote, image: EngineImage, ids: Selection['ids']): string | undefined {
  if (ids.get(note.reference) === note.id) return note.reference;
  return image.references.every((name) => note.names.includes(name)) ? note.id : undefined;
}

function hasOtherTags({ references }: EngineImage): boolean {
  return references.filter((reference) => !reference.includes('@')).length > 1;
}
