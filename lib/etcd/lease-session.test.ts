import { createFakeClock } from '../../test/support/fake-clock';
import type { FakeClock } from '../../test/support/fake-clock';
import { delegateStore } from '../../test/support/store-delegate';
import { startLeaseSession } from './lease-session';
import type { LeaseSession, LeaseSessionOptions } from './lease-session';
import { createMemoryStore } from './memory-store';
import type { MemoryStore } from './memory-store';

const TTL_MS = 5000;
/** When the session holds its lease for lost, counted from the last renewal that was answered. */
const DEADLINE_MS = 4500;

let clock: FakeClock;
let store: MemoryStore;
let other: MemoryStore;
let states: string[];
let session: LeaseSession;

beforeEach(() => {
  clock = createFakeClock();
  store = createMemoryStore(clock);
  other = store.connect();
  states = [];
});

function begin(options: Partial<LeaseSessionOptions> = {}): LeaseSession {
  session = startLeaseSession({
    store,
    clock,
    ttlMs: TTL_MS,
    puts: () => [{ key: '/alive', value: 'me' }],
    onState: (state) => states.push(state),
    random: () => 0.5,
    ...options,
  });
  return session;
}

async function keys(): Promise<Record<string, string>> {
  return Object.fromEntries((await other.range({ prefix: '/' })).kvs.map((kv) => [kv.key, kv.value]));
}

test('grants, puts all its keys in one revision, and is held', async () => {
  begin({
    puts: (leaseId) => [
      { key: '/alive', value: 'me' },
      { key: `/by/${leaseId}`, value: '' },
    ],
  });
  expect(session.isHeld).toBe(false);
  await clock.advance(0);
  expect(states).toEqual(['held']);
  expect(store.revision).toBe(2);
  expect(await keys()).toEqual({ '/alive': 'me', [`/by/${session.leaseId ?? ''}`]: '' });
});

test('at rest writes nothing, for an hour', async () => {
  begin();
  await clock.advance(0);
  await session.want([{ key: '/extra', value: '1' }]);
  const { revision } = store;
  await clock.advance(3_600_000);
  expect(store.revision).toBe(revision);
  expect(states).toEqual(['held']);
});

describe('lost is told before the store can have expired the lease', () => {
  test.each([
    ['disconnected', (): void => store.faults.disconnect()],
    ['frozen', (): void => store.faults.freeze()],
  ])('when %s', async (_how, breakIt) => {
    begin();
    await clock.advance(0);
    breakIt();
    await clock.advance(DEADLINE_MS - 1);
    expect(session.isHeld).toBe(true);
    await clock.advance(1);
    expect(session.isHeld).toBe(false);
    expect(session.leaseId).toBeUndefined();
    expect(states).toEqual(['held', 'lost']);
    expect(await keys()).toEqual({ '/alive': 'me' });
  });

  test('counted from when the renewal was sent, not from its late answer', async () => {
    let delayMs = 0;
    const slow = delegateStore(store);
    slow.keepLeaseAlive = async (id: string): Promise<number> => {
      const ttlMs = await store.keepLeaseAlive(id);
      await new Promise<void>((resolve) => clock.after(delayMs, resolve));
      return ttlMs;
    };
    begin({ store: slow });
    await clock.advance(0);
    delayMs = 2000;
    const sentMs = TTL_MS / 3;
    await clock.advance(sentMs + 1); // a renewal is on its way
    store.faults.disconnect();
    await clock.advance(sentMs + DEADLINE_MS - (sentMs + 1) - 10);
    expect(session.isHeld).toBe(true);
    await clock.advance(20);
    expect(session.isHeld).toBe(false);
  });

  test('it says when the last renewal was sent that was answered, also when it is lost', async () => {
    begin();
    await clock.advance(0);
    // It renews every third of the TTL.
    await clock.advance(TTL_MS * 0.9);
    const { aliveMs } = session;
    expect(aliveMs).toBeCloseTo(clock.monotonicMs() - TTL_MS * 0.9 + (TTL_MS * 2) / 3);
    store.faults.disconnect();
    await clock.advance(60_000);
    expect([session.isHeld, session.aliveMs]).toEqual([false, aliveMs]);
  });

  test('a stopped process knows on waking, before any timer or reply ran', async () => {
    begin();
    await clock.advance(0);
    clock.jump(DEADLINE_MS + 1);
    expect(session.isHeld).toBe(false);
    expect(await session.want([{ key: '/late', value: '1' }])).toBe(false);
    await clock.advance(0);
    expect(states.slice(0, 2)).toEqual(['held', 'lost']);
  });

  test('a reply that waited while the process was stopped is not believed', async () => {
    let answer: ((ttlMs: number) => void) | undefined;
    const slow = {
      ...delegateStore(store),
      keepLeaseAlive: () => new Promise<number>((resolve) => (answer = resolve)),
    };
    begin({ store: slow });
    await clock.advance(TTL_MS / 3);
    const first = session.leaseId;
    clock.jump(20_000);
    answer?.(TTL_MS);
    await new Promise((resolve) => setImmediate(resolve));
    expect(states.slice(0, 2)).toEqual(['held', 'lost']);
    expect(session.leaseId).not.toBe(first);
  });
});

test('one renewal that hangs does not lose the lease: the next overtakes it', async () => {
  let calls = 0;
  const patchy = delegateStore(store);
  patchy.keepLeaseAlive = (id) => (++calls % 2 === 1 ? new Promise<number>(() => undefined) : store.keepLeaseAlive(id));
  begin({ store: patchy });
  await clock.advance(TTL_MS);
  expect(states).toEqual(['held']);
});

test('after a loss it grants anew and puts everything again, also what was wished meanwhile', async () => {
  begin();
  await clock.advance(0);
  await session.want([{ key: '/stays', value: '1' }]);
  await session.want([{ key: '/goes', value: '1' }]);
  const first = session.leaseId;
  store.faults.disconnect();
  await clock.advance(20_000);
  expect(await keys()).toEqual({});
  expect(await session.want([{ key: '/new', value: '1' }])).toBe(false);
  expect(await session.want([{ key: '/goes', value: undefined }])).toBe(false);
  store.faults.reconnect();
  await clock.advance(5000);
  expect(states).toEqual(['held', 'lost', 'held']);
  expect(session.leaseId).not.toBe(first);
  expect(await keys()).toEqual({ '/alive': 'me', '/new': '1', '/stays': '1' });
});

test('a lease that somebody revoked is replaced at once after the next renewal', async () => {
  begin();
  await clock.advance(0);
  other.faults.expireLease(session.leaseId ?? '');
  expect(await keys()).toEqual({});
  await clock.advance(TTL_MS / 3);
  expect(states).toEqual(['held', 'lost', 'held']);
  expect(await keys()).toEqual({ '/alive': 'me' });
});

test('a put that learns that the lease is gone replaces it', async () => {
  begin();
  await clock.advance(0);
  other.faults.expireLease(session.leaseId ?? '');
  expect(await session.want([{ key: '/a', value: '1' }])).toBe(false);
  await clock.advance(0);
  expect(await keys()).toEqual({ '/a': '1', '/alive': 'me' });
});

test('an emptied store is filled again', async () => {
  begin();
  await clock.advance(0);
  await session.want([{ key: '/a', value: '1' }]);
  store.faults.wipe();
  await clock.advance(TTL_MS);
  expect(session.isHeld).toBe(true);
  expect(await keys()).toEqual({ '/a': '1', '/alive': 'me' });
});

describe('conflict', () => {
  const compares = (): readonly { key: string; createRevision: number }[] => [{ key: '/alive', createRevision: 0 }];

  test('is told once, writes nothing, leaves no lease, and ends when the way is free', async () => {
    await other.txn({ compares: [], writes: [{ op: 'put', key: '/alive', value: 'somebody' }] });
    begin({ compares });
    await clock.advance(10_000);
    expect(states).toEqual(['conflict']);
    expect(await keys()).toEqual({ '/alive': 'somebody' });
    await other.txn({ compares: [], writes: [{ op: 'delete', key: '/alive' }] });
    await clock.advance(2000);
    expect(states).toEqual(['conflict', 'held']);
    expect(await keys()).toEqual({ '/alive': 'me' });
  });

  test('is not seen in our own keys, when the reply to their put was lost', async () => {
    store.faults.loseReplies(1);
    begin({ compares });
    await clock.advance(2000);
    expect(states).toEqual(['held']);
    expect((await keys())['/alive']).toBe('me');
  });
});

test('of two wishes for a key the later one wins, whatever the replies', async () => {
  begin();
  await clock.advance(0);
  store.faults.loseReplies(1);
  const [first, second] = [session.want([{ key: '/a', value: '1' }]), session.want([{ key: '/a', value: '2' }])];
  expect([await first, await second]).toEqual([false, true]);
  store.faults.loseReplies(1);
  const third = session.want([{ key: '/a', value: '3' }]);
  expect(await session.want([{ key: '/a', value: undefined }])).toBe(true);
  await third;
  await clock.advance(10_000);
  expect(await keys()).toEqual({ '/alive': 'me' });
});

test('a wish that failed is fulfilled later without being asked again', async () => {
  begin();
  await clock.advance(0);
  store.faults.loseRequests(1);
  expect(await session.want([{ key: '/a', value: '1' }])).toBe(false);
  await clock.advance(500);
  expect(await keys()).toEqual({ '/a': '1', '/alive': 'me' });
  expect(states).toEqual(['held']);
});

test('refresh puts back what somebody deleted, also when its first try is lost', async () => {
  begin();
  await clock.advance(0);
  await session.want([{ key: '/a', value: '1' }]);
  for (const lost of [0, 1]) {
    await other.txn({
      compares: [],
      writes: [
        { op: 'delete', key: '/a' },
        { op: 'delete', key: '/alive' },
      ],
    });
    store.faults.loseRequests(lost);
    expect(await session.refresh()).toBe(lost === 0);
    await clock.advance(500);
    expect(await keys()).toEqual({ '/a': '1', '/alive': 'me' });
  }
});

test('more keys than one transaction takes', async () => {
  begin();
  await clock.advance(0);
  await Promise.all(Array.from({ length: 300 }, (_, index) => session.want([{ key: `/e/${index}`, value: 'x' }])));
  other.faults.expireLease(session.leaseId ?? '');
  await clock.advance(TTL_MS);
  expect(Object.keys(await keys())).toHaveLength(301);
});

describe('close', () => {
  test.each([
    [true, {}],
    [false, { '/alive': 'me' }],
  ])('with revoke %s leaves %j, calls nothing, and leaves no timer of its own', async (revoke, left) => {
    begin();
    await clock.advance(0);
    await session.close({ revoke });
    expect(session.isHeld).toBe(false);
    expect(await keys()).toEqual(left);
    await clock.advance(60_000);
    expect(await keys()).toEqual({});
    expect(states).toEqual(['held']);
    expect(clock.pending).toBe(0);
  });

  test('while a grant is on its way leaves no keys', async () => {
    begin();
    await session.close({ revoke: true });
    await clock.advance(0);
    expect(await keys()).toEqual({});
    expect(states).toEqual([]);
  });
});
