import { readFile } from 'node:fs/promises';
import { lookOf, lookOrNone } from './file-look';

/** A file that was just written may not be whole yet: it is read when it has looked the same for so long. */
export const SETTLED_MS = 1000;

/** A template's file. What is read is what has stood still; the first reading believes what is there. */
export class SourceFile {
  private read: { readonly look: string; readonly text: string } | undefined;
  private lastLook = '';
  private seen: { readonly look: string; readonly sinceMs: number } | undefined;

  constructor(private readonly path: string) {}

  /**
   * @returns the text; `isSettling`: there is a newer one, which is to be looked at again after SETTLED_MS
   * @throws Error when there is none that can be read
   */
  async load(nowMs: number): Promise<{ readonly text: string; readonly isSettling: boolean }> {
    this.lastLook = await lookOrNone(this.path);
    const look = await lookOf(this.path);
    if (this.read?.look === look) {
      this.seen = undefined;
      return { text: this.read.text, isSettling: false };
    }
    if (this.seen?.look !== look) this.seen = { look, sinceMs: nowMs };
    if (this.read !== undefined && nowMs - this.seen.sinceMs < SETTLED_MS)
      return { text: this.read.text, isSettling: true };
    const text = await readFile(this.path, 'utf8');
    this.read = { look, text };
    return { text, isSettling: false };
  }

  /** @returns whether it looks otherwise than when it was loaded last; never throws */
  async hasChanged(): Promise<boolean> {
    return (await lookOrNone(this.path)) !== this.lastLook;
  }
}
