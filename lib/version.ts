import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Version of this Berth, from the nearest package.json above: the same from the source tree and from dist/. */
export const VERSION = readVersion(__dirname);

function readVersion(folder: string): string {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
    return manifest.version;
  } catch (error) {
    if (dirname(folder) === folder) throw error;
    return readVersion(dirname(folder));
  }
}
