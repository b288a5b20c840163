import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeWhole } from './whole-file';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'berth-file-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('replaces the file, for the owner only, and leaves nothing else', async () => {
  const path = join(folder, 'a');
  await writeWhole(path, 'one');
  await writeWhole(path, 'two');
  expect(readFileSync(path, 'utf8')).toBe('two');
  expect(readdirSync(folder)).toEqual(['a']);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('what a crash left half written is no hindrance', async () => {
  const path = join(folder, 'a');
  writeFileSync(`${path}.new`, 'half of something that was longer');
  await writeWhole(path, 'one');
  expect(readFileSync(path, 'utf8')).toBe('one');
});

test('what can not be written leaves the old file whole', async () => {
  const path = join(folder, 'a');
  await writeWhole(path, 'one');
  symlinkSync('/dev/full', `${path}.new`); // a full disk: full(4)
  await expect(writeWhole(path, 'two')).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(readFileSync(path, 'utf8')).toBe('one');
});
