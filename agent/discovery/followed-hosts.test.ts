import { emptyDocument, encodeDocument } from '../../lib/documents/codec';
import { keysUnder } from '../../lib/documents/keys';
import { createMemoryStore } from '../../lib/etcd/memory-store';
import type { RangeResult } from '../../lib/etcd/store';
import { createFakeClock } from '../../test/support/fake-clock';
import { delegateStore } from '../../test/support/store-delegate';
import { ASK_MS, UnknownYet } from './discovery';
import { FollowedHosts } from './followed-hosts';

const keys = keysUnder('/berth');

function createScene() {
  const clock = createFakeClock();
  const memory = createMemoryStore(clock);
  const store = delegateStore(memory);
  const state = { hangs: false, questions: 0 };
  store.range = (range) => {
    state.questions++;
    return state.hangs ? new Promise<RangeResult>(() => undefined) : memory.range(range);
  };
  const put = (name: string, value: string): Promise<unknown> =>
    memory.txn({ compares: [], writes: [{ op: 'put', key: keys.hostRecord(name), value }] });
  const is = (name: string, address: string): Promise<unknown> =>
    put(name, encodeDocument('HostRecord', { ...emptyDocument('HostRecord'), address }));
  return { hosts: new FollowedHosts({ store, keys, clock }), clock, state, put, is };
}

/** What became of what was asked, until now. */
function settled(asking: string | undefined | Promise<string | undefined>): { was: string | undefined } {
  const end: { was: string | undefined } = { was: 'waits' };
  Promise.resolve(asking).then(
    (address) => (end.was = address),
    (error: unknown) => (end.was = error instanceof UnknownYet ? 'unknown' : String(error)),
  );
  return end;
}

test('who asks waits for etcd no longer than anybody waits for a name, and what is known is answered meanwhile', async () => {
  const { hosts, clock, state, is } = createScene();
  await is('h1', '10.0.0.1');
  expect(await hosts.address('h1')).toBe('10.0.0.1');
  state.hangs = true;
  const asked = settled(hosts.address('h2'));
  await clock.advance(ASK_MS - 1);
  expect(asked.was).toBe('waits');
  await clock.advance(1);
  expect(asked.was).toBe('unknown');
  await clock.advance(60_000);
  expect(hosts.address('h1')).toBe('10.0.0.1');
});

test('names at random: etcd is asked about so many at once, and none of them takes a known host away', async () => {
  const { hosts, clock, state, is } = createScene();
  await is('h1', '10.0.0.1');
  expect(await hosts.address('h1')).toBe('10.0.0.1');
  for (let number = 0; number < 15_000; number++) {
    settled(hosts.address(`x${number}`));
    if (number % 100 === 99) await clock.advance(0);
  }
  const before = state.questions;
  expect(hosts.address('h1')).toBe('10.0.0.1');
  expect(state.questions).toBe(before);
  state.hangs = true;
  const asked = Array.from({ length: 5000 }, (_, number) => settled(hosts.address(`y${number}`)));
  expect(state.questions - before).toBe(256);
  await clock.advance(0);
  expect(asked.filter(({ was }) => was === 'unknown')).toHaveLength(5000 - 256);
});

test('a host that is made, moves, is garbage and is removed', async () => {
  const { hosts, clock, is, put } = createScene();
  expect(await hosts.address('h1')).toBeUndefined();
  await is('h1', '10.0.0.1');
  expect(hosts.address('h1')).toBeUndefined();
  await clock.advance(1000);
  expect(await hosts.address('h1')).toBe('10.0.0.1');
  for (const [change, expected] of [
    [() => is('h1', '10.0.0.2'), '10.0.0.2'],
    [() => put('h1', '{"adress":1}'), '10.0.0.2'],
  ] as const) {
    await change();
    await clock.advance(10_000);
    void hosts.address('h1');
    await clock.advance(0);
    expect(hosts.address('h1')).toBe(expected);
  }
});
