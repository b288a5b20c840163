import { createFakeClock } from '../../test/support/fake-clock';
import { startLeaseSession, type LeaseSession } from './lease-session';
import { createMemoryStore } from './memory-store';
import { MAX_TXN_WRITES } from './store';

const clock = createFakeClock();
let store: ReturnType<typeof createMemoryStore>;
let session: LeaseSession;

beforeEach(async () => {
  store = createMemoryStore(clock);
  session = startLeaseSession({
    ...{ store, clock, ttlMs: 5000, random: () => 0.5, onState: () => undefined },
    puts: () => [{ key: '/alive', value: 'me' }],
  });
  await clock.advance(0);
});
afterEach(() => session.close({ revoke: false }));

const named = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `/e/${index}`);
const put = (keys: readonly string[]): Promise<boolean> => session.want(keys.map((key) => ({ key, value: 'x' })));
/** In how many revisions all keys were written, and how many there are. */
async function found(): Promise<{ readonly keys: number; readonly revisions: number }> {
  const { kvs } = await store.range({ prefix: '/' });
  return { keys: kvs.length, revisions: new Set(kvs.map(({ modRevision }) => modRevision)).size };
}

test('what is wanted in one breath is written in one revision', async () => {
  const { revision } = store;
  expect(await put(named(100))).toBe(true);
  expect(store.revision).toBe(revision + 1);
  expect(await session.want(named(50).map((key) => ({ key, value: undefined })))).toBe(true);
  expect([store.revision, await found()]).toEqual([revision + 2, { keys: 51, revisions: 2 }]);
});

test.each([
  ['one transaction takes all', MAX_TXN_WRITES - 1, 1],
  ['one more than that', MAX_TXN_WRITES, 2],
])('a new lease brings every key: %s', async (_, count, revisions) => {
  await put(named(count));
  store.faults.expireLease(session.leaseId!);
  expect(await found()).toEqual({ keys: 0, revisions: 0 });
  await clock.advance(5000);
  expect(await found()).toEqual({ keys: count + 1, revisions });
});

describe('what is not to be there', () => {
  const [key] = named(1) as [string];
  const find = async () => (await store.range({ key })).kvs[0]?.value;

  test('is deleted under the next lease, though it was written under the one before, which has not ended', async () => {
    await put([key]);
    store.faults.disconnect();
    // The lease is held for lost before etcd ends it.
    const until = clock.advance(4600);
    expect(await session.want([{ key, value: undefined }])).toBe(false);
    await until;
    expect(session.isHeld).toBe(false);
    store.faults.reconnect();
    expect(await find()).toBe('x');
    await clock.advance(300);
    expect([session.isHeld, await find()]).toEqual([true, undefined]);
    // In one transaction: nobody sees the host back with what it does not have.
    expect((await store.range({ key: '/alive' })).kvs[0]!.modRevision).toBe(store.revision);
  });

  test('is nobody’s business any more once it is gone: what somebody else puts there stays, also under the next lease', async () => {
    await put([key]);
    await session.want([{ key, value: undefined }]);
    await store.txn({ compares: [], writes: [{ op: 'put', key, value: 'another host’s' }] });
    store.faults.expireLease(session.leaseId!);
    await clock.advance(5000);
    expect([session.isHeld, await find()]).toEqual([true, 'another host’s']);
  });
});

describe('a check of the keys', () => {
  const [key] = named(1) as [string];
  test.each<[string, () => Promise<unknown> | void, string]>([
    ['writes nothing when all is as it was', () => undefined, 'whole'],
    ['sees an edit', () => store.txn({ compares: [], writes: [{ op: 'put', key, value: 'y' }] }), 'changed'],
    ['sees a deletion', () => store.txn({ compares: [], writes: [{ op: 'delete', key }] }), 'changed'],
    ['says nothing of a store that does not answer', () => store.faults.disconnect(), 'unknown'],
    ['passes over what is not wanted any more', () => session.want([{ key, value: undefined }]), 'whole'],
  ])('%s', async (_, befall, outcome) => {
    await put(named(300));
    await befall();
    const { revision } = store;
    expect([await session.check(), store.revision]).toEqual([outcome, revision]);
  });

  test('is passed again after what was changed was written anew', async () => {
    await put(named(3));
    await store.txn({ compares: [], writes: [{ op: 'put', key, value: 'y' }] });
    await session.refresh();
    expect([await session.check(), (await store.range({ key })).kvs[0]]).toMatchObject([
      'whole',
      { value: 'x', lease: session.leaseId },
    ]);
  });
});
