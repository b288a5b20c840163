import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../lib/clock';
import { writeWhole } from '../../lib/whole-file';
import { createFakeClock, type FakeClock } from '../../test/support/fake-clock';
import { recordLog, type LogLine } from '../../test/support/recorded-log';
import { until } from '../../test/support/wait';
import { TargetFile } from './target-file';

const PATH = '/targets.json';
let clock: FakeClock;
let text: string | undefined;
let writes: string[];
let failure: Error | undefined;
let lines: readonly LogLine[];
let file: TargetFile;
beforeEach(() => {
  clock = createFakeClock();
  [text, writes, failure] = [undefined, [], undefined];
  const { log, lines: told } = recordLog(clock);
  lines = told;
  file = new TargetFile({
    ...{ path: PATH, clock, log, targets: () => Promise.resolve(text) },
    write: async (path, wanted) => {
      if (failure !== undefined) throw failure;
      writes.push(`${path} ${wanted}`);
    },
  });
});

async function become(wanted: string | undefined, afterMs = 0): Promise<void> {
  text = wanted;
  file.changed();
  await clock.advance(afterMs);
}

test('written when it changed, and only then; not before etcd was read', async () => {
  await become(undefined);
  expect(writes).toEqual([]);
  await become('a', 2000);
  await become('a', 2000);
  await become('b', 2000);
  expect(writes).toEqual(['/targets.json a', '/targets.json b']);
});

test('no more than once a second, and the last word counts', async () => {
  await become('0', 10);
  for (let i = 1; i <= 30; i++) await become(String(i), 100);
  await clock.advance(2000);
  expect(writes.length).toBeLessThanOrEqual(5);
  expect(writes.at(-1)).toBe('/targets.json 30');
});

test('a disk that is full is told once and tried again', async () => {
  failure = new Error('ENOSPC: no space left on device');
  await become('a', 60_000);
  await become('b', 60_000);
  expect(lines.filter(({ level }) => level === 'error')).toMatchObject([
    { fields: { path: PATH, reason: 'ENOSPC: no space left on device' } },
  ]);
  failure = undefined;
  await clock.advance(10_000);
  expect(writes).toEqual(['/targets.json b']);
  expect(lines.at(-1)).toMatchObject({ level: 'info', message: expect.stringContaining('can be written again') });
});

test('closed, it writes nothing more', async () => {
  failure = new Error('gone');
  await become('a', 0);
  file.close();
  failure = undefined;
  await become('b', 60_000);
  expect(writes).toEqual([]);
});

test('on a real file system: a folder that comes later, a full disk, and a file that others read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-targets-'));
  const path = join(folder, 'sd', 'targets.json');
  let wanted = 'one';
  const { log, lines: told } = recordLog(systemClock);
  // Waits of seconds are of no interest here.
  const soon = { ...systemClock, after: (_: number, wake: () => void) => systemClock.after(1, wake) };
  const real = new TargetFile({
    ...{ path, clock: soon, log, targets: () => Promise.resolve(wanted) },
    write: (to, content) => writeWhole(to, content, 0o644),
  });
  try {
    real.changed();
    await until('its trouble', () => told.length > 0);
    expect(told).toMatchObject([{ level: 'error', fields: { reason: expect.stringContaining('ENOENT') } }]);
    mkdirSync(join(folder, 'sd'));
    chmodSync(join(folder, 'sd'), 0o755);
    await until('its end', () => told.length > 1);
    expect(readFileSync(path, 'utf8')).toBe('one');
    expect(statSync(path).mode & 0o444).toBe(0o444);
    symlinkSync('/dev/full', `${path}.new`); // full(4)
    wanted = 'two';
    real.changed();
    await until('a full disk', () => told.length > 2);
    expect(readFileSync(path, 'utf8')).toBe('one');
    rmSync(`${path}.new`);
    await until('room', () => told.length > 3);
    expect(readFileSync(path, 'utf8')).toBe('two');
    expect(readdirSync(join(folder, 'sd'))).toEqual(['targets.json']);
  } finally {
    real.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
