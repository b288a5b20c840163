import type { ImageCopy, ImageNotes } from '../../agent/tidy/image-notes';
import type { Tidying } from '../../agent/tidy/tidy';

/** A disk that outlives the agent. */
export function imagesInMemory(): ImageCopy {
  let saved: ImageNotes = { images: [], services: {} };
  return { load: () => Promise.resolve(saved), save: (notes) => Promise.resolve(void (saved = notes)) };
}

/** Of a host whose disk has always room. */
export function tidyingInMemory(changes: Partial<Tidying> = {}): Tidying {
  const readDisk = (): Promise<number> => Promise.resolve(0.5);
  return { keepReleases: 3, highWater: 0.85, copy: imagesInMemory(), readDisk, ...changes };
}
