import { encodeDocument, emptyDocument } from '../../lib/documents/codec';
import { keysUnder } from '../../lib/documents/keys';
import type { Assignment, Release } from '../../lib/documents/types';
import { createMemoryStore, type MemoryStore } from '../../lib/etcd/memory-store';
import { releaseHash } from '../../lib/release/release-hash';
import { releaseOf } from '../../test/support/desired';
import { createFakeClock, type FakeClock } from '../../test/support/fake-clock';
import { recordLog, type LogLine } from '../../test/support/recorded-log';
import { DesiredState } from './desired-state';
import type { CopyOnDisk, DesiredCopy } from './disk-copy';

const keys = keysUnder('/test');
const KEY = keys.assignment('h1');

class Disk implements CopyOnDisk {
  copy: DesiredCopy | undefined;
  trouble: Error | undefined;
  saves = 0;
  load(): Promise<DesiredCopy | undefined> {
    return this.trouble === undefined ? Promise.resolve(this.copy) : Promise.reject(this.trouble);
  }
  save(copy: DesiredCopy): Promise<void> {
    if (this.trouble !== undefined) return Promise.reject(this.trouble);
    this.copy = copy;
    this.saves++;
    return Promise.resolve();
  }
}

let clock: FakeClock;
let admin: MemoryStore;
let store: MemoryStore;
let disk: Disk;
let state: DesiredState;
let lines: LogLine[];

beforeEach(() => {
  clock = createFakeClock();
  admin = createMemoryStore(clock);
  disk = new Disk();
  state = make();
});
afterEach(() => state.close());

/** As an agent that starts: with the same disk and the same etcd. */
function make(): DesiredState {
  store = admin.connect();
  const recorded = recordLog(clock);
  lines = recorded.lines;
  return new DesiredState({
    ...{ store, keys, host: 'h1', disk, clock, log: recorded.log, random: () => 0.5, onChange: () => undefined },
  });
}

const put = (key: string, value: string): Promise<unknown> =>
  admin.txn({ compares: [], writes: [{ op: 'put', key, value }] });
const remove = (key: string): Promise<unknown> => admin.txn({ compares: [], writes: [{ op: 'delete', key }] });
const putRelease = (release: Release): Promise<unknown> =>
  put(keys.release(release.service, release.number), encodeDocument('Release', release));

function assignmentOf(revision: number, releases: Readonly<Record<string, Release>>, held: string[] = []): Assignment {
  const instances = Object.entries(releases).map(([id, release]) => {
    const { service, number } = release;
    return [id, { service, slot: 1, release: number, hash: releaseHash(release), config: {}, before: false }] as const;
  });
  return { ...emptyDocument('Assignment'), revision, held, instances: Object.fromEntries(instances) };
}
const assign = (...of: Parameters<typeof assignmentOf>): Promise<unknown> =>
  put(KEY, encodeDocument('Assignment', assignmentOf(...of)));

const WEB = releaseOf('web');
const API = releaseOf('api', { number: 4, image: 'api:4' });
const ids = (): readonly string[] => [...state.current().instances.keys()].sort();
const rules = (): readonly string[] => state.problems.map(({ rule }) => rule);

/** An agent that knows its assignment. */
async function begin(): Promise<void> {
  await putRelease(WEB);
  await putRelease(API);
  await assign(5, { 'web-1': WEB, 'api-1': API }, ['old-1']);
  expect(await state.start()).toBe(false);
  expect(state.isRead).toBe(false);
  await clock.advance(100);
}

test('what is assigned is known, with its releases, and is on disk', async () => {
  await begin();
  const { isComplete, assignmentRevision, instances, held } = state.current();
  expect({ isComplete, assignmentRevision, held: [...held] }).toEqual({
    ...{ isComplete: true, assignmentRevision: 5, held: ['old-1'] },
  });
  expect(instances.get('api-1')).toMatchObject({ service: 'api', release: 4, spec: API });
  expect(state.isRead).toBe(true);
  expect(state.problems).toEqual([]);
  expect([...disk.copy!.releases.keys()].sort()).toEqual(['api@4', 'web@1']);
});

describe('G3: nothing that is known is taken away', () => {
  test.each<[string, boolean, string, () => unknown]>([
    ['when the assignment is deleted', false, 'assignment-missing', () => remove(KEY)],
    ['when etcd is emptied', false, 'assignment-missing', () => admin.faults.wipe()],
    ['when it is garbage', true, 'assignment-unreadable', () => put(KEY, '{')],
    ['when it is empty', true, 'assignment-unreadable', () => put(KEY, '')],
    ['when it is a list', true, 'assignment-unreadable', () => put(KEY, '[]')],
    ['when it has an unknown field', true, 'assignment-unreadable', () => put(KEY, '{"revision":6,"x":1}')],
    ['when it is older than what was obeyed', false, 'assignment-outdated', () => assign(4, {})],
    ['when etcd is away', true, '', () => store.faults.disconnect()],
    ['when etcd does not answer', true, '', () => store.faults.freeze()],
    [
      'when the watch is compacted',
      true,
      '',
      async () => {
        store.faults.disconnect();
        await put('/test/other', 'x');
        admin.faults.compact(admin.revision);
        store.faults.reconnect();
      },
    ],
  ])('%s', async (_, isComplete, rule, spoil) => {
    await begin();
    const before = state.current();
    await spoil();
    await clock.advance(20_000);
    expect(state.current().instances).toEqual(before.instances);
    expect(state.current().assignmentRevision).toBe(5);
    expect(state.current().isComplete).toBe(isComplete);
    expect(rules()).toEqual(rule === '' ? [] : [rule]);
    expect(lines.filter(({ fields }) => rule !== '' && fields['reason'] === rule)).toHaveLength(rule === '' ? 0 : 1);
    expect(disk.copy?.assignment.revision).toBe(5);
  });

  test('and a good one is obeyed again afterwards', async () => {
    await begin();
    await put(KEY, '{');
    await clock.advance(100);
    await assign(6, { 'web-1': WEB });
    await clock.advance(100);
    expect(ids()).toEqual(['web-1']);
    expect(state.current().isComplete).toBe(true);
    expect(state.problems).toEqual([]);
  });

  test('a new host has no problem, whatever stood there before', async () => {
    await state.start();
    await put(KEY, '{');
    await clock.advance(100);
    expect(rules()).toEqual(['assignment-unreadable']);
    await remove(KEY);
    await clock.advance(100);
    expect(state.problems).toEqual([]);
    expect(state.current()).toMatchObject({ isComplete: false, assignmentRevision: 0 });
  });
});

describe('the copy on disk', () => {
  test('G3: is what is known while etcd is away, and nothing is stopped for not being named in it', async () => {
    await begin();
    state.close();
    state = make();
    store.faults.disconnect();
    expect(await state.start()).toBe(true);
    await clock.advance(60_000);
    expect(state.current()).toMatchObject({ isComplete: false, assignmentRevision: 5 });
    expect(state.current().instances.get('web-1')?.spec).toEqual(WEB);
    expect(state.isRead).toBe(false);
    await assign(6, { 'api-1': API });
    store.faults.reconnect();
    await clock.advance(10_000);
    expect(state.current()).toMatchObject({ isComplete: true, assignmentRevision: 6 });
    expect(ids()).toEqual(['api-1']);
  });

  test('that can not be read is said, and etcd is asked', async () => {
    await begin();
    state.close();
    state = make();
    disk.trouble = new Error('it is damaged');
    expect(await state.start()).toBe(false);
    expect(state.problems).toEqual([
      expect.objectContaining({ rule: 'disk-copy', message: expect.stringMatching(/damaged/) }),
    ]);
    disk.trouble = undefined;
    await clock.advance(1000);
    expect(ids()).toEqual(['api-1', 'web-1']);
    expect(state.problems).toEqual([]);
  });

  test('that can not be written is said once, and tried again until it can', async () => {
    await begin();
    disk.trouble = new Error('ENOSPC: no space left on device');
    await assign(6, { 'web-1': WEB });
    await clock.advance(10 * 60_000);
    expect(rules()).toEqual(['disk-copy']);
    expect(ids()).toEqual(['web-1']);
    expect(lines.filter(({ message }) => message.includes('ENOSPC'))).toHaveLength(1);
    disk.trouble = undefined;
    await clock.advance(60_000);
    expect(state.problems).toEqual([]);
    expect(disk.copy?.assignment.revision).toBe(6);
  });

  test('is not written at rest', async () => {
    await begin();
    const { saves } = disk;
    await clock.advance(60 * 60_000);
    expect(disk.saves).toBe(saves);
  });
});
