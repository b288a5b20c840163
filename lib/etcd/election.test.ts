import { createFakeClock } from '../../test/support/fake-clock';
import type { FakeClock } from '../../test/support/fake-clock';
import { startElection } from './election';
import type { Election } from './election';
import { commitFenced } from './fenced-txn';
import type { Fence } from './fenced-txn';
import { createMemoryStore } from './memory-store';
import type { MemoryStore } from './memory-store';

const TTL_MS = 5000;

interface Candidate {
  readonly name: string;
  readonly store: MemoryStore;
  readonly election: Election;
  readonly fences: Fence[];
}

let clock: FakeClock;
/** A client whose connection never breaks. */
let observer: MemoryStore;
let told: string[];
let a: Candidate;
let b: Candidate;
let c: Candidate;

async function join(name: string, store = observer.connect()): Promise<Candidate> {
  const fences: Fence[] = [];
  const election = startElection({
    store,
    clock,
    ttlMs: TTL_MS,
    leaderPrefix: '/leader/',
    identity: name,
    onElected: (fence) => (fences.push(fence), told.push(`${name} elected`)),
    onDeposed: () => told.push(`${name} deposed`),
    random: () => 0.5,
  });
  await clock.advance(0);
  return { name, store, election, fences };
}

beforeEach(async () => {
  clock = createFakeClock();
  observer = createMemoryStore(clock);
  told = [];
  a = await join('a');
  b = await join('b');
  c = await join('c');
});

function leaders(): string[] {
  return [a, b, c].filter(({ election }) => election.isLeader).map(({ name }) => name);
}

async function leaderKeys(): Promise<{ key: string; value: string }[]> {
  return [...(await observer.range({ prefix: '/leader/' })).kvs].map(({ key, value }) => ({ key, value }));
}

async function deleteKeyOf(name: string): Promise<void> {
  const own = (await leaderKeys()).find(({ value }) => value === name);
  await observer.txn({ compares: [], writes: [{ op: 'delete', key: own?.key ?? '' }] });
}

test('the first of the queue leads, the others know who', async () => {
  expect(leaders()).toEqual(['a']);
  expect(told).toEqual(['a elected']);
  expect([a, b, c].map(({ election }) => election.leaderIdentity)).toEqual(['a', 'a', 'a']);
  expect((await leaderKeys()).map(({ value }) => value).sort()).toEqual(['a', 'b', 'c']);
});

test('at rest nothing is written, for an hour', async () => {
  const { revision } = observer;
  await clock.advance(3_600_000);
  expect(observer.revision).toBe(revision);
  expect(told).toEqual(['a elected']);
});

test('who resigns is followed at once by the next', async () => {
  await a.election.close();
  await clock.advance(0);
  expect(told).toEqual(['a elected', 'b elected']);
  expect(leaders()).toEqual(['b']);
});

test('a candidate that leaves the queue is never elected', async () => {
  await b.election.close();
  await a.election.close();
  await clock.advance(TTL_MS);
  expect(told).toEqual(['a elected', 'c elected']);
});

test('a candidate that was not told that its key is in the store stands in the queue once', async () => {
  for (const { election } of [a, b, c]) await election.close();
  const store = observer.connect();
  store.faults.loseReplies(2);
  const { election, fences } = await join('d', store);
  expect(await leaderKeys()).toHaveLength(1);
  await clock.advance(1000);
  expect(election.isLeader).toBe(true);
  expect(election.candidates).toEqual(['d']);
  expect((await leaderKeys()).map(({ key }) => key)).toEqual([fences[0]?.compare.key]);
  await election.close();
});

test('G4: a leader that is cut off steps down before the next is elected', async () => {
  a.store.faults.disconnect();
  await clock.advance(20_000);
  expect(told).toEqual(['a elected', 'a deposed', 'b elected']);
  a.store.faults.reconnect();
  await clock.advance(10_000);
  expect(leaders()).toEqual(['b']);
  expect((await leaderKeys()).length).toBe(3);
});

test('G4: a leader that was stopped does not lead on waking, and its fence commits nothing', async () => {
  const fence = a.fences[0] as Fence;
  a.store.faults.freeze();
  await clock.advance(20_000);
  expect(leaders()).toEqual(['b']);
  a.store.faults.reconnect();
  const txn = { compares: [], writes: [{ op: 'put', key: '/x', value: 'a' } as const] };
  expect(await commitFenced(a.store, fence, txn)).toBe('deposed');
  expect(await commitFenced(b.store, b.election.fence as Fence, txn)).toBe('committed');
});

test('asks the clock before it says that it leads', () => {
  clock.jump(TTL_MS);
  expect(a.election.isLeader).toBe(false);
  expect(a.election.fence).toBeUndefined();
});

test('a leader whose key somebody deletes steps down, and queues at the end', async () => {
  await deleteKeyOf('a');
  await clock.advance(0);
  expect(told).toEqual(['a elected', 'a deposed', 'b elected']);
  await deleteKeyOf('b');
  await clock.advance(0);
  await deleteKeyOf('c');
  await clock.advance(0);
  expect(told.slice(3, 5)).toEqual(['b deposed', 'c elected']);
  expect(told.slice(5).sort()).toEqual(['a elected', 'c deposed']); // each hears of it for itself
  expect(a.fences[1]).not.toEqual(a.fences[0]);
});

test('an emptied store elects one of them anew', async () => {
  observer.faults.wipe();
  await clock.advance(2 * TTL_MS);
  expect(leaders()).toHaveLength(1);
  expect(await leaderKeys()).toHaveLength(3);
});

test('in a store that is away nobody leads; when it is back one does', async () => {
  for (const { store } of [a, b, c]) store.faults.disconnect();
  await clock.advance(60_000);
  expect(leaders()).toEqual([]);
  expect(told).toEqual(['a elected', 'a deposed']);
  for (const { store } of [a, b, c]) store.faults.reconnect();
  await clock.advance(10_000);
  expect(leaders()).toHaveLength(1);
});

test('never two leaders by their own account, under breaks of all kinds', async () => {
  let seed = 7;
  const random = (): number => (seed = (seed * 48271) % 2147483647) / 2147483647;
  for (let step = 0; step < 300; step++) {
    const one = [a, b, c][Math.floor(random() * 3)] as Candidate;
    const fault = [
      () => one.store.faults.disconnect(),
      () => one.store.faults.freeze(),
      () => one.store.faults.reconnect(),
      () => one.store.faults.reconnect(),
      () => one.store.faults.loseReplies(1),
    ][Math.floor(random() * 5)];
    fault?.();
    for (let part = 0; part < 4; part++) {
      await clock.advance(random() * 1000);
      expect(leaders().length).toBeLessThanOrEqual(1);
    }
  }
  for (const { store } of [a, b, c]) store.faults.reconnect();
  await clock.advance(30_000);
  expect(leaders()).toHaveLength(1);
});

test('closing all leaves no key and no timer', async () => {
  for (const { election } of [a, b, c]) await election.close();
  expect(await leaderKeys()).toEqual([]);
  expect(clock.pending).toBe(0);
});
