import { stat } from 'node:fs/promises';

/** Two that differ: the file was changed, or is another. @throws Error of the file system */
export async function lookOf(path: string): Promise<string> {
  const { ino, size, mtimeMs, mode, uid, gid } = await stat(path);
  return [ino, size, mtimeMs, mode, uid, gid].join(' ');
}

/** As lookOf, with one answer for all that is none. */
export function lookOrNone(path: string): Promise<string> {
  return lookOf(path).catch((error: NodeJS.ErrnoException) => `none: ${error.code}`);
}
