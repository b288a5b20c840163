import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

const FOR_THE_OWNER_ONLY = 0o600;

/**
 * Replaces a file by one with this text, or these pieces of it: a crash at any point leaves the old one or the new one.
 * Durable when it returns.
 * @param mode permission bits of a file that is made
 * Only one call for a path at a time. @throws Error of the file system, disk full included; the old file is whole then
 */
export async function writeWhole(
  path: string,
  text: string | Iterable<string>,
  mode = FOR_THE_OWNER_ONLY,
): Promise<void> {
  const file = await open(`${path}.new`, 'w', mode);
  try {
    // Each is written behind the one before.
    for (const piece of typeof text === 'string' ? [text] : text) await file.writeFile(piece);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
