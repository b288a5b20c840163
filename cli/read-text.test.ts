import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAX_FILE_BYTES, readText, readTextIfThere } from './read-text';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'berth-test-read-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function written(bytes: string | Buffer): string {
  const file = join(folder, 'file');
  writeFileSync(file, bytes);
  return file;
}

test.each<[string, string | Buffer, string]>([
  ['nothing', '', ''],
  ['UTF-8', 'größe→\n', 'größe→\n'],
  ['a byte order mark', '\ufeffname: a', 'name: a'],
  ['a letter on the edge of a chunk', `${'x'.repeat(65_535)}ü`, `${'x'.repeat(65_535)}ü`],
  ['as much as is allowed', 'x'.repeat(MAX_FILE_BYTES), 'x'.repeat(MAX_FILE_BYTES)],
])('reads %s', (_, bytes, text) => {
  expect(readText(written(bytes)) === text).toBe(true);
});

test.each<[string, Buffer, RegExp]>([
  ['Latin-1', Buffer.from('größe', 'latin1'), /not UTF-8 text/],
  ['UTF-16', Buffer.from('\ufeffa', 'utf16le'), /UTF-16 text; save it as UTF-8/],
  ['too much', Buffer.alloc(MAX_FILE_BYTES + 1, 'x'), /more than 4194304 bytes/],
])('refuses %s', (_, bytes, message) => {
  expect(() => readText(written(bytes))).toThrow(message);
});

test('a file without an end is refused', () => {
  expect(() => readText('/dev/zero')).toThrow(/more than 4194304 bytes/);
});

test('a file that is not there is undefined when it need not be; a folder is an error', () => {
  expect(readTextIfThere(join(folder, 'none'))).toBeUndefined();
  expect(() => readText(join(folder, 'none'))).toThrow(/ENOENT/);
  expect(() => readTextIfThere(folder)).toThrow(/EISDIR/);
});
