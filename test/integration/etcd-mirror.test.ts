import { systemClock } from '../../lib/clock';
import { connectEtcd } from '../../lib/etcd/etcd3-store';
import { startMirror } from '../../lib/etcd/mirror';
import type { Mirror } from '../../lib/etcd/mirror';
import type { Store } from '../../lib/etcd/store';
import { startEtcd } from '../support/etcd-server';
import type { EtcdServer } from '../support/etcd-server';
import { startTcpProxy } from '../support/tcp-proxy';
import type { TcpProxy } from '../support/tcp-proxy';
import { pause, put, until } from '../support/watch-recorder';

jest.setTimeout(60_000);
/** Retries are at most 5 s apart, and a try may take its whole timeout. */
const RECOVERY_MS = 12_000;

let etcd: EtcdServer;
let proxy: TcpProxy;
/** Through the proxy. */
let store: Store;
/** Straight to etcd. */
let writer: Store;
let mirror: Mirror;
let smallest: number;

beforeEach(async () => {
  etcd = await startEtcd();
  proxy = await startTcpProxy(etcd.endpoint);
  store = connectEtcd({ endpoints: [proxy.endpoint] });
  writer = connectEtcd({ endpoints: [etcd.endpoint] });
  await write('/m/a', '1');
  await write('/m/b', '1');
  smallest = Infinity;
  mirror = startMirror({
    store,
    clock: systemClock,
    range: { prefix: '/m/' },
    onChange: () => (smallest = Math.min(smallest, mirror.entries().size)),
  });
  await until(() => mirror.connected);
});

afterEach(async () => {
  mirror.close();
  store.close();
  writer.close();
  await proxy.stop();
  await etcd.stop();
});

async function write(key: string, value: string): Promise<void> {
  await writer.txn({ compares: [], writes: [put(key, value)] });
}

function content(): Record<string, string> {
  return Object.fromEntries([...mirror.entries()].map(([key, kv]) => [key, kv.value]));
}

/** Writes until it works: the writer's own connection has to come back too. */
async function writeWhenBack(key: string, value: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    const isWritten = await write(key, value).then(
      () => true,
      () => false,
    );
    if (isWritten) return;
    if (tries === 50) throw new Error('etcd did not come back');
    await pause(200);
  }
}

async function expectFollowing(key: string): Promise<void> {
  await until(() => mirror.connected, RECOVERY_MS);
  await writeWhenBack(key, 'after');
  await until(() => mirror.entries().get(key)?.value === 'after', RECOVERY_MS);
}

test('G3: kill -9, a while, restart: nothing is dropped, then it follows', async () => {
  await etcd.kill();
  await until(() => !mirror.connected);
  await pause(3000);
  expect(content()).toEqual({ '/m/a': '1', '/m/b': '1' });
  expect(mirror.isComplete).toBe(true);
  await etcd.restart();
  await expectFollowing('/m/c');
  expect(smallest).toBe(2);
});

test('SIGSTOP: noticed within 9 s; SIGCONT: follows again', async () => {
  etcd.pause();
  const pausedMs = performance.now();
  await until(() => !mirror.connected, 10_000);
  expect(performance.now() - pausedMs).toBeLessThan(9500);
  await pause(4000); // tries to come back in vain
  expect(content()).toEqual({ '/m/a': '1', '/m/b': '1' });
  etcd.resume();
  await expectFollowing('/m/c');
  expect(smallest).toBe(2);
});

test('a black hole that accepts connections: noticed, and left as soon as it answers', async () => {
  proxy.blackhole();
  await until(() => !mirror.connected, 10_000);
  await write('/m/missed', '1');
  await pause(8000); // new connections hang as well
  expect(content()).toEqual({ '/m/a': '1', '/m/b': '1' });
  proxy.heal();
  await until(() => mirror.entries().has('/m/missed'), RECOVERY_MS);
  await expectFollowing('/m/c');
});

test('compaction while disconnected: what was deleted meanwhile is gone, what was written is there', async () => {
  proxy.blackhole();
  proxy.cut();
  await until(() => !mirror.connected, 10_000);
  await writer.txn({ compares: [], writes: [{ op: 'delete', key: '/m/a' }] });
  for (let round = 0; round < 5; round++) await write('/m/b', `new ${round}`);
  await etcd.compact();
  proxy.heal();
  proxy.cut();
  await until(() => content()['/m/b'] === 'new 4', RECOVERY_MS);
  expect(content()).toEqual({ '/m/b': 'new 4' });
  await expectFollowing('/m/c');
});

test('a wiped data folder: kept until a list succeeds, then seen as empty, then followed', async () => {
  for (let round = 0; round < 20; round++) await write('/m/a', String(round));
  await until(() => mirror.entries().get('/m/a')?.value === '19');
  await etcd.wipe();
  await until(() => !mirror.connected);
  await pause(1000);
  expect(mirror.entries().size).toBe(2);
  await etcd.restart();
  await until(() => mirror.entries().size === 0, RECOVERY_MS);
  expect(mirror).toMatchObject({ isComplete: true });
  await expectFollowing('/m/new');
  expect(mirror.revision).toBeLessThan(10);
});

test('a backlog over 4 MB, missed while disconnected, arrives whole', async () => {
  proxy.blackhole();
  proxy.cut();
  await until(() => !mirror.connected, 10_000);
  const big = 'x'.repeat(1_000_000);
  for (let round = 0; round < 8; round++) await write(`/m/big${round}`, big);
  proxy.heal();
  proxy.cut();
  await until(() => mirror.entries().size === 10, RECOVERY_MS);
  expect([...mirror.entries().values()].filter((kv) => kv.value === big)).toHaveLength(8);
});

test('a watch from an old revision gets a backlog over 4 MB in whole revisions', async () => {
  const big = 'x'.repeat(400_000);
  const { revision } = await writer.range({ prefix: '/b/' });
  for (let round = 0; round < 16; round++) {
    await writer.txn({ compares: [], writes: ['a', 'b', 'c'].map((name) => put(`/b/${name}`, `${round}${big}`)) });
  }
  const batches: number[][] = [];
  const watch = store.watch({ prefix: '/b/' }, revision + 1, {
    onCreated: () => undefined,
    onEvents: (events) => batches.push(events.map((event) => (event.type === 'put' ? event.kv.modRevision : 0))),
    onEnd: () => undefined,
  });
  await until(() => batches.length >= 16, 10_000);
  watch.close();
  expect(batches).toEqual(
    Array.from({ length: 16 }, (_, round) => Array.from({ length: 3 }, () => revision + 1 + round)),
  );
});

test('a connection cut between accepting the watch and its backlog loses nothing', async () => {
  for (let round = 0; round < 15; round++) {
    await write('/m/a', `round ${round}`);
    proxy.cut();
    await write('/m/b', `round ${round}`);
    await pause(round * 7);
    proxy.cut();
  }
  await until(() => content()['/m/a'] === 'round 14' && content()['/m/b'] === 'round 14', RECOVERY_MS);
  await expectFollowing('/m/c');
});
