import { foreignOn } from '../../test/support/foreign';
import { SUCCESS, type TryProbe } from '../probes/outcome';
import { AgentHost, keys, TTL_MS, type Assigned } from '../../test/support/agent-host';
import { over } from '../../test/support/loop-host';
import { releaseOf } from '../../test/support/desired';
import { gate } from '../../test/support/wait';
import { delegateStore } from '../../test/support/store-delegate';

const CHECKED = releaseOf('web', { hasCheck: true });
const OF: Assigned = { of: { ...CHECKED, deploy: { ...CHECKED.deploy, onUnhealthy: 'withdraw' } } };
const IDS = ['web-1', 'web-2', 'web-3'];
const keyOf = (instance: string): string => keys.endpoint('web', instance);

let host: AgentHost;
/** Every change of an endpoint since the first agent ended: "+web-1", "-web-1". */
let seen: { readonly what: string; readonly atMs: number }[];
let oldLease: string;

beforeEach(async () => {
  host = new AgentHost();
  await host.assign(Object.fromEntries(IDS.map((id) => [id, OF])));
  const agent = host.begin();
  await host.clock.advance(2000);
  oldLease = (await host.admin.range({ key: keyOf('web-1') })).kvs[0]!.lease!;
  seen = [];
  host.admin.watch({ prefix: keys.endpoints }, host.admin.revision + 1, {
    onCreated: () => undefined,
    onEnd: () => undefined,
    onEvents: (events) => {
      for (const event of events) {
        const key = event.type === 'put' ? event.kv.key : event.key;
        const atMs = host.clock.monotonicMs() - beganMs;
        seen.push({ what: `${event.type === 'put' ? '+' : '-'}${key.slice(key.lastIndexOf('/') + 1)}`, atMs });
      }
    },
  });
  // Its lease is not revoked, as after kill -9.
  await agent.end();
});
afterEach(() => host.end());

let beganMs = 0;
async function beginAgain(forMs = 1000): Promise<ReturnType<AgentHost['begin']>> {
  beganMs = host.clock.monotonicMs();
  const agent = host.begin();
  await host.clock.advance(forMs);
  return agent;
}
const idOf = (instance: string): string =>
  [...host.docker.containers.values()].find(({ request }) => request.instance === instance)!.id;
const changes = (): readonly string[] => seen.map(({ what }) => what).sort();
const leaseOf = async (key: string): Promise<string | undefined> => (await host.admin.range({ key })).kvs[0]?.lease;

test('what runs comes over without a gap, and the earlier lease is ended', async () => {
  await beginAgain();
  expect(changes()).toEqual(['+web-1', '+web-2', '+web-3']);
  expect(await host.admin.leaseKeys(oldLease)).toEqual([]);
  await host.clock.advance(3 * TTL_MS);
  expect(changes()).toEqual(['+web-1', '+web-2', '+web-3']);
});

test('what does not run any more goes at once', async () => {
  host.docker.exit(idOf('web-2'), 1);
  await beginAgain();
  const gone = seen.find(({ what }) => what === '-web-2');
  expect(gone?.atMs).toBeLessThan(100);
  expect(changes().filter((what) => what.endsWith('1') || what.endsWith('3'))).toEqual(['+web-1', '+web-3']);
});

describe('what nobody has asked yet how it is', () => {
  beforeEach(() => {
    for (const id of ['web-1', 'web-2']) host.docker.setHealth(idOf(id), 'starting');
    host.docker.exit(idOf('web-3'), 1);
  });

  test('stays, beside what goes, and comes over when it is well', async () => {
    await beginAgain();
    expect(seen.filter(({ what }) => !what.endsWith('3'))).toEqual([]);
    expect(seen[0]?.what).toBe('-web-3');
    expect(await leaseOf(keyOf('web-1'))).toBe(oldLease);
    host.docker.setHealth(idOf('web-1'), 'healthy');
    host.docker.setHealth(idOf('web-2'), 'unhealthy');
    await host.clock.advance(1000);
    expect(changes().filter((what) => !what.endsWith('3'))).toEqual(['+web-1', '-web-2']);
    expect(await leaseOf(keyOf('web-1'))).toBe(await leaseOf(keys.hostAlive('h1')));
    expect(await host.admin.leaseKeys(oldLease)).toEqual([]);
  });

  test('goes when it is found ill, though the host has written its own keys anew meanwhile', async () => {
    await beginAgain();
    const alive = keys.hostAlive('h1');
    await host.admin.txn({ compares: [], writes: [{ op: 'delete', key: alive }] });
    await host.clock.advance(500);
    expect(await leaseOf(alive)).toBeDefined();
    host.docker.setHealth(idOf('web-1'), 'unhealthy');
    await host.clock.advance(1000);
    expect(changes()).toContain('-web-1');
    // By its agent, not by the end of the lease.
    expect(await host.admin.leaseKeys(oldLease)).toEqual([keyOf('web-2')]);
  });

  test('stays no longer than the earlier lease lasts', async () => {
    await beginAgain(TTL_MS + 1000);
    expect(changes()).toContain('-web-1');
    expect(await host.admin.leaseKeys(oldLease)).toEqual([]);
  });
});

test.each<[string, readonly string[], boolean]>([
  ['is gone, goes at once', [], true],
  ['may be one on which Docker hangs, stays as long as the earlier lease lasts', ['shop'], false],
])('what was published of a foreign container that %s', async (_, unread, goesAtOnce) => {
  const key = keys.endpoint('shop', 'h1-shop-80');
  await host.admin.txn({ compares: [], writes: [{ op: 'put', key, value: '{}', lease: oldLease }] });
  host.foreign = foreignOn(host.clock, {
    list: () => Promise.resolve({ containers: [], unread: new Map(unread.map((name) => [name, 'no answer'])) }),
  });
  await beginAgain();
  expect((await host.found(key)) === undefined).toBe(goesAtOnce);
  await host.clock.advance(TTL_MS);
  expect(await host.found(key)).toBeUndefined();
});

test('what was published of a foreign container whose check takes a while comes over without a gap', async () => {
  const key = keys.endpoint('shop', 'h1-one-80');
  await host.admin.txn({ compares: [], writes: [{ op: 'put', key, value: '{}', lease: oldLease }] });
  const ports = [{ target: 80, protocol: 'tcp', published: 8081, hostIp: '' }];
  const words = { SERVICE_NAME: 'shop', SERVICE_80_CHECK_HTTP: '/' };
  const container = { id: 'c1', name: 'one', image: 'x', words, address: '', ports };
  const tryProbe: TryProbe = () => new Promise((done) => host.clock.after(800, () => done(SUCCESS)));
  const list = () => Promise.resolve({ containers: [container], unread: new Map<string, undefined>() });
  host.foreign = foreignOn(host.clock, { list }, { tryProbe });
  await beginAgain(2000);
  expect(await leaseOf(key)).toBe(await leaseOf(keys.hostAlive('h1')));
  await host.clock.advance(TTL_MS);
  expect(changes().filter((what) => what.endsWith('h1-one-80'))).toEqual(['+h1-one-80', '+h1-one-80']);
});

test.each<[string, number]>([
  ['the first pass', 0],
  ['the first pass, after Docker was waited for', 3100],
])('what is stopped in %s is withdrawn before', async (_, lateMs) => {
  let existed: boolean | undefined;
  host.wrap = (engine) =>
    over(engine, {
      stop: async (id, graceMs) => {
        existed = (await host.found(keyOf('web-2'))) !== undefined;
        return engine.stop(id, graceMs);
      },
    });
  await host.assign({ 'web-1': OF, 'web-3': OF });
  host.docker.setDown(lateMs > 0);
  host.clock.after(lateMs, () => host.docker.setDown(false));
  await beginAgain(lateMs + 3000);
  expect(existed).toBe(false);
  expect(changes()).toEqual(['+web-1', '+web-3', '-web-2']);
});

test.each<[string, readonly string[], (agent: ReturnType<AgentHost['begin']>) => void]>([
  ['replies of etcd are lost', ['-web-2'], ({ store }) => store.faults.loseReplies(4)],
  [
    'etcd does not answer for a while, in which what went runs again',
    [],
    ({ store }) => {
      store.faults.disconnect();
      host.clock.after(1500, () => store.faults.reconnect());
    },
  ],
])('comes right when %s', async (_, gone, befall) => {
  host.docker.exit(idOf('web-2'), 1);
  befall(await beginAgain(0));
  await host.clock.advance(2 * TTL_MS);
  expect(await host.admin.leaseKeys(oldLease)).toEqual([]);
  for (const id of IDS) expect([id, await leaseOf(keyOf(id))]).toEqual([id, await leaseOf(keys.hostAlive('h1'))]);
  expect(changes().filter((what) => what.startsWith('-'))).toEqual(gone);
});

/** The agent's readings of one key are told late, and what it puts there arrives late. @returns how often it was read */
function slowAt(key: string, readings: Promise<void>, puts = Promise.resolve()): () => number {
  let reads = 0;
  host.wrapStore = (store) => {
    const slow = delegateStore(store);
    slow.range = async (range) => {
      const found = await store.range(range);
      if ('key' in range && range.key === key && ++reads > 0) await readings;
      return found;
    };
    slow.txn = async (txn) => {
      if (txn.writes.some((write) => write.op === 'put' && write.key === key)) await puts;
      return store.txn(txn);
    };
    return slow;
  };
  return () => reads;
}

describe.each<['put' | 'read', string]>([
  ['read', 'is written before what it was is told'],
  ['put', 'is about to be written when it is told what it was'],
])('what is found well while it is looked at', (last, when) => {
  test(`${when}: it comes over without a gap`, async () => {
    const key = keyOf('web-2');
    const waits = { read: gate(), put: gate() };
    const reads = slowAt(key, waits.read.wait, waits.put.wait);
    host.docker.setHealth(idOf('web-2'), 'unhealthy');
    await beginAgain();
    expect(reads()).toBe(1);
    host.docker.setHealth(idOf('web-2'), 'healthy');
    await host.clock.advance(500);
    waits[last === 'read' ? 'put' : 'read'].open();
    await host.clock.advance(100);
    waits[last].open();
    await host.clock.advance(2000);
    expect(changes().filter((what) => what.endsWith('2'))).toEqual(['+web-2']);
    expect(await leaseOf(key)).toBe(await leaseOf(keys.hostAlive('h1')));
  });
});

test('what another host has written over is not touched', async () => {
  const other = await host.admin.grantLease(60_000);
  await host.admin.txn({ compares: [], writes: [{ op: 'put', key: keyOf('web-2'), value: '{}', lease: other.id }] });
  host.docker.exit(idOf('web-2'), 0);
  host.docker.images.clear();
  await host.assign({ 'web-1': OF, 'web-3': OF });
  await beginAgain(10_000);
  expect(await leaseOf(keyOf('web-2'))).toBe(other.id);
});

test('nor what another host writes over while it is looked at', async () => {
  const key = keyOf('web-2');
  const { wait, open } = gate();
  const reads = slowAt(key, wait);
  host.docker.exit(idOf('web-2'), 0);
  host.docker.images.clear();
  await host.assign({ 'web-1': OF, 'web-3': OF });
  await beginAgain();
  expect(reads()).toBeGreaterThan(0);
  const other = await host.admin.grantLease(60_000);
  await host.admin.txn({ compares: [], writes: [{ op: 'put', key, value: '{}', lease: other.id }] });
  open();
  await host.clock.advance(10_000);
  expect(await leaseOf(key)).toBe(other.id);
});
