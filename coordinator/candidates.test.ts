/** Coordinators find each other by the keys of the election. */
import { keysUnder } from '../lib/documents/keys';
import { createMemoryStore, type MemoryStore } from '../lib/etcd/memory-store';
import { silentLogger } from '../lib/log';
import { createFakeClock, type FakeClock } from '../test/support/fake-clock';
import { startCoordinator, type Coordinator } from './coordinator';

const keys = keysUnder('/b');
const TTL_MS = 2000;
let clock: FakeClock;
let etcd: MemoryStore;
let told: number;
beforeEach(() => {
  clock = createFakeClock();
  etcd = createMemoryStore(clock);
  told = 0;
});

function coordinator(name: string, store = etcd.connect()): Coordinator {
  return startCoordinator({
    ...{ store, keys, clock, log: silentLogger, random: () => 0.5, identity: `${name}:1`, leaseTtlMs: TTL_MS },
    http: `${name}:7422`,
    onCandidates: () => told++,
  });
}

const seenBy = ({ candidates }: Coordinator): readonly string[] => candidates.map(({ http }) => http).sort();

test('each knows all; one that resigns is gone at once, one that dies with its lease', async () => {
  const one = coordinator('c1');
  const two = coordinator('c2');
  const store = etcd.connect();
  coordinator('c3', store);
  await clock.advance(100);
  expect([one, two].map(seenBy)).toEqual([
    ['c1:7422', 'c2:7422', 'c3:7422'],
    ['c1:7422', 'c2:7422', 'c3:7422'],
  ]);
  const before = told;
  await one.resign();
  await clock.advance(10);
  expect(seenBy(two)).toEqual(['c2:7422', 'c3:7422']);
  expect(told).toBeGreaterThan(before);
  store.close();
  await clock.advance(TTL_MS + 1000);
  expect(seenBy(two)).toEqual(['c2:7422']);
});

test('etcd goes away: the last known ones stay', async () => {
  const store = etcd.connect();
  const one = coordinator('c1', store);
  coordinator('c2');
  await clock.advance(100);
  store.faults.disconnect();
  await clock.advance(60_000);
  expect(seenBy(one)).toEqual(['c1:7422', 'c2:7422']);
});

test('the key of one of another version, and garbage, are nobody', async () => {
  await etcd.txn({
    compares: [],
    writes: ['c0:12', '{"identity":1}', ''].map((value, index) => ({
      op: 'put',
      key: `${keys.leader}${index}`,
      value,
    })),
  });
  const one = coordinator('c1');
  await clock.advance(100);
  expect(seenBy(one)).toEqual(['c1:7422']);
});
