/** The file that a template makes: replaced whole, or not at all. */
import { execFile } from 'node:child_process';
import { chmod, chown, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { lookOrNone } from './file-look';

/** Of a file that was not there before. */
const NEW_MODE = 0o644;
const PERMISSIONS = 0o777;

export interface DestOptions {
  readonly path: string;
  readonly mode?: number;
  readonly owner?: string;
}

/** As it is, or as it is to be. */
export interface Look {
  readonly text: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export class DestFile {
  private lastLook = '';
  private owner: Promise<Ids | undefined> | undefined;

  constructor(private readonly options: DestOptions) {}

  /** @returns undefined when there is none. @throws Error of the file system */
  async look(): Promise<Look | undefined> {
    this.lastLook = await lookOrNone(this.options.path);
    try {
      const { mode, uid, gid } = await stat(this.options.path);
      return { text: await readFile(this.options.path, 'utf8'), mode: mode & PERMISSIONS, uid, gid };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** How the file is to look with this text. @throws Error when there is no such owner */
  async wanted(text: string, now: Look | undefined): Promise<Look> {
    const owner = await this.wantedOwner();
    return {
      text,
      mode: this.options.mode ?? now?.mode ?? NEW_MODE,
      uid: owner?.uid ?? now?.uid ?? process.getuid!(),
      gid: owner?.gid ?? now?.gid ?? process.getgid!(),
    };
  }

  /**
   * Writes it beside its place, asks whether it is good, and puts it there. A crash at any point leaves the old one or the
   * new one; durable when it returns.
   * @param inspect given the path of the new file; throws when it is no good
   * @throws Error of the file system, disk full included, and what inspect throws; the old one is whole then
   */
  async replace(look: Look, inspect: (path: string) => Promise<void>): Promise<void> {
    const place = await this.place();
    // A name that no pattern for a folder's files matches.
    const beside = join(dirname(place), `.${basename(place)}.berth-new`);
    try {
      await writeNew(beside, look);
      await inspect(beside);
      await rename(beside, place);
    } finally {
      // What can't be removed is replaced the next time.
      await rm(beside, { force: true }).catch(() => undefined);
    }
    await syncFolder(dirname(place));
    this.lastLook = await lookOrNone(this.options.path);
  }

  /** @returns whether somebody else changed or removed it; never throws */
  async hasChanged(): Promise<boolean> {
    return (await lookOrNone(this.options.path)) !== this.lastLook;
  }

  /** Where a link leads: it stays one. */
  private async place(): Promise<string> {
    try {
      return await realpath(this.options.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return this.options.path;
      throw error;
    }
  }

  private wantedOwner(): Promise<Ids | undefined> {
    const { owner } = this.options;
    this.owner ??= owner === undefined ? Promise.resolve(undefined) : idsOf(owner);
    // Asked for again the next time.
    this.owner.catch(() => (this.owner = undefined));
    return this.owner;
  }
}

/** Nobody else's file or link is written through: there is none of the name. */
async function writeNew(path: string, { text, mode, uid, gid }: Look): Promise<void> {
  await rm(path, { force: true });
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await chown(path, uid, gid);
    await chmod(path, mode);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

interface Ids {
  readonly uid: number;
  readonly gid?: number;
}

async function idsOf(owner: string): Promise<Ids> {
  const [user, group] = owner.split(':') as [string, string | undefined];
  const uid = await idOf('passwd', user);
  return group === undefined ? { uid } : { uid, gid: await idOf('group', group) };
}

/** getent(1) asks whatever the host is set up to ask. */
async function idOf(database: 'passwd' | 'group', name: string): Promise<number> {
  if (/^\d+$/.test(name)) return Number(name);
  try {
    const { stdout } = await promisify(execFile)('getent', [database, name], { timeout: 5000 });
    return Number(stdout.split(':')[2]);
  } catch (error) {
    throw new Error(`there is no ${database === 'passwd' ? 'user' : 'group'} "${name}"`, { cause: error });
  }
}
