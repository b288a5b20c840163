import { emptyDocument, encodeDocument } from '../../lib/documents/codec';
import { keysUnder } from '../../lib/documents/keys';
import type { Assignment, Release } from '../../lib/documents/types';
import { createMemoryStore, type MemoryStore } from '../../lib/etcd/memory-store';
import { silentLogger } from '../../lib/log';
import { releaseHash } from '../../lib/release/release-hash';
import { releaseOf } from '../../test/support/desired';
import { createFakeClock, type FakeClock } from '../../test/support/fake-clock';
import { ReleaseCache } from './release-cache';

const keys = keysUnder('/test');
const WEB = releaseOf('web');

let clock: FakeClock;
let admin: MemoryStore;
let store: MemoryStore;
let cache: ReleaseCache;
let reads: string[];
beforeEach(() => {
  clock = createFakeClock();
  admin = createMemoryStore(clock);
  store = admin.connect();
  reads = [];
  const range = store.range.bind(store);
  store.range = (what) => {
    reads.push('key' in what ? what.key : what.prefix);
    return range(what);
  };
  const onChange = (): void => undefined;
  cache = new ReleaseCache({ ...{ store, keys, clock, log: silentLogger, random: () => 0.5, onChange } });
});
afterEach(() => cache.close());

const put = (key: string, value: string): Promise<unknown> =>
  admin.txn({ compares: [], writes: [{ op: 'put', key, value }] });
const putRelease = (release: Release): Promise<unknown> =>
  put(keys.release(release.service, release.number), encodeDocument('Release', release));
function wanting(...releases: readonly Release[]): Assignment {
  const instances = releases.map((release) => {
    const { service, number } = release;
    return [
      `${service}-1`,
      { service, slot: 1, release: number, hash: releaseHash(release), config: {}, before: false },
    ] as const;
  });
  return { ...emptyDocument('Assignment'), instances: Object.fromEntries(instances) };
}
const many = (count: number): readonly Release[] => Array.from({ length: count }, (_, index) => releaseOf(`s${index}`));

test('a release is read once, however often it is wanted', async () => {
  await putRelease(WEB);
  cache.want(wanting(WEB));
  expect(cache.get('web@1')).toBe('release web@1 is not read yet');
  await clock.advance(10);
  for (let time = 0; time < 5; time++) cache.want(wanting(WEB));
  await clock.advance(60 * 60_000);
  expect(cache.get('web@1')).toEqual(WEB);
  expect(reads).toHaveLength(1);
});

test.each<[string, () => Promise<unknown>, RegExp]>([
  ['missing', () => Promise.resolve(), /^release web@1 is not in etcd$/],
  ['no JSON', () => put(keys.release('web', 1), '{'), /^release web@1 is unreadable: not JSON/],
  ['of an unknown field', () => put(keys.release('web', 1), '{"x":1}'), /^release web@1 is unreadable: x: no such/],
  [
    'of another service',
    () => put(keys.release('web', 1), encodeDocument('Release', releaseOf('api'))),
    /^release web@1: what stands there is api@1$/,
  ],
  [
    'of another number',
    () => put(keys.release('web', 1), encodeDocument('Release', releaseOf('web', { number: 2 }))),
    /what stands there is web@2$/,
  ],
])('G3: one that is %s is said, and asked for again now and then', async (_, prepare, why) => {
  await prepare();
  cache.want(wanting(WEB));
  await clock.advance(100);
  expect(cache.get('web@1')).toMatch(why);
  expect([...cache.problems]).toEqual([[keys.release('web', 1), expect.stringMatching(why)]]);
  await clock.advance(60_000);
  expect(reads.length).toBeLessThanOrEqual(8);
  await putRelease(WEB);
  await clock.advance(11_000);
  expect(cache.get('web@1')).toEqual(WEB);
  expect(cache.problems.size).toBe(0);
});

test('G10: many that are missing are asked for in no haste, and those after them are read', async () => {
  const missing = many(40);
  await putRelease(WEB);
  cache.want(wanting(...missing, WEB));
  await clock.advance(100);
  expect(reads).toHaveLength(41);
  expect(cache.get('web@1')).toEqual(WEB);
  await clock.advance(20_000);
  expect(reads.length).toBeLessThanOrEqual(41 + 2 * 40);
});

test('G3: what was read stays while etcd is away, emptied, or garbage', async () => {
  await putRelease(WEB);
  cache.want(wanting(WEB));
  await clock.advance(10);
  await put(keys.release('web', 1), '{');
  cache.want(wanting(WEB));
  admin.faults.wipe();
  cache.want(wanting(WEB));
  store.faults.disconnect();
  cache.want(wanting(WEB));
  await clock.advance(60_000);
  expect(cache.get('web@1')).toEqual(WEB);
});

test('G3: another release of the same number is read anew; until then the old one does not pass for it', async () => {
  await putRelease(WEB);
  cache.want(wanting(WEB));
  await clock.advance(10);
  const other = releaseOf('web', { image: 'web:2' });
  store.faults.disconnect();
  cache.want(wanting(other));
  await clock.advance(1000);
  expect(cache.get('web@1')).toBe('release web@1 is not the one that is known by this number; it is read anew');
  expect([...cache.whole]).toEqual([]);
  await putRelease(other);
  store.faults.reconnect();
  await clock.advance(20_000);
  expect(cache.get('web@1')).toEqual(other);
});

test('etcd that does not answer is asked again, less and less often', async () => {
  store.faults.disconnect();
  cache.want(wanting(...many(3)));
  await clock.advance(10 * 60_000);
  expect(reads.length).toBeLessThan(3 * 100);
  const before = reads.length;
  await clock.advance(60_000);
  expect(reads.length - before).toBeLessThanOrEqual(3 * 9);
});

test('from disk they are as they were wanted there', async () => {
  cache.restore(wanting(WEB), new Map([['web@1', WEB]]));
  cache.want(wanting(WEB));
  await clock.advance(60_000);
  expect(cache.get('web@1')).toEqual(WEB);
  expect(reads).toEqual([]);
});

test('those of images that are wanted ahead of need are read, and are not what the host needs to go on', async () => {
  const next = releaseOf('web', { number: 2 });
  await putRelease(WEB);
  await putRelease(next);
  cache.want({ ...wanting(WEB), prefetch: ['web@2', 'web@1', 'nothing', '@', 'web@x'] });
  await clock.advance(100);
  expect(cache.get('web@2')).toEqual(next);
  expect([...cache.whole.keys()]).toEqual(['web@1']);
  expect(cache.get('nothing')).toBe('release nothing is not in etcd');
  cache.want(wanting(next));
  expect([...cache.whole.keys()]).toEqual(['web@2']);
});

test('what is not wanted any more when etcd answers is no trouble', async () => {
  cache.want(wanting(WEB));
  cache.want(wanting());
  await clock.advance(100);
  expect(reads).toHaveLength(1);
  expect(cache.problems.size).toBe(0);
});

test('a closed one asks no more', async () => {
  cache.want(wanting(WEB));
  await clock.advance(10);
  cache.close();
  expect(clock.pending).toBe(0);
});
