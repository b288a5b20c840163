import { connectEtcd } from '../../lib/etcd/etcd3-store';
import { commitFenced } from '../../lib/etcd/fenced-txn';
import type { Store, StoreError } from '../../lib/etcd/store';
import { startEtcd } from '../support/etcd-server';
import type { EtcdServer } from '../support/etcd-server';
import { startTcpProxy } from '../support/tcp-proxy';
import type { TcpProxy } from '../support/tcp-proxy';
import { pause, put, Recorder, until } from '../support/watch-recorder';

jest.setTimeout(60_000);

let etcd: EtcdServer;
let proxy: TcpProxy;
let store: Store;
let direct: Store;

beforeEach(async () => {
  etcd = await startEtcd();
  proxy = await startTcpProxy(etcd.endpoint);
  store = connectEtcd({ endpoints: [proxy.endpoint], callTimeoutMs: 1500 });
  direct = connectEtcd({ endpoints: [etcd.endpoint] });
  await store.txn({ compares: [], writes: [put('/a', '1')] });
});

afterEach(async () => {
  store.close();
  direct.close();
  await proxy.stop();
  await etcd.stop();
});

async function errorOf(promise: Promise<unknown>): Promise<StoreError> {
  return promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: StoreError) => error,
  );
}

test('a compare-and-swap whose reply is lost fails as unavailable, is sent once, and commitFenced finds it out', async () => {
  const { revision } = await direct.txn({ compares: [], writes: [put('/leader/1', 'me')] });
  const fence = { compare: { key: '/leader/1', createRevision: revision } };
  const { modRevision } = (await direct.range({ key: '/a' })).kvs[0] ?? { modRevision: 0 };
  const swap = { compares: [{ key: '/a', modRevision }], writes: [put('/a', '2')] };

  proxy.swallowReplies();
  const error = await errorOf(store.txn(swap));
  expect(error.code).toBe('unavailable');
  const { kvs } = await direct.range({ key: '/a' });
  expect(kvs[0]).toMatchObject({ value: '2', modRevision: revision + 1 });
  proxy.heal();
  proxy.cut();
  await store.range({ key: '/a' }); // a connection on which the next request gets through

  const next = { compares: [{ key: '/a', modRevision: revision + 1 }], writes: [put('/a', '3')] };
  proxy.swallowReplies();
  const outcome = commitFenced(store, fence, next);
  await pause(300);
  proxy.heal(); // the reply to the write stays lost, those to the reads come
  proxy.cut();
  expect(await outcome).toBe('committed');
  expect((await direct.range({ key: '/a' })).kvs[0]).toMatchObject({ value: '3', modRevision: revision + 2 });
});

describe('every call settles within its timeout', () => {
  test.each<[string, () => void | Promise<void>]>([
    ['a black hole', () => proxy.blackhole()],
    ['a stopped etcd', () => etcd.pause()],
    ['a killed etcd', () => etcd.kill()],
    ['replies that vanish', () => proxy.swallowReplies()],
  ])('with %s', async (_name, breakIt) => {
    await breakIt();
    const calls = [
      store.range({ prefix: '/' }),
      store.txn({ compares: [], writes: [put('/b', '1')] }),
      store.grantLease(5000),
      store.keepLeaseAlive('1234'),
      store.revokeLease('1234'),
    ];
    const startMs = performance.now();
    const codes = await Promise.all(calls.map(async (call) => (await errorOf(call)).code));
    expect(codes).toEqual(calls.map(() => 'unavailable'));
    expect(performance.now() - startMs).toBeLessThan(3000);
  });

  test('and works again at once when etcd does', async () => {
    proxy.blackhole();
    await errorOf(store.range({ key: '/a' }));
    proxy.heal();
    expect((await store.range({ key: '/a' })).kvs).toHaveLength(1);
  });
});

test('a call that runs into its deadline ends no watch', async () => {
  const slow = await startTcpProxy(etcd.endpoint);
  const mixed = connectEtcd({ endpoints: [slow.endpoint], callTimeoutMs: 500 });
  const heard = new Recorder(mixed, { prefix: '/w/' }, 1);
  await until(() => heard.created.length === 1);
  slow.swallowReplies();
  for (let round = 0; round < 3; round++) expect((await errorOf(mixed.range({ key: '/a' }))).code).toBe('unavailable');
  slow.heal(); // the watch's connection was never cut
  await direct.txn({ compares: [], writes: [put('/w/a', '1')] });
  await until(() => heard.batches.length === 1);
  expect(heard.ends).toEqual([]);
  mixed.close();
  await slow.stop();
});

test('a hung call costs the next one nothing: it takes another connection', async () => {
  await store.range({ key: '/a' });
  proxy.swallowReplies();
  const hung = errorOf(store.range({ key: '/a' }));
  await pause(900);
  proxy.heal();
  // The old connection is still without its reply; this one must not queue behind a dead peer.
  const before = proxy.connections;
  await store.range({ key: '/a' });
  expect(proxy.connections).toBe(before + 1);
  await hung;
});

test('a watch that is never accepted ends within 6 s', async () => {
  proxy.swallowReplies();
  const startMs = performance.now();
  const heard = new Recorder(store, { prefix: '/' }, 1);
  await until(() => heard.ends.length === 1, 7000);
  expect(heard.ends[0]?.code).toBe('unavailable');
  expect(performance.now() - startMs).toBeLessThan(6000);
});

test('a lease grant whose reply is lost is sent once: it leaves one lease behind, not two', async () => {
  await store.grantLease(60_000); // a connection on which the next one gets through
  proxy.swallowReplies();
  expect((await errorOf(store.grantLease(60_000))).code).toBe('unavailable');
  await pause(1000);
  const listed = (await etcd.ctl(['lease', 'list'])).split('\n').filter((line) => /^[0-9a-f]+$/.test(line));
  expect(listed).toHaveLength(2);
});

test('an etcd that wants a login is told as such, by calls and watches, and again without one all is well', async () => {
  const live = new Recorder(store, { key: '/a' }, 1);
  await until(() => live.created.length === 1);
  for (const words of ['user add root:secret', 'user grant-role root root', 'auth enable'])
    await etcd.ctl(words.split(' '));
  for (const call of [store.range({ key: '/a' }), store.txn({ compares: [], writes: [put('/a', '2')] })])
    expect((await errorOf(call)).code).toBe('denied');
  // One refused watch must not be in the way of the next.
  const refused = [1, 2].map(() => new Recorder(store, { key: '/a' }, 1));
  await until(() => refused.every(({ ends }) => ends.length === 1));
  expect(refused.map(({ ends }) => ends[0]!.code)).toEqual(['denied', 'denied']);
  await etcd.ctl(['--user', 'root:secret', 'auth', 'disable']);
  await store.txn({ compares: [], writes: [put('/a', '3')] });
  await until(() => live.batches.length > 0 || live.ends.length > 0);
  const next = new Recorder(store, { key: '/a' }, 1);
  await until(() => next.batches.flatMap(({ events }) => events).includes('/a=3'));
});

test('an etcd that is out of space says so, and can be read', async () => {
  const small = await startEtcd({ args: ['--quota-backend-bytes=2000000'] });
  const full = connectEtcd({ endpoints: [small.endpoint] });
  let code = '';
  // etcd counts what its backend has written out, a while after it has answered.
  for (let round = 0; round < 400 && code === ''; round++) {
    await full
      .txn({ compares: [], writes: [put(`/f/${round % 40}`, 'x'.repeat(200_000))] })
      .catch((error: StoreError) => (code = error.code));
  }
  expect(code).toBe('no-space');
  expect((await full.range({ prefix: '/f/' })).kvs.length).toBeGreaterThan(0);
  full.close();
  await small.stop();
});

test.each([[['nonsense://x']], [['https://127.0.0.1:2379']], [['http://']], [[]]])(
  'endpoints %j are refused',
  (endpoints) => {
    expect(() => connectEtcd({ endpoints })).toThrow(/etcd endpoint/);
  },
);

test('a name serves as well as an address', async () => {
  const byName = connectEtcd({ endpoints: [etcd.endpoint.replace('127.0.0.1', 'localhost')] });
  expect((await byName.range({ key: '/a' })).kvs).toHaveLength(1);
  byName.close();
});

test('a name that does not resolve is unavailable', async () => {
  const lost = connectEtcd({ endpoints: ['http://no-such-host.invalid:2379'] });
  expect((await errorOf(lost.range({ key: '/a' }))).code).toBe('unavailable');
  const heard = new Recorder(lost, { key: '/a' }, 1);
  await until(() => heard.ends.length === 1);
  lost.close();
});
