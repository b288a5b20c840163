import type { KeyRange, Store, Write } from '../../lib/etcd/store';
import { expectFailure, SUBJECTS } from '../support/store-subjects';
import type { Subject } from '../support/store-subjects';
import { pause, put, Recorder, until } from '../support/watch-recorder';

describe.each(SUBJECTS)('%s keeps the Store contract for leases', (_name, start) => {
  let subject: Subject;
  let store: Store;
  let space: string;
  let spaces = 0;

  beforeAll(async () => {
    subject = await start();
    store = subject.connect();
  });
  afterAll(async () => {
    store.close();
    await subject.stop();
  });
  beforeEach(() => {
    space = `/t${++spaces}/`;
  });

  const key = (name: string): string => space + name;
  const all = (): KeyRange => ({ prefix: space });
  const write = async (...writes: Write[]): Promise<number> => {
    const result = await store.txn({ compares: [], writes });
    expect(result.succeeded).toBe(true);
    return result.revision;
  };
  test('grants 2 s at least, in whole seconds', async () => {
    expect((await store.grantLease(100)).ttlMs).toBe(2000);
    expect((await store.grantLease(4100)).ttlMs).toBe(5000);
  });

  test('revoking deletes its keys in one revision, and once more does nothing', async () => {
    const { id } = await store.grantLease(60_000);
    const revision = await write(put(key('a'), '1', id), put(key('b'), '1', id), put(key('c'), '1'));
    expect((await store.range({ key: key('a') })).kvs[0]?.lease).toBe(id);
    const heard = new Recorder(store, all(), revision + 1);
    await store.revokeLease(id);
    await until(() => heard.batches.length === 1);
    expect(heard.batches[0]?.events.sort()).toEqual([`-${key('a')}`, `-${key('b')}`]);
    await store.revokeLease(id);
    expect((await store.range(all())).kvs.map((kv) => kv.key)).toEqual([key('c')]);
    heard.watch.close();
  });

  test('a put without or with another lease takes the key off the first', async () => {
    const [first, second] = [await store.grantLease(60_000), await store.grantLease(60_000)];
    await write(put(key('a'), '1', first.id), put(key('b'), '1', first.id));
    await write(put(key('a'), '2'), put(key('b'), '2', second.id));
    await store.revokeLease(first.id);
    expect((await store.range(all())).kvs).toHaveLength(2);
    await store.revokeLease(second.id);
    expect((await store.range(all())).kvs.map((kv) => kv.key)).toEqual([key('a')]);
  });

  test('a put under a lease that is gone is refused whole', async () => {
    const { id } = await store.grantLease(60_000);
    await store.revokeLease(id);
    await expectFailure(
      store.txn({ compares: [], writes: [put(key('b'), '1'), put(key('a'), '1', id)] }),
      'lease-gone',
    );
    expect((await store.range(all())).kvs).toEqual([]);
  });

  test('keeping it alive says how long; 0 when it is gone', async () => {
    const { id } = await store.grantLease(7000);
    expect(await store.keepLeaseAlive(id)).toBe(7000);
    await store.revokeLease(id);
    expect(await store.keepLeaseAlive(id)).toBe(0);
  });

  test('says which keys hang on a lease', async () => {
    const [lease, other] = [await store.grantLease(60_000), await store.grantLease(60_000)];
    expect(await store.leaseKeys(lease.id)).toEqual([]);
    await write(put(key('b'), '1', lease.id), put(key('a'), '1', lease.id), put(key('c'), '1', lease.id));
    await write(put(key('d'), '1', other.id), put(key('e'), '1'));
    expect(await store.leaseKeys(lease.id)).toEqual([key('a'), key('b'), key('c')]);
    await write(put(key('a'), '2', other.id), put(key('b'), '2'), { op: 'delete', key: key('c') });
    expect(await store.leaseKeys(lease.id)).toEqual([]);
    expect(await store.leaseKeys(other.id)).toEqual([key('a'), key('d')]);
    await store.revokeLease(other.id);
    expect(await store.leaseKeys(other.id)).toEqual([]);
  });

  test('renewals move no revision', async () => {
    const { id } = await store.grantLease(7000);
    const before = (await store.range(all())).revision;
    for (let round = 0; round < 5; round++) await store.keepLeaseAlive(id);
    expect((await store.range(all())).revision).toBe(before);
  });

  test('lives as long as it is kept, and runs out after its TTL', async () => {
    const { id } = await store.grantLease(2000);
    const revision = await write(put(key('a'), '1', id));
    const heard = new Recorder(store, all(), revision + 1);
    for (let round = 0; round < 5; round++) {
      await pause(600);
      expect(await store.keepLeaseAlive(id)).toBe(2000);
    }
    const keptMs = performance.now();
    await until(() => heard.batches.length === 1, 6000);
    expect(performance.now() - keptMs).toBeGreaterThan(1900);
    expect(await store.keepLeaseAlive(id)).toBe(0);
    heard.watch.close();
  });
});
