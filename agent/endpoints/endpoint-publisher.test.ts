import { foreignOn } from '../../test/support/foreign';
import { AgentHost, keys, TTL_MS, type RunningAgent } from '../../test/support/agent-host';
import { over } from '../../test/support/loop-host';
import { delegateStore } from '../../test/support/store-delegate';
import { gate } from '../../test/support/wait';
import { releaseOf } from '../../test/support/desired';
import { decodeDocument } from '../../lib/documents/codec';
import { EngineError } from '../docker/engine';
import { CHECK_MS, WITHDRAW_MS } from './endpoint-publisher';

const WEB = releaseOf('web', { hostPorts: [8080] });
const CHECKED = releaseOf('web', { hasCheck: true });
const KEY = keys.endpoint('web', 'web-1');

let host: AgentHost;
beforeEach(() => (host = new AgentHost()));
afterEach(() => host.end());

/** Each change of what stands under a prefix, from now on: "+key" and "-key", with its revision. */
function watch(prefix: string = keys.endpoints): readonly { readonly what: string; readonly revision: number }[] {
  const seen: { what: string; revision: number }[] = [];
  host.admin.watch({ prefix }, host.admin.revision + 1, {
    onCreated: () => undefined,
    onEnd: () => undefined,
    onEvents: (events, revision) => {
      for (const event of events)
        seen.push({ what: event.type === 'put' ? `+${event.kv.key}` : `-${event.key}`, revision });
    },
  });
  return seen;
}

async function begin(instances: Parameters<AgentHost['assign']>[0] = { 'web-1': { of: WEB } }): Promise<RunningAgent> {
  await host.assign(instances);
  const agent = host.begin();
  await host.clock.advance(2000);
  return agent;
}

const idOf = (instance: string): string =>
  [...host.docker.containers.values()].find(({ request }) => request.instance === instance)!.id;
const exists = async (key = KEY): Promise<boolean> => (await host.found(key)) !== undefined;

test('what runs has an endpoint on the host’s lease', async () => {
  await begin();
  const [kv] = (await host.admin.range({ key: KEY })).kvs;
  const [alive] = (await host.admin.range({ key: keys.hostAlive('h1') })).kvs;
  expect(kv?.lease).toBe(alive!.lease);
  expect(decodeDocument('Endpoint', kv!.value)).toEqual({
    ...{ host: '10.0.0.1', hostName: 'h1', labels: {}, weight: 100, release: 1, slot: 1 },
    ...{ port: 8080, ports: { '80': 8080 }, protocols: {} },
  });
});

test('a host that has another address publishes that one, and makes no container anew', async () => {
  const agent = await begin();
  const id = idOf('web-1');
  await agent.end();
  host.address = '10.0.0.2';
  host.begin();
  await host.clock.advance(2000);
  expect(decodeDocument('Endpoint', (await host.found(KEY))!)).toMatchObject({ host: '10.0.0.2', port: 8080 });
  expect([...host.docker.containers.keys()]).toEqual([id]);
  expect(host.docker.containers.get(id)!.state).toBe('running');
});

test('it goes with its health, and comes back', async () => {
  await begin({ 'web-1': { of: { ...CHECKED, deploy: { ...CHECKED.deploy, onUnhealthy: 'withdraw' } } } });
  const seen = watch();
  for (const health of ['unhealthy', 'healthy'] as const) {
    host.docker.setHealth(idOf('web-1'), health);
    await host.clock.advance(1000);
  }
  expect(seen.map(({ what }) => what)).toEqual([`-${KEY}`, `+${KEY}`]);
});

test('it is back before etcd has confirmed that it was gone: it is there, and goes again', async () => {
  const answers = gate();
  let isSlow = false;
  host.wrapStore = (store) => {
    const slow = delegateStore(store);
    slow.txn = async (txn) => {
      const result = await store.txn(txn);
      if (isSlow && txn.writes.some(({ key }) => key === KEY)) await answers.wait;
      return result;
    };
    return slow;
  };
  await begin({ 'web-1': { of: { ...CHECKED, deploy: { ...CHECKED.deploy, onUnhealthy: 'withdraw' } } } });
  isSlow = true;
  const turn = async (health: 'healthy' | 'unhealthy'): Promise<void> => {
    host.docker.setHealth(idOf('web-1'), health);
    await host.clock.advance(500);
  };
  await turn('unhealthy');
  expect(await exists()).toBe(false);
  await turn('healthy');
  answers.open();
  await host.clock.advance(500);
  expect(await exists()).toBe(true);
  await turn('unhealthy');
  expect(await exists()).toBe(false);
});

test('nothing is written at rest, and what changes in one pass in one revision', async () => {
  const ids = Array.from({ length: 20 }, (_, index) => `web-${index}`);
  const web = releaseOf('web');
  await begin(Object.fromEntries(ids.map((id) => [id, { of: web }])));
  await host.clock.advance(5000);
  const seen = watch();
  const { revision } = host.admin;
  await host.clock.advance(10 * 60_000);
  expect([seen, host.admin.revision]).toEqual([[], revision]);
  await host.assign({});
  await host.clock.advance(5000);
  expect(seen.map(({ what }) => what).sort()).toEqual(ids.map((id) => `-${keys.endpoint('web', id)}`).sort());
  expect(new Set(seen.map((one) => one.revision)).size).toBe(1);
});

test('a foreign container of the same name that is another service leaves the one before', async () => {
  let service = 'shop';
  host.foreign = foreignOn(host.clock, {
    list: () => {
      const ports = [{ target: 80, protocol: 'tcp', published: 8081, hostIp: '' }];
      const words = { SERVICE_NAME: service };
      const container = { id: `c-${service}`, name: 'one', image: 'x', words, address: '', ports };
      return Promise.resolve({ containers: [container], unread: new Map() });
    },
  });
  await begin({});
  const keyOf = (name: string): string => keys.endpoint(name, 'h1-one-80');
  expect([await exists(keyOf('shop')), await exists(keyOf('store'))]).toEqual([true, false]);
  service = 'store';
  await host.clock.advance(61_000);
  expect([await exists(keyOf('shop')), await exists(keyOf('store'))]).toEqual([false, true]);
});

describe('before a container is stopped, its endpoint is gone', () => {
  /** Whether there was an endpoint when Docker was told to stop the container, and how long after the assignment that was. */
  async function stopWith(befall: (agent: RunningAgent) => void): Promise<{ existed: boolean; afterMs: number }> {
    let told: { existed: boolean; afterMs: number } | undefined;
    let sinceMs = 0;
    host.wrap = (engine) =>
      over(engine, {
        stop: async (id, graceMs) => {
          told = { existed: await exists(), afterMs: host.clock.monotonicMs() - sinceMs };
          return engine.stop(id, graceMs);
        },
      });
    const agent = await begin();
    expect(await exists()).toBe(true);
    // It learns what it is to do, and at that moment etcd fails.
    let isFirst = true;
    const txn = agent.store.txn.bind(agent.store);
    agent.store.txn = (what) => {
      if (isFirst && what.writes.some(({ key }) => key === KEY)) {
        isFirst = false;
        sinceMs = host.clock.monotonicMs();
        befall(agent);
      }
      return txn(what);
    };
    await host.assign({});
    await host.clock.advance(4000);
    return told!;
  }

  test.each<[string, (agent: RunningAgent) => void, boolean, (afterMs: number) => boolean]>([
    ['when etcd confirms it', () => undefined, false, (ms) => ms < 100],
    ['or etcd refuses', ({ store }) => store.faults.disconnect(), true, (ms) => ms < 100],
    ['or etcd is silent for so long', ({ store }) => store.faults.freeze(), true, (ms) => ms === WITHDRAW_MS],
    ['or its answer is lost', ({ store }) => store.faults.loseReplies(1), false, (ms) => ms < 100],
  ])('%s', async (_, befall, existed, isInTime) => {
    const told = await stopWith(befall);
    expect([told.existed, isInTime(told.afterMs)]).toEqual([existed, true]);
  });
});

test('a drain that is called off brings the endpoint back', async () => {
  const drained = releaseOf('web', { container: { drainMs: 60_000 } });
  await begin({ 'web-1': { of: drained } });
  const seen = watch();
  await host.assign({});
  await host.clock.advance(3000);
  expect(seen.map(({ what }) => what)).toEqual([`-${KEY}`]);
  await host.assign({ 'web-1': { of: drained } });
  await host.clock.advance(3000);
  expect(seen.map(({ what }) => what)).toEqual([`-${KEY}`, `+${KEY}`]);
  expect(host.docker.containers.get(idOf('web-1'))?.state).toBe('running');
});

test('a lost lease that is granted anew brings everything in one revision', async () => {
  await begin(Object.fromEntries(['web-1', 'web-2', 'web-3'].map((id) => [id, { of: releaseOf('web') }])));
  const seen = watch(keys.all);
  const [alive] = (await host.admin.range({ key: keys.hostAlive('h1') })).kvs;
  host.admin.faults.expireLease(alive!.lease!);
  await host.clock.advance(TTL_MS);
  const puts = seen.filter(({ what }) => what.startsWith('+'));
  const endpoints = ['web-1', 'web-2', 'web-3'].map((id) => keys.endpoint('web', id));
  expect(puts.map(({ what }) => what.slice(1)).sort()).toEqual([keys.hostAlive('h1'), ...endpoints].sort());
  expect(new Set(puts.map(({ revision }) => revision)).size).toBe(1);
});

test('what falls ill while the lease is lost does not come back with the next one', async () => {
  const of = { ...CHECKED, deploy: { ...CHECKED.deploy, onUnhealthy: 'withdraw' } };
  const agent = await begin({ 'web-1': { of }, 'web-2': { of } });
  agent.store.faults.disconnect();
  await host.clock.advance(2 * TTL_MS);
  const seen = watch();
  host.docker.setHealth(idOf('web-2'), 'unhealthy');
  await host.clock.advance(1000);
  agent.store.faults.reconnect();
  await host.clock.advance(TTL_MS);
  expect(seen.map(({ what }) => what)).toEqual([`+${KEY}`]);
});

test.each<[string, () => Promise<unknown>]>([
  ['deletes', () => host.admin.txn({ compares: [], writes: [{ op: 'delete', key: KEY }] })],
  ['edits', () => host.put(KEY, '{}')],
])('what somebody %s is as it was soon', async (_, edit) => {
  await begin();
  const before = (await host.admin.range({ key: KEY })).kvs[0]!;
  await edit();
  await host.clock.advance(CHECK_MS * 1.25);
  const { value, lease } = (await host.admin.range({ key: KEY })).kvs[0] ?? {};
  expect({ value, lease }).toEqual({ value: before.value, lease: before.lease });
});

test('with a domain every endpoint has a SkyDNS record beside it', async () => {
  host.skyDns = { domain: 'cluster.local', ttlS: 10 };
  await begin();
  const key = '/skydns/local/cluster/web/web-1';
  expect(await host.found(key)).toBe('{"host":"10.0.0.1","port":8080,"ttl":10}');
  await host.assign({});
  await host.clock.advance(1000);
  expect([await host.found(key), await host.found(KEY)]).toEqual([undefined, undefined]);
});

test('a backup of etcd that brings back what is gone, on a lease that lives on, is cleared', async () => {
  await begin({ 'web-1': { of: releaseOf('web') }, 'web-2': { of: releaseOf('web') } });
  const restore = host.admin.faults.backUp();
  await host.assign({ 'web-1': { of: releaseOf('web') } });
  await host.clock.advance(3000);
  const gone = keys.endpoint('web', 'web-2');
  expect(await exists(gone)).toBe(false);
  restore();
  expect(await exists(gone)).toBe(true);
  await host.assign({ 'web-1': { of: releaseOf('web') } });
  await host.clock.advance(CHECK_MS * 1.25);
  expect([await exists(), await exists(gone)]).toEqual([true, false]);
});

test('what has exited is withdrawn though Docker does not say which images there are', async () => {
  await begin();
  host.docker.fail('presentImages', new EngineError('unavailable', 'no answer'), 1000);
  host.docker.exit(idOf('web-1'), 1);
  await host.clock.advance(1000);
  expect(await exists()).toBe(false);
});
