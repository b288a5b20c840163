import { systemClock } from '../../lib/clock';
import { connectEtcd } from '../../lib/etcd/etcd3-store';
import { startLeaseSession } from '../../lib/etcd/lease-session';
import type { Store } from '../../lib/etcd/store';
import { startEtcd } from '../support/etcd-server';
import type { EtcdServer } from '../support/etcd-server';
import { startSource } from '../support/source-process';
import type { SourceProcess } from '../support/source-process';
import { startTcpProxy } from '../support/tcp-proxy';
import type { TcpProxy } from '../support/tcp-proxy';
import { pause, Recorder, until } from '../support/watch-recorder';

jest.setTimeout(60_000);

const CLIENT = 'test/support/etcd-client-process.ts';

let etcd: EtcdServer;
let proxy: TcpProxy;
let observer: Store;
let processes: SourceProcess[];

beforeEach(async () => {
  etcd = await startEtcd();
  proxy = await startTcpProxy(etcd.endpoint);
  observer = connectEtcd({ endpoints: [etcd.endpoint] });
  processes = [];
});

afterEach(async () => {
  await Promise.all(processes.map((one) => one.stop()));
  observer.close();
  await proxy.stop();
  await etcd.stop();
});

function start(endpoint: string, name: string, mode = 'stay'): SourceProcess {
  const one = startSource(CLIENT, [endpoint, name, mode]);
  processes.push(one);
  return one;
}

const machineMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);

/** When a process first said this, on the machine's clock; undefined if it did not. */
function saidAt(one: SourceProcess, what: string, fromMs = 0): number | undefined {
  for (const line of one.lines) {
    const atMs = Number(line.slice(line.lastIndexOf(' ') + 1));
    if (line.startsWith(`${what} `) && atMs >= fromMs) return atMs;
  }
  return undefined;
}

/** When etcd deleted the key, on the machine's clock. */
async function watchDeath(key: string): Promise<() => number | undefined> {
  let diedMs: number | undefined;
  const heard = new Recorder(observer, { key }, (await observer.range({ key })).revision + 1);
  const timer = setInterval(() => {
    if (heard.batches.some(({ events }) => events.includes(`-${key}`))) diedMs ??= machineMs();
  }, 5);
  timer.unref();
  return () => diedMs;
}

test('cut off, the session says lost and the leader steps down before etcd expires the lease', async () => {
  const one = start(proxy.endpoint, 'one');
  await until(() => saidAt(one, 'held') !== undefined && saidAt(one, 'elected') !== undefined, 10_000);
  const diedMs = await watchDeath('/alive/one');
  await pause(2500);
  proxy.blackhole();
  await until(() => diedMs() !== undefined, 15_000);
  const [lostMs, deposedMs] = [saidAt(one, 'lost'), saidAt(one, 'deposed')];
  expect(lostMs).toBeLessThan(diedMs() ?? 0);
  expect(deposedMs).toBeLessThan(diedMs() ?? 0);
  proxy.heal();
  await until(() => saidAt(one, 'held', diedMs()) !== undefined, 15_000);
  expect((await observer.range({ key: '/alive/one' })).kvs).toHaveLength(1);
});

test('SIGSTOP beyond the TTL: the first belief on waking is that all is lost; another leads', async () => {
  const one = start(etcd.endpoint, 'one');
  await until(() => saidAt(one, 'elected') !== undefined && saidAt(one, 'held') !== undefined, 10_000);
  const two = start(etcd.endpoint, 'two');
  await until(() => saidAt(two, 'held') !== undefined, 10_000);
  one.child.kill('SIGSTOP');
  await until(() => saidAt(two, 'elected') !== undefined, 10_000);
  await pause(500);
  const wokenMs = machineMs();
  one.child.kill('SIGCONT');
  await until(() => saidAt(one, 'believes follower', wokenMs) !== undefined, 5000);
  expect(saidAt(one, 'believes leader', wokenMs)).toBeUndefined();
  await until(() => saidAt(one, 'held', wokenMs) !== undefined, 5000);
  expect(saidAt(one, 'lost', wokenMs)).toBeLessThanOrEqual(saidAt(one, 'held', wokenMs) ?? 0);
});

test('kill -9 of the leader: the next leads within its TTL; of etcd: nobody loses anything for good', async () => {
  const one = start(etcd.endpoint, 'one');
  await until(() => saidAt(one, 'elected') !== undefined, 10_000);
  const two = start(etcd.endpoint, 'two');
  await until(() => saidAt(two, 'held') !== undefined, 10_000);
  const killedMs = machineMs();
  await one.stop();
  await until(() => saidAt(two, 'elected') !== undefined, 10_000);
  expect((saidAt(two, 'elected') ?? 0) - killedMs).toBeLessThan(6500);

  await etcd.kill();
  await pause(8000);
  const restartedMs = machineMs();
  await etcd.restart();
  await until(
    () => saidAt(two, 'held', restartedMs) !== undefined && saidAt(two, 'elected', restartedMs) !== undefined,
    15_000,
  );
});

test('an etcd restart shorter than the TTL costs neither lease nor leadership', async () => {
  const one = start(etcd.endpoint, 'one');
  await until(() => saidAt(one, 'elected') !== undefined && saidAt(one, 'held') !== undefined, 10_000);
  await pause(1000);
  await etcd.restart();
  await pause(8000);
  expect([saidAt(one, 'lost'), saidAt(one, 'deposed')]).toEqual([undefined, undefined]);
});

test('at rest nothing is written', async () => {
  const one = start(etcd.endpoint, 'one');
  await until(() => saidAt(one, 'elected') !== undefined && saidAt(one, 'held') !== undefined, 10_000);
  await pause(500);
  const before = await etcd.revision();
  await pause(10_000);
  expect(await etcd.revision()).toBe(before);
});

test.each([['with etcd there'], ['with etcd stopped']])('after close the process ends by itself, %s', async (how) => {
  const one = start(etcd.endpoint, 'one', 'close');
  await until(() => saidAt(one, 'held') !== undefined, 10_000);
  if (how === 'with etcd stopped') etcd.pause();
  await until(() => saidAt(one, 'closed') !== undefined, 10_000);
  const closedMs = machineMs();
  expect(await one.exit()).toBe(0);
  expect(machineMs() - closedMs).toBeLessThan(5000);
  etcd.resume();
  if (how === 'with etcd there') expect((await observer.range({ prefix: '/' })).kvs).toEqual([]);
});

test('a check of the keys costs no entry of the raft log, and sees an edit and a deletion', async () => {
  const session = startLeaseSession({
    ...{ store: observer, clock: systemClock, ttlMs: 30_000, onState: () => undefined },
    puts: () => [{ key: '/alive', value: 'me' }],
  });
  try {
    await until(() => session.isHeld);
    const keys = Array.from({ length: 200 }, (_, index) => `/e/${index}`);
    expect(await session.want(keys.map((key) => ({ key, value: 'x' })))).toBe(true);
    const raftIndex = async (): Promise<unknown> => {
      const [member] = JSON.parse(await etcd.ctl(['endpoint', 'status', '-w', 'json'])) as [
        { Status: { raftIndex: number } },
      ];
      return member.Status.raftIndex;
    };
    const before = await raftIndex();
    expect(await session.check()).toBe('whole');
    expect(await observer.leaseKeys(session.leaseId!)).toHaveLength(201);
    expect(await raftIndex()).toBe(before);
    await etcd.put(keys[150]!, 'edited');
    expect(await session.check()).toBe('changed');
    await session.refresh();
    expect(await session.check()).toBe('whole');
    await etcd.del(keys[1]!);
    expect(await session.check()).toBe('changed');
  } finally {
    await session.close({ revoke: true });
  }
});
