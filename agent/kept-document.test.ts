import { createMemoryStore, type MemoryStore } from '../lib/etcd/memory-store';
import { StoreError } from '../lib/etcd/store';
import { silentLogger } from '../lib/log';
import { createFakeClock, type FakeClock } from '../test/support/fake-clock';
import { recordLog, type LogLine } from '../test/support/recorded-log';
import { COALESCE_MS, KeptDocument } from './kept-document';

const KEY = '/test/status/h1';

let clock: FakeClock;
let admin: MemoryStore;
let store: MemoryStore;
let document: KeptDocument;
let lines: readonly LogLine[];
let mayWrite: boolean;

beforeEach(async () => {
  clock = createFakeClock();
  admin = createMemoryStore(clock);
  store = admin.connect();
  mayWrite = true;
  const recorded = recordLog(clock);
  lines = recorded.lines;
  document = new KeptDocument({
    ...{ store, clock, log: recorded.log, key: KEY, random: () => 0.5 },
    mayWrite: () => mayWrite,
  });
  await clock.advance(1);
});
afterEach(() => document.close());

const put = (value: string): Promise<unknown> => admin.txn({ compares: [], writes: [{ op: 'put', key: KEY, value }] });
const found = async (): Promise<string | undefined> => (await admin.range({ key: KEY })).kvs[0]?.value;
/** Writes to the store while something is done. */
async function writesWhile(act: () => Promise<void>): Promise<number> {
  const before = admin.revision;
  await act();
  return admin.revision - before;
}

test('is written at once, and nothing more at rest', async () => {
  document.want('a');
  await clock.advance(1);
  expect(await found()).toBe('a');
  const writes = await writesWhile(async () => {
    for (let time = 0; time < 10; time++) document.want('a');
    await clock.advance(60 * 60_000);
  });
  expect(writes).toBe(0);
});

test('what stands there already is not written again', async () => {
  await put('a');
  await clock.advance(1);
  const writes = await writesWhile(async () => {
    document.want('a');
    await clock.advance(60_000);
  });
  expect(writes).toBe(0);
});

test('changes become one write in 200 ms, the last one', async () => {
  document.want('0');
  await clock.advance(1);
  const writes = await writesWhile(async () => {
    for (let change = 1; change <= 100; change++) {
      document.want(String(change));
      await clock.advance(10);
    }
    await clock.advance(COALESCE_MS);
  });
  expect(writes).toBeLessThanOrEqual(1000 / COALESCE_MS + 1);
  expect(await found()).toBe('100');
});

test('an urgent change waits for no other', async () => {
  document.want('0');
  await clock.advance(1);
  document.want('1');
  await clock.advance(10);
  expect(await found()).toBe('0');
  document.want('2', { isUrgent: true });
  await clock.advance(1);
  expect(await found()).toBe('2');
  const writes = await writesWhile(async () => {
    for (let change = 3; change <= 10; change++) {
      document.want(String(change));
      await clock.advance(10);
    }
  });
  expect(writes).toBe(0);
});

test('an urgent change that fails is tried again in its time, and no oftener', async () => {
  let tries = 0;
  const txn = store.txn.bind(store);
  store.txn = (what) => {
    tries++;
    return tries < 3 ? Promise.reject(new StoreError('unavailable', 'no')) : txn(what);
  };
  for (let time = 0; time < 20; time++) {
    document.want(`a${time}`, { isUrgent: true });
    await clock.advance(5);
  }
  expect(tries).toBe(1);
  await clock.advance(2000);
  expect(await found()).toBe('a19');
});

test('a change that is taken back is none', async () => {
  document.want('a');
  await clock.advance(1);
  const writes = await writesWhile(async () => {
    document.want('b');
    await clock.advance(100);
    document.want('a');
    await clock.advance(1000);
  });
  expect(writes).toBe(0);
});

test.each<[string, () => Promise<unknown>]>([
  ['deleted', () => admin.txn({ compares: [], writes: [{ op: 'delete', key: KEY }] })],
  ['changed', () => put('x')],
  ['lost with everything else', async () => admin.faults.wipe()],
])('is written again when it is %s', async (_, spoil) => {
  document.want('a');
  await clock.advance(5000);
  await spoil();
  await clock.advance(2000);
  expect(await found()).toBe('a');
});

test('two who want the key otherwise write no more than five times a second each', async () => {
  document.want('a');
  await clock.advance(1);
  const writes = await writesWhile(async () => {
    for (let ms = 0; ms < 10_000; ms += 50) {
      await put('b');
      await clock.advance(50);
    }
  });
  expect(writes - 200).toBeLessThanOrEqual(10_000 / COALESCE_MS + 1);
});

test('what the watch has not shown yet is not written twice', async () => {
  const slow = admin.connect();
  const watch = slow.watch.bind(slow);
  slow.watch = (range, revision, handlers) =>
    watch(range, revision, {
      ...handlers,
      onEvents: (...events) => void clock.after(1000, () => handlers.onEvents(...events)),
    });
  const options = { store: slow, clock, log: silentLogger, key: KEY, random: () => 0.5, mayWrite: () => true };
  const late = new KeptDocument(options);
  await clock.advance(1);
  const writes = await writesWhile(async () => {
    for (let time = 0; time < 100; time++) {
      late.want('a');
      await clock.advance(50);
    }
  });
  expect(writes).toBe(1);
  late.close();
});

describe('when etcd does not answer', () => {
  test('it is tried again, less and less often, and said once', async () => {
    document.want('a');
    await clock.advance(1);
    store.faults.loseRequests(20);
    document.want('b');
    await clock.advance(5000);
    expect(await found()).toBe('a');
    await clock.advance(100_000);
    expect(await found()).toBe('b');
    expect(lines.filter(({ message }) => message.startsWith('could not write'))).toHaveLength(1);
  });

  test('a write whose reply was lost is not made twice', async () => {
    store.faults.loseReplies(1);
    const writes = await writesWhile(async () => {
      document.want('a');
      await clock.advance(60_000);
    });
    expect(writes).toBe(1);
  });

  test('what is wanted meanwhile is written when it is back', async () => {
    store.faults.disconnect();
    document.want('a');
    await clock.advance(60_000);
    document.want('b');
    await clock.advance(60_000);
    store.faults.reconnect();
    const writes = await writesWhile(() => clock.advance(10_000));
    expect(await found()).toBe('b');
    expect(writes).toBe(1);
  });
});

describe('when it may not be written', () => {
  test('it is not, whatever changes', async () => {
    mayWrite = false;
    document.want('a');
    await clock.advance(10_000);
    await put('theirs');
    await clock.advance(10_000);
    expect(await found()).toBe('theirs');
    mayWrite = true;
    document.check();
    await clock.advance(1);
    expect(await found()).toBe('a');
  });

  test('not even when the write was waiting', async () => {
    document.want('a');
    await clock.advance(1);
    document.want('b');
    mayWrite = false;
    await clock.advance(10_000);
    expect(await found()).toBe('a');
  });
});

test('a closed one writes nothing, and waits for nothing', async () => {
  document.want('a');
  document.close();
  await clock.advance(10_000);
  expect(await found()).toBeUndefined();
  expect(clock.pending).toBe(0);
});
