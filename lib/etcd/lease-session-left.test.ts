/** Leases that a session gives up while nobody can tell whether its keys hang on them. */
import { createFakeClock } from '../../test/support/fake-clock';
import type { FakeClock } from '../../test/support/fake-clock';
import { delegateStore } from '../../test/support/store-delegate';
import { Recorder } from '../../test/support/watch-recorder';
import { startLeaseSession } from './lease-session';
import type { LeaseSession } from './lease-session';
import { createMemoryStore } from './memory-store';
import type { MemoryStore } from './memory-store';
import { StoreError, type Store, type TxnResult } from './store';

const TTL_MS = 5000;
/** When the session holds its lease for lost, counted from the last renewal that was answered. */
const DEADLINE_MS = 4500;
/** Of the session's retries after a failure. */
const LONGEST_RETRY_MS = 2000;

let clock: FakeClock;
let store: MemoryStore;
let other: MemoryStore;
/** What the session goes through: every lease is noted. */
let noted: Store;
let granted: string[];
let revoked: string[];
let session: LeaseSession;
let events: Recorder;

beforeEach(() => {
  clock = createFakeClock();
  store = createMemoryStore(clock);
  other = store.connect();
  events = new Recorder(other, { prefix: '/' }, 1);
  [granted, revoked] = [[], []];
  noted = delegateStore(store);
  noted.grantLease = async (ttlMs) => {
    const lease = await store.grantLease(ttlMs);
    granted.push(lease.id);
    return lease;
  };
  noted.revokeLease = (id) => {
    revoked.push(id);
    return store.revokeLease(id);
  };
});

afterEach(async () => {
  await session.close({ revoke: false });
});

async function begin(ttlMs = TTL_MS): Promise<void> {
  const puts = (): { key: string; value: string }[] => [{ key: '/alive', value: 'me' }];
  session = startLeaseSession({ store: noted, clock, ttlMs, puts, onState: () => undefined, random: () => 0.5 });
  await clock.advance(0);
}

/** Not even for a moment. */
const deletions = (): readonly string[] =>
  events.batches.flatMap((batch) => batch.events).filter((event) => event.startsWith('-'));

const livingLeases = async (): Promise<readonly string[]> => {
  const ttls = await Promise.all(granted.map((id) => other.keepLeaseAlive(id)));
  return granted.filter((_, index) => ttls[index] !== 0);
};

test('after a stall of the store, keys that came to hang on a lease without our knowing stay, and end on the next', async () => {
  await begin();
  await session.want([{ key: '/endpoint', value: '1' }]);
  store.faults.disconnect();
  await clock.advance(DEADLINE_MS + 1);
  expect(session.isHeld).toBe(false);
  store.faults.reconnect();
  store.faults.loseReplies(3);
  await clock.advance(4 * LONGEST_RETRY_MS);
  expect(granted).toHaveLength(5);
  expect(session.isHeld).toBe(true);
  expect(deletions()).toEqual([]);
  expect(await other.leaseKeys(granted[4]!)).toEqual(['/alive', '/endpoint']);
  expect(revoked).toEqual(granted.slice(1, 4));
});

test.each<[string, (result: TxnResult) => TxnResult]>([
  ['its answer', (result) => result],
  [
    'its failure',
    () => {
      throw new StoreError('unavailable', 'no answer in time');
    },
  ],
])(
  'of a lease that ran out while its keys were written, %s comes: they stay, and one lease follows',
  async (_, answer) => {
    const stallEndMs = clock.monotonicMs() + DEADLINE_MS + 100;
    noted.txn = async (txn) => {
      const result = await store.txn(txn);
      const leftMs = stallEndMs - clock.monotonicMs();
      if (leftMs <= 0) return result;
      await new Promise<void>((resolve) => clock.after(leftMs, resolve));
      return answer(result);
    };
    noted.keepLeaseAlive = (id) =>
      clock.monotonicMs() < stallEndMs
        ? Promise.reject(new StoreError('unavailable', 'no answer in time'))
        : store.keepLeaseAlive(id);
    await begin();
    await clock.advance(DEADLINE_MS + 4 * TTL_MS);
    expect(session.isHeld).toBe(true);
    expect(deletions()).toEqual([]);
    expect(granted).toHaveLength(2);
    expect(await livingLeases()).toEqual([session.leaseId]);
  },
);

test('a session that ends meanwhile takes such keys with it', async () => {
  store.faults.loseReplies(1);
  await begin();
  expect((await other.range({ key: '/alive' })).kvs).toHaveLength(1);
  await session.close({ revoke: true });
  expect((await other.range({ key: '/alive' })).kvs).toEqual([]);
  expect(await livingLeases()).toEqual([]);
});

test('of very many such leases the oldest are left to run out', async () => {
  store.faults.loseReplies(40);
  await begin(3_600_000);
  await clock.advance(41 * LONGEST_RETRY_MS);
  expect(session.isHeld).toBe(true);
  expect(granted).toHaveLength(41);
  expect(revoked).toEqual(granted.slice(-17, -1));
  expect(deletions()).toEqual([]);
});
