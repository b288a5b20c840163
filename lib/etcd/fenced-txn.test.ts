import { createFakeClock } from '../../test/support/fake-clock';
import { commitFenced } from './fenced-txn';
import type { Fence } from './fenced-txn';
import { createMemoryStore } from './memory-store';
import type { MemoryStore } from './memory-store';
import type { Txn, Write } from './store';

let store: MemoryStore;
let fence: Fence;

const put = (key: string, value: string): Write => ({ op: 'put', key, value });

beforeEach(async () => {
  store = createMemoryStore(createFakeClock());
  const { revision } = await store.txn({ compares: [], writes: [put('/leader/1', 'me')] });
  fence = { compare: { key: '/leader/1', createRevision: revision } };
  await store.txn({ compares: [], writes: [put('/doc', 'old')] });
});

async function docTxn(value: string | undefined): Promise<Txn> {
  const modRevision = (await store.range({ key: '/doc' })).kvs[0]?.modRevision ?? 0;
  const write: Write = value === undefined ? { op: 'delete', key: '/doc' } : put('/doc', value);
  return { compares: [{ key: '/doc', modRevision }], writes: [put('/free', 'x'), write] };
}

async function doc(): Promise<string | undefined> {
  return (await store.range({ key: '/doc' })).kvs[0]?.value;
}

test('the leader commits', async () => {
  expect(await commitFenced(store, fence, await docTxn('new'))).toBe('committed');
  expect(await doc()).toBe('new');
});

test('a document that moved is a conflict, and nothing is written', async () => {
  const txn = await docTxn('new');
  await store.txn({ compares: [], writes: [put('/doc', 'theirs')] });
  expect(await commitFenced(store, fence, txn)).toBe('conflict');
  expect(await doc()).toBe('theirs');
});

test.each<[string, readonly Write[][]]>([
  ['is gone', [[{ op: 'delete', key: '/leader/1' }]]],
  ['was made anew', [[{ op: 'delete', key: '/leader/1' }], [put('/leader/1', 'me')]]],
])('G4: a leader whose key %s commits nothing', async (_how, steps) => {
  for (const writes of steps) await store.txn({ compares: [], writes });
  expect(await commitFenced(store, fence, await docTxn('new'))).toBe('deposed');
  expect(await doc()).toBe('old');
});

describe('a lost reply', () => {
  test.each([['new'], ['old'], [undefined]])('to a commit that happened is found out (value %s)', async (value) => {
    const txn = await docTxn(value);
    store.faults.loseReplies(1);
    expect(await commitFenced(store, fence, txn)).toBe('committed');
    expect(await doc()).toBe(value);
  });

  test.each([['new'], ['old'], [undefined]])('to one that did not happen is a conflict (value %s)', async (value) => {
    const txn = await docTxn(value);
    store.faults.loseRequests(1);
    expect(await commitFenced(store, fence, txn)).toBe('conflict');
    expect(await doc()).toBe('old');
  });

  test('of a deposed leader says so', async () => {
    const txn = await docTxn('new');
    await store.txn({ compares: [], writes: [{ op: 'delete', key: '/leader/1' }] });
    store.faults.loseRequests(1);
    expect(await commitFenced(store, fence, txn)).toBe('deposed');
  });

  test('while the store stays away is thrown on', async () => {
    const txn = await docTxn('new');
    store.faults.disconnect();
    await expect(commitFenced(store, fence, txn)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

test('other errors are thrown on', async () => {
  const writes = [put('/big', 'x'.repeat(2 * 1024 * 1024))];
  await expect(commitFenced(store, fence, { compares: [], writes })).rejects.toMatchObject({ code: 'too-large' });
});

test('a transaction over the limit is a mistake of the programmer', async () => {
  const compares = Array.from({ length: 128 }, (_, index) => ({ key: `/${index}`, modRevision: 0 }));
  await expect(commitFenced(store, fence, { compares, writes: [] })).rejects.toThrow('over its limit');
});
