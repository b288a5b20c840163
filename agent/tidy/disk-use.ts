import { statfs } from 'node:fs/promises';

/** @returns how full the file system of a path is, 0 to 1, as df says it; undefined when the path is none of this machine */
export async function readDiskUse(path: string): Promise<number | undefined> {
  try {
    const { blocks, bfree, bavail } = await statfs(path);
    const used = blocks - bfree;
    // What is reserved for root is neither used nor free.
    return used + bavail === 0 ? undefined : used / (used + bavail);
  } catch {
    return undefined;
  }
}
