import { createFakeClock } from '../../test/support/fake-clock';
import type { FakeClock } from '../../test/support/fake-clock';
import { delegateStore } from '../../test/support/store-delegate';
import { createMemoryStore } from './memory-store';
import type { MemoryStore } from './memory-store';
import { startMirror } from './mirror';
import type { Mirror, MirrorOptions } from './mirror';
import type { KeyRange, Store } from './store';

const LONGEST_RETRY_MS = 5000;

let clock: FakeClock;
let store: MemoryStore;
/** Another client, whose connection never breaks. */
let other: MemoryStore;
let changes: string[][];

beforeEach(() => {
  clock = createFakeClock();
  store = createMemoryStore(clock);
  other = store.connect();
  changes = [];
});

function mirrorOf(options: Partial<MirrorOptions> = {}): Mirror {
  return startMirror({
    store,
    clock,
    range: { prefix: '/m/' },
    onChange: (keys) => changes.push([...keys].sort()),
    random: () => 0.5,
    ...options,
  });
}

async function write(key: string, value: string): Promise<void> {
  await other.txn({ compares: [], writes: [{ op: 'put', key, value }] });
}

async function remove(key: string): Promise<void> {
  await other.txn({ compares: [], writes: [{ op: 'delete', key }] });
}

function contentOf(mirror: Mirror): Record<string, string> {
  return Object.fromEntries([...mirror.entries()].map(([key, kv]) => [key, kv.value]));
}

test('lists, then follows', async () => {
  await write('/m/a', '1');
  const mirror = mirrorOf();
  expect(mirror.isComplete).toBe(false);
  await clock.advance(0);
  expect(mirror).toMatchObject({ isComplete: true, connected: true });
  await write('/m/b', '2');
  await remove('/m/a');
  await write('/elsewhere', '3');
  await clock.advance(0);
  expect(contentOf(mirror)).toEqual({ '/m/b': '2' });
  expect(changes).toEqual([['/m/a'], [], ['/m/b'], ['/m/a']]);
});

test('an empty range is told once as complete', async () => {
  const mirror = mirrorOf();
  await clock.advance(0);
  expect(mirror).toMatchObject({ isComplete: true, connected: true });
  expect(changes).toEqual([[], []]); // complete, connected
});

test('leaves out what it is to ignore', async () => {
  await write('/m/a/x', '1');
  const mirror = mirrorOf({ ignore: (key) => key.endsWith('/x') });
  await clock.advance(0);
  await write('/m/b/x', '1');
  await write('/m/b/y', '1');
  await clock.advance(0);
  expect(contentOf(mirror)).toEqual({ '/m/b/y': '1' });
  expect(changes.flat()).toEqual(['/m/b/y']);
});

test('G3: a break empties nothing; afterwards it catches up in one change', async () => {
  await write('/m/a', '1');
  await write('/m/b', '1');
  const mirror = mirrorOf();
  await clock.advance(0);
  changes.length = 0;
  store.faults.disconnect();
  await clock.advance(60_000);
  expect(mirror).toMatchObject({ isComplete: true, connected: false });
  expect(contentOf(mirror)).toEqual({ '/m/a': '1', '/m/b': '1' });
  await remove('/m/a');
  await write('/m/c', '1');
  store.faults.reconnect();
  await clock.advance(LONGEST_RETRY_MS);
  expect(contentOf(mirror)).toEqual({ '/m/b': '1', '/m/c': '1' });
  expect(changes).toEqual([[], ['/m/a', '/m/c'], []]); // disconnected, changed, connected
});

test('a frozen store is noticed within 9 s, and what it holds is kept', async () => {
  await write('/m/a', '1');
  const mirror = mirrorOf();
  await clock.advance(0);
  store.faults.freeze();
  await clock.advance(9000);
  expect(mirror).toMatchObject({ isComplete: true, connected: false });
  await write('/m/a', '2');
  store.faults.reconnect();
  await clock.advance(3000 + LONGEST_RETRY_MS);
  expect(contentOf(mirror)).toEqual({ '/m/a': '2' });
  expect(mirror.connected).toBe(true);
});

test('a compaction while disconnected loses nothing', async () => {
  await write('/m/a', '1');
  const mirror = mirrorOf();
  await clock.advance(0);
  store.faults.disconnect();
  await clock.advance(0);
  await remove('/m/a');
  await write('/m/b', '1');
  store.faults.compact(store.revision);
  store.faults.reconnect();
  await clock.advance(LONGEST_RETRY_MS);
  expect(contentOf(mirror)).toEqual({ '/m/b': '1' });
});

test('a compaction between list and watch leads to another list', async () => {
  await write('/m/a', '1');
  let lists = 0;
  const racing: Store = {
    ...delegateStore(store),
    range: async (range: KeyRange) => {
      const list = await store.range(range);
      if (++lists === 1) {
        await write('/m/a', '2');
        await write('/m/a', '3');
        store.faults.compact(store.revision);
      }
      return list;
    },
  };
  const mirror = mirrorOf({ store: racing });
  await clock.advance(LONGEST_RETRY_MS);
  expect(contentOf(mirror)).toEqual({ '/m/a': '3' });
  expect(mirror.connected).toBe(true);
});

describe('a store that was emptied', () => {
  test('is seen as empty, by a list that succeeded', async () => {
    await write('/m/a', '1');
    const mirror = mirrorOf();
    await clock.advance(0);
    store.faults.wipe();
    expect(contentOf(mirror)).toEqual({ '/m/a': '1' });
    await clock.advance(LONGEST_RETRY_MS);
    expect(contentOf(mirror)).toEqual({});
    expect(mirror).toMatchObject({ isComplete: true, connected: true, revision: 1 });
  });

  test('and filled again is followed, also under revisions that were there before', async () => {
    await write('/m/a', 'old');
    await write('/m/b', 'old');
    const mirror = mirrorOf();
    await clock.advance(0);
    store.faults.disconnect();
    await clock.advance(0);
    store.faults.wipe();
    await write('/m/a', 'new');
    expect((await other.range({ key: '/m/a' })).kvs[0]?.modRevision).toBe(mirror.entries().get('/m/a')?.modRevision);
    changes.length = 0;
    store.faults.reconnect();
    await clock.advance(LONGEST_RETRY_MS);
    expect(contentOf(mirror)).toEqual({ '/m/a': 'new' });
    expect(changes[0]).toEqual(['/m/a', '/m/b']);
    await write('/m/c', 'new');
    await clock.advance(0);
    expect(contentOf(mirror)).toEqual({ '/m/a': 'new', '/m/c': 'new' });
  });

  test('behind a watch that was accepted at an older revision is found out', async () => {
    await write('/m/a', '1');
    await write('/m/a', '2');
    const rewound: Store = {
      ...delegateStore(store),
      watch: (range, startRevision, handlers) => {
        if (startRevision === 4) store.faults.wipe();
        return store.watch(range, startRevision, handlers);
      },
    };
    const mirror = mirrorOf({ store: rewound });
    await clock.advance(LONGEST_RETRY_MS);
    expect(contentOf(mirror)).toEqual({});
    expect(mirror).toMatchObject({ connected: true, revision: 1 });
  });
});

test('reads a full list every 5 to 10 minutes, without a word when nothing changed', async () => {
  await write('/m/a', '1');
  let lists = 0;
  const counting: Store = { ...delegateStore(store), range: (range) => (lists++, store.range(range)) };
  mirrorOf({ store: counting });
  await clock.advance(0);
  changes.length = 0;
  await clock.advance(60 * 60_000);
  expect(lists).toBeGreaterThanOrEqual(1 + 6);
  expect(lists).toBeLessThanOrEqual(1 + 12);
  expect(changes).toEqual([]);
});

test('an event that the watch lost is found by the next list', async () => {
  await write('/m/a', '1');
  const deaf: Store = {
    ...delegateStore(store),
    watch: (range, startRevision, handlers) =>
      store.watch(range, startRevision, { ...handlers, onEvents: () => undefined }),
  };
  const mirror = mirrorOf({ store: deaf });
  await clock.advance(0);
  await remove('/m/a');
  await clock.advance(0);
  expect(contentOf(mirror)).toEqual({ '/m/a': '1' });
  await clock.advance(10 * 60_000);
  expect(contentOf(mirror)).toEqual({});
});

test('retries back off to 5 s at most', async () => {
  let lists = 0;
  const counting: Store = { ...delegateStore(store), range: (range) => (lists++, store.range(range)) };
  store.faults.disconnect();
  mirrorOf({ store: counting });
  await clock.advance(60_000);
  expect(lists).toBeLessThan(30);
  expect(lists).toBeGreaterThan(10);
});

test('after close nothing is called and no timer is left', async () => {
  const mirror = mirrorOf();
  await clock.advance(0);
  mirror.close();
  changes.length = 0;
  await write('/m/a', '1');
  await clock.advance(LONGEST_RETRY_MS);
  expect(changes).toEqual([]);
  expect(clock.pending).toBe(0);
});
