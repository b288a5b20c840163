import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitOf } from '../../test/support/actual';
import { AgentMemory } from './memory';
import { memoryInFolder, type KeptInstance } from './memory-copy';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'berth-memory-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const KEPT: KeptInstance = {
  ...{
    restarts: 2,
    restartsTotal: 5,
    lastRestartReason: 'exited with code 3',
    restartDelayMs: 1500.5,
    isBegun: true,
    cutRun: 'c1 5',
    cutAtMs: 1_700_000_000_000.5,
    seenExit: 'c1 7',
    hookedRun: undefined,
  },
  lastExit: exitOf(3, { log: ['it broke'] }),
};

test('what is saved is read back', async () => {
  const copy = memoryInFolder(folder);
  await copy.save(new Map([['web-1', KEPT]]));
  expect([...(await memoryInFolder(folder).load())]).toEqual([['web-1', KEPT]]);
});

test('what an agent before kept, of which less was known, is read', async () => {
  const older = { ...KEPT, lastRestartReason: undefined, isBegun: undefined, cutRun: undefined, cutAtMs: undefined };
  writeFileSync(join(folder, 'instances.json'), JSON.stringify({ 'web-1': older }));
  expect([...(await memoryInFolder(folder).load())]).toEqual([
    ['web-1', { ...KEPT, lastRestartReason: '', isBegun: false, cutRun: undefined, cutAtMs: undefined }],
  ]);
});

test.each([
  ['no file', undefined],
  ['an empty one', ''],
  ['half of one', '{"web-1": {"restarts": 2, "rest'],
  ['null', 'null'],
  ['a list', '[1]'],
  ['a count that is none', JSON.stringify({ 'web-1': { ...KEPT, restarts: '2' } })],
  ['an exit without a log', JSON.stringify({ 'web-1': { ...KEPT, lastExit: { code: 3 } } })],
  ['a count over all counts', JSON.stringify({ 'web-1': { ...KEPT, restartsTotal: 2 ** 31 } })],
  ['an exit at no time', JSON.stringify({ 'web-1': { ...KEPT, lastExit: { ...KEPT.lastExit, atMs: 'now' } } })],
  ['an exit with half a code', JSON.stringify({ 'web-1': { ...KEPT, lastExit: { ...KEPT.lastExit, code: 3.5 } } })],
  ['a log of numbers', JSON.stringify({ 'web-1': { ...KEPT, lastExit: { ...KEPT.lastExit, log: [7] } } })],
  ['a signal that is none', JSON.stringify({ 'web-1': { ...KEPT, lastExit: { ...KEPT.lastExit, signal: 9 } } })],
  ['a reason that is none', JSON.stringify({ 'web-1': { ...KEPT, lastRestartReason: 7 } })],
  ['a begin that is none', JSON.stringify({ 'web-1': { ...KEPT, isBegun: 1 } })],
  ['a cut at no time', JSON.stringify({ 'web-1': { ...KEPT, cutAtMs: 'now' } })],
  ['a run that is none', JSON.stringify({ 'web-1': { ...KEPT, cutRun: 7 } })],
  ['a delay that is none', JSON.stringify({ 'web-1': { ...KEPT, restartDelayMs: null } })],
])('%s is no memory, and no trouble', async (_, text) => {
  if (text !== undefined) writeFileSync(join(folder, 'instances.json'), text);
  expect((await memoryInFolder(folder).load()).size).toBe(0);
});

test('what another version kept besides is left out: it would stand in for what the agent knows itself', async () => {
  writeFileSync(join(folder, 'instances.json'), JSON.stringify({ 'web-1': { ...KEPT, isFailing: true, failures: 3 } }));
  const kept = await memoryInFolder(folder).load();
  expect([...kept]).toEqual([['web-1', KEPT]]);
  expect(() => new AgentMemory(Math.random).restore(kept, 0, 0)).not.toThrow();
});

test('what can be read is read, whatever stands beside it', async () => {
  writeFileSync(join(folder, 'instances.json'), JSON.stringify({ 'web-1': KEPT, 'web-2': {}, 'web-3': 7 }));
  expect([...(await memoryInFolder(folder).load()).keys()]).toEqual(['web-1']);
});
