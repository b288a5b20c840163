/**
 * The last good desired state on disk, so that the agent can go on, also after a reboot, while etcd is away.
 * Replaced whole: a crash at any point leaves the old copy or the new one.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeAssignment } from '../../lib/documents/assignment';
import { decodeDocument, encodeDocument } from '../../lib/documents/codec';
import type { Assignment, Release } from '../../lib/documents/types';
import { writeWhole } from '../../lib/whole-file';

export interface DesiredCopy {
  readonly assignment: Assignment;
  /** By "service@number". */
  readonly releases: ReadonlyMap<string, Release>;
}

/** Where the copy is kept. */
export interface CopyOnDisk {
  /** @returns undefined when there is none. @throws Error when there is one that can't be read */
  load(): Promise<DesiredCopy | undefined>;
  /** Durable when it returns. @throws Error when it can't be written, disk full included; the old copy is whole then */
  save(copy: DesiredCopy): Promise<void>;
}

/** Whose desired state it is. */
export interface CopyOwner {
  /** Name of the host. */
  readonly host: string;
  /** Of all keys: two clusters may have hosts of one name. */
  readonly prefix: string;
}

/** A copy of another owner, left in the folder since the host had another name, can't be read. */
export function copyInFolder(folder: string, owner: CopyOwner): CopyOnDisk {
  const path = join(folder, 'desired.json');
  return { load: () => loadCopy(path, owner), save: (copy) => saveCopy(path, contentOf(copy, owner)) };
}

const VERSION = 2;

/** Documents as the texts that the codec reads, so that the file needs no format of its own. */
interface Content extends CopyOwner {
  readonly assignment: string;
  readonly releases: Readonly<Record<string, string>>;
}

interface File {
  readonly version: number;
  /** Of the content: one flipped bit of it could look like another release, and replace a container. */
  readonly sha256: string;
  readonly content: Content;
}

async function loadCopy(path: string, owner: CopyOwner): Promise<DesiredCopy | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  const file = parse(text, path);
  if (file?.version !== VERSION) throw new Error(`${path} is not a copy of version ${VERSION}`);
  const { content } = file;
  if (content === undefined || file.sha256 !== hashOf(content))
    throw new Error(`${path} is damaged: its checksum is wrong`);
  const { host, prefix, assignment, releases } = content;
  if (host !== owner.host || prefix !== owner.prefix)
    throw new Error(`${path} is of the host "${host}" under ${prefix}, not of "${owner.host}" under ${owner.prefix}`);
  return {
    assignment: decodeAssignment(assignment),
    releases: new Map(Object.entries(releases).map(([name, release]) => [name, decodeDocument('Release', release)])),
  };
}

/** @returns undefined when there is no such file */
async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parse(text: string, path: string): Partial<File> | null {
  try {
    return JSON.parse(text) as Partial<File> | null;
  } catch (error) {
    throw new Error(`${path} is damaged: ${(error as Error).message}`, { cause: error });
  }
}

function contentOf(copy: DesiredCopy, { host, prefix }: CopyOwner): Content {
  const releases = [...copy.releases].map(([name, release]) => [name, encodeDocument('Release', release)] as const);
  const assignment = encodeDocument('Assignment', copy.assignment);
  return { host, prefix, assignment, releases: Object.fromEntries(releases) };
}

function hashOf(content: Content): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

async function saveCopy(path: string, content: Content): Promise<void> {
  const file: File = { version: VERSION, sha256: hashOf(content), content };
  await writeWhole(path, JSON.stringify(file));
}
