import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyDocument } from '../../lib/documents/codec';
import { releaseOf } from '../../test/support/desired';
import { copyInFolder, type DesiredCopy } from './disk-copy';

const OWNER = { host: 'h1', prefix: '/berth' };
const WEB = releaseOf('web', { number: 7, hostPorts: [0] });

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-copy-'));
  path = join(folder, 'desired.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function copyOf(revision: number): DesiredCopy {
  const instances = { 'web-1': { service: 'web', slot: 1, release: 7, hash: 'abc', config: {}, before: false } };
  return {
    assignment: { ...emptyDocument('Assignment'), revision, instances, held: ['api-1'] },
    releases: new Map([['web@7', WEB]]),
  };
}

test('what is saved is loaded again', async () => {
  const disk = copyInFolder(folder, OWNER);
  expect(await disk.load()).toBeUndefined();
  await disk.save(copyOf(3));
  await disk.save(copyOf(4));
  expect(await copyInFolder(folder, OWNER).load()).toEqual(copyOf(4));
});

test('a crash between write and rename leaves the old copy', async () => {
  const disk = copyInFolder(folder, OWNER);
  await disk.save(copyOf(3));
  writeFileSync(`${path}.new`, '{"version":2,"sha256":"');
  expect(await disk.load()).toEqual(copyOf(3));
});

test('a full disk is said, and leaves the old copy', async () => {
  const disk = copyInFolder(folder, OWNER);
  await disk.save(copyOf(3));
  symlinkSync('/dev/full', `${path}.new`); // full(4)
  await expect(disk.save(copyOf(4))).rejects.toThrow(/ENOSPC/);
  expect(await disk.load()).toEqual(copyOf(3));
});

describe('G3: what can not be relied upon is refused, and why', () => {
  test.each<[string, (text: string) => string, RegExp]>([
    ['empty', () => '', /desired\.json is damaged: /],
    ['cut off', (text) => text.slice(0, -20), /desired\.json is damaged: /],
    ['not JSON', () => 'garbage', /is damaged: .*JSON/],
    ['null', () => 'null', /is not a copy of version 2/],
    ['a list', () => '[]', /is not a copy of version 2/],
    ['of an older version', (text) => text.replace('"version":2', '"version":1'), /is not a copy of version 2/],
    ['of a newer version', (text) => text.replace('"version":2', '"version":3'), /is not a copy of version 2/],
    ['without its content', () => '{"version":2}', /checksum is wrong/],
    ['changed in one letter', (text) => text.replace('web:1', 'web:9'), /checksum is wrong/],
  ])('%s', async (_, spoil, why) => {
    const disk = copyInFolder(folder, OWNER);
    await disk.save(copyOf(3));
    writeFileSync(path, spoil(readFileSync(path, 'utf8')));
    await expect(disk.load()).rejects.toThrow(why);
  });

  test.each([
    ['another host', { ...OWNER, host: 'h2' }],
    ['another cluster', { ...OWNER, prefix: '/other' }],
  ])('of %s', async (_, other) => {
    await copyInFolder(folder, other).save(copyOf(3));
    await expect(copyInFolder(folder, OWNER).load()).rejects.toThrow(
      `is of the host "${other.host}" under ${other.prefix}, not of "h1" under /berth`,
    );
  });

  test('a folder in its place', async () => {
    await expect(copyInFolder('/dev/null', OWNER).load()).rejects.toThrow(/ENOTDIR/);
  });
});
