/**
 * The last good desired state on disk, so that the agent can go on, also after a reboot, while etcd is away.
 * Replaced whole: a crash at any point leaves the old copy or the new one.
 */
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeDocument, encodeDocument } from '../../lib/documents/codec';
import type { Assignment, Release } from '../../lib/documents/types';

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

export function copyInFolder(folder: string): CopyOnDisk {
  return { load: () => loadDesiredCopy(folder), save: (copy) => saveDesiredCopy(folder, copy) };
}

const FILE = 'desired.json';
const VERSION = 1;

/** Documents as the texts that the codec reads, so that the file needs no format of its own. */
interface FileContent {
  readonly version: number;
  readonly assignment: string;
  readonly releases: Readonly<Record<string, string>>;
}

async function loadDesiredCopy(folder: string): Promise<DesiredCopy | undefined> {
  let text: string;
  try {
    text = await readFile(join(folder, FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const content = JSON.parse(text) as Partial<FileContent>;
  if (content.version !== VERSION || typeof content.assignment !== 'string' || typeof content.releases !== 'object')
    throw new Error(`${join(folder, FILE)} is not a copy of version ${VERSION}`);
  return {
    assignment: decodeDocument('Assignment', content.assignment),
    releases: new Map(
      Object.entries(content.releases).map(([name, release]) => [name, decodeDocument('Release', release)]),
    ),
  };
}

async function saveDesiredCopy(folder: string, copy: DesiredCopy): Promise<void> {
  const releases = Object.fromEntries(
    [...copy.releases].map(([name, release]) => [name, encodeDocument('Release', release)]),
  );
  const content: FileContent = {
    version: VERSION,
    assignment: encodeDocument('Assignment', copy.assignment),
    releases,
  };
  const path = join(folder, FILE);
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify(content));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
