/**
 * Which files their reload has been told of, on disk: a crash between a file and its reload must not leave a proxy with
 * what was before, and a restart of the agent must not reload every proxy.
 *
 * RULE: the stamp of a file goes before the file is replaced, and is written after its reload succeeded. So one that has the
 * stamp of its content needs no reload, whenever the agent ended.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../../lib/whole-file';

/** Where they are kept. */
export interface StampsCopy {
  /** @throws Error when there is none, or none that can be read */
  load(): Promise<string>;
  /** Durable when it returns. @throws Error when it can't be written, disk full included */
  save(text: string): Promise<void>;
}

export function stampsInFolder(folder: string): StampsCopy {
  const path = join(folder, 'templates.json');
  return { load: () => readFile(path, 'utf8'), save: (text) => writeWhole(path, text) };
}

export class Stamps {
  private readonly stamps = new Map<string, string>();
  private writing: Promise<unknown> = Promise.resolve();
  /** What could not be written. */
  private isOwed = false;

  /** @param dests of all templates; stamps of others are forgotten */
  constructor(
    private readonly copy: StampsCopy,
    private readonly dests: readonly string[],
  ) {}

  /** What can't be read costs a reload of each. */
  async load(): Promise<void> {
    try {
      const saved = JSON.parse(await this.copy.load()) as Readonly<Record<string, unknown>> | null;
      for (const dest of this.dests) {
        const stamp = saved?.[dest];
        if (typeof stamp === 'string') this.stamps.set(dest, stamp);
      }
    } catch {
      // There is none, or it is damaged.
    }
  }

  has(dest: string, text: string, reload: string): boolean {
    return this.stamps.get(dest) === stampOf(text, reload);
  }

  /** Durable when it returns undefined. @returns why it is not written; it counts until the agent ends */
  async remove(dest: string): Promise<string | undefined> {
    return this.stamps.delete(dest) ? this.save() : this.saveOwed();
  }

  /** As remove. */
  async set(texts: ReadonlyMap<string, string>, reload: string): Promise<string | undefined> {
    for (const [dest, text] of texts) this.stamps.set(dest, stampOf(text, reload));
    return this.save();
  }

  /** Writes what could not be written before. @returns why it still can't */
  async saveOwed(): Promise<string | undefined> {
    return this.isOwed ? this.save() : undefined;
  }

  /** One at a time: groups of templates work beside each other. */
  private save(): Promise<string | undefined> {
    const write = async (): Promise<string | undefined> => {
      try {
        await this.copy.save(JSON.stringify(Object.fromEntries([...this.stamps].sort())));
        this.isOwed = false;
        return undefined;
      } catch (error) {
        this.isOwed = true;
        return (error as Error).message;
      }
    };
    const written = this.writing.then(write);
    this.writing = written;
    return written;
  }
}

function stampOf(text: string, reload: string): string {
  return createHash('sha256').update(`${reload}\0${text}`).digest('hex');
}
