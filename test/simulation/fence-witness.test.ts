import { createMemoryStore } from '../../lib/etcd/memory-store';
import type { Compare } from '../../lib/etcd/store';
import { createFakeClock } from '../support/fake-clock';
import { fenceWitness } from './fence-witness';

const put = (key: string) => ({ op: 'put' as const, key, value: 'x' });

test.each<[string, (first: number, second: number) => readonly Compare[], RegExp | undefined]>([
  ['the leader', (first) => [{ key: '/leader/a', createRevision: first }], undefined],
  ['nobody', () => [], /without a proof of leadership/],
  ['who has no key', () => [{ key: '/leader/c', createRevision: 0 }], /without a proof of leadership/],
  [
    'the next one',
    (_, second) => [{ key: '/leader/b', createRevision: second }],
    /by \/leader\/b while \/leader\/a leads/,
  ],
])('a write of %s is judged', async (_, comparesOf, wrong) => {
  const etcd = createMemoryStore(createFakeClock());
  const breaches: string[] = [];
  const store = fenceWitness(etcd.connect(), etcd, '/leader/', (what) => breaches.push(what));
  await store.txn({ compares: [], writes: [put('/leader/a')] });
  await store.txn({ compares: [], writes: [put('/leader/b')] });
  const [first, second] = (await etcd.range({ prefix: '/leader/' })).kvs.map(({ createRevision }) => createRevision);
  expect(breaches).toEqual([]);
  await store.txn({ compares: comparesOf(first!, second!), writes: [put('/assignments/h1')] });
  expect(breaches).toEqual(wrong === undefined ? [] : [expect.stringMatching(wrong) as string]);
});

test.each<[string, readonly Compare[], readonly string[]]>([
  ['with its proof', [{ key: '/leader/b', createRevision: 2 }], []],
  ['without any', [], ['G4: /assignments/h1 written without a proof of leadership']],
])('behind a key that a backup brought back, a write %s', async (_, compares, wrong) => {
  const etcd = createMemoryStore(createFakeClock());
  const breaches: string[] = [];
  const breach = (what: string): void => void breaches.push(what);
  await etcd.txn({ compares: [], writes: [put('/leader/a')] });
  await etcd.txn({ compares: [], writes: [put('/leader/b')] });
  const createRevision = (await etcd.range({ key: '/leader/b' })).kvs[0]!.createRevision;
  const store = fenceWitness(etcd.connect(), etcd, '/leader/', breach, () => true);
  await store.txn({ compares: compares.map((one) => ({ ...one, createRevision })), writes: [put('/assignments/h1')] });
  expect(breaches).toEqual(wrong);
});
