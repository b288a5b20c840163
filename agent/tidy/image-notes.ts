/**
 * What the agent keeps on disk of images: which ones Berth pulled, and which releases this host ran last. Lost or
 * unreadable, Berth takes no image for its own that is there already: they stay.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../../lib/whole-file';

/** An image that was not on the engine before Berth pulled it. */
export interface ImageNote {
  /** As the release spells it. */
  readonly reference: string;
  readonly id: string;
  /** All that Docker knew it by after the pull: a tag brings a digest along. */
  readonly names: readonly string[];
  /** Wall clock: when it was pulled, or ceased to be wanted. For the order of removals alone. */
  readonly usedMs: number;
}

export interface UsedRelease {
  readonly number: number;
  readonly image: string;
}

export interface UsedService {
  /** The last one first. */
  readonly releases: readonly UsedRelease[];
  /** Wall clock; undefined while the host is to run it. */
  readonly goneSinceMs?: number;
}

export interface ImageNotes {
  readonly images: readonly ImageNote[];
  readonly services: Readonly<Record<string, UsedService>>;
}

export interface ImageCopy {
  /** @returns what was saved; nothing of what can't be read */
  load(): Promise<ImageNotes>;
  /** @throws Error when it can't be written, disk full included */
  save(notes: ImageNotes): Promise<void>;
}

export function imagesInFolder(folder: string): ImageCopy {
  const path = join(folder, 'images.json');
  return {
    load: async () => {
      try {
        const saved = (JSON.parse(await readFile(path, 'utf8')) ?? {}) as Partial<Record<keyof ImageNotes, unknown>>;
        const images = Array.isArray(saved.images) ? saved.images.filter(isNote) : [];
        const services = Object.entries(saved.services ?? {}).filter(([, one]) => isService(one));
        return { images, services: Object.fromEntries(services) };
      } catch {
        return { images: [], services: {} };
      }
    },
    save: (notes) => writeWhole(path, JSON.stringify(notes)),
  };
}

function isNote(value: unknown): value is ImageNote {
  const { reference, id, names, usedMs } = (value ?? {}) as Record<string, unknown>;
  const texts: readonly unknown[] = [reference, id, ...(Array.isArray(names) ? (names as unknown[]) : [undefined])];
  const isNamed = texts.every((text) => typeof text === 'string');
  return isNamed && Number.isFinite(usedMs);
}

function isService(value: unknown): value is UsedService {
  const { releases, goneSinceMs } = (value ?? {}) as Record<string, unknown>;
  if (goneSinceMs !== undefined && !Number.isFinite(goneSinceMs)) return false;
  return Array.isArray(releases) && releases.every(isRelease);
}

function isRelease(value: unknown): value is UsedRelease {
  const { number, image } = (value ?? {}) as Record<string, unknown>;
  return Number.isSafeInteger(number) && typeof image === 'string';
}
