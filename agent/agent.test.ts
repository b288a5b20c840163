/** When an agent begins, when it writes, and when it gives up. */
import { decodeDocument, emptyDocument, encodeDocument } from '../lib/documents/codec';
import { keysUnder } from '../lib/documents/keys';
import type { HostStatus } from '../lib/documents/types';
import { createMemoryStore, type MemoryStore } from '../lib/etcd/memory-store';
import { releaseHash } from '../lib/release/release-hash';
import { releaseOf } from '../test/support/desired';
import { createFakeClock, type FakeClock } from '../test/support/fake-clock';
import { memoryInMemory, NO_PROBES } from '../test/support/loop-host';
import { recordLog, type LogLine } from '../test/support/recorded-log';
import { tidyingInMemory } from '../test/support/tidying';
import { Agent } from './agent';
import type { DesiredCopy } from './desired/disk-copy';
import { MemoryDocker } from './docker/simulated/memory-docker';
import { createMemoryEngine } from './docker/simulated/memory-engine';

const keys = keysUnder('/test');
const TTL_MS = 5000;
const WEB = releaseOf('web');

let clock: FakeClock;
let admin: MemoryStore;
let docker: MemoryDocker;
let onDisk: DesiredCopy | undefined;
let lines: readonly LogLine[];
const agents: Running[] = [];

beforeEach(() => {
  clock = createFakeClock();
  admin = createMemoryStore(clock);
  docker = new MemoryDocker({ clock, latencyMs: { list: 5, create: 50, start: 50, stop: 50 } });
  docker.images.add('web:1');
  onDisk = undefined;
});
afterEach(async () => {
  for (const { agent, store } of agents.splice(0)) {
    await agent.stop();
    store.close();
  }
});

interface Running {
  readonly agent: Agent;
  readonly store: MemoryStore;
  isReady: boolean;
  refusal: string | undefined;
}

function begin(agentId = 'id-1', of: MemoryDocker = docker): Running {
  const store = admin.connect();
  const recorded = recordLog(clock);
  lines = recorded.lines;
  const agent = new Agent({
    ...{
      name: 'h1',
      address: '10.0.0.1',
      labels: {},
      resources: { gpu: 2 },
      leaseTtlMs: TTL_MS,
      portRange: [20_000, 20_099],
      agentId,
    },
    ...{ keys, store, clock, log: recorded.log, random: () => 0.5 },
    engine: createMemoryEngine(of, { host: 'h1', prefix: '/test' }),
    disk: { load: () => Promise.resolve(onDisk), save: async (copy) => void (onDisk = copy) },
    ...{ memoryCopy: memoryInMemory(), probes: NO_PROBES, tidying: tidyingInMemory() },
  });
  const running: Running = { agent, store, isReady: false, refusal: undefined };
  void agent.start(() => (running.isReady = true)).then((why) => (running.refusal = why));
  agents.push(running);
  return running;
}

async function assign(revision = 1, ids: readonly string[] = ['web-1']): Promise<void> {
  const instance = { service: 'web', slot: 1, release: 1, hash: releaseHash(WEB), config: {}, before: false };
  const instances = Object.fromEntries(ids.map((id) => [id, instance]));
  await put(keys.release('web', 1), encodeDocument('Release', WEB));
  await put(
    keys.assignment('h1'),
    encodeDocument('Assignment', { ...emptyDocument('Assignment'), revision, instances }),
  );
}
const put = (key: string, value: string): Promise<unknown> =>
  admin.txn({ compares: [], writes: [{ op: 'put', key, value }] });
async function found(key: string): Promise<string | undefined> {
  return (await admin.range({ key })).kvs[0]?.value;
}
async function status(): Promise<HostStatus | undefined> {
  const text = await found(keys.status('h1'));
  return text === undefined ? undefined : decodeDocument('HostStatus', text);
}
/** Every text that the status ever had. */
function recordStatuses(): readonly HostStatus[] {
  const texts: HostStatus[] = [];
  admin.watch({ key: keys.status('h1') }, 1, {
    onCreated: () => undefined,
    onEvents: (events) => {
      for (const event of events) if (event.type === 'put') texts.push(decodeDocument('HostStatus', event.kv.value));
    },
    onEnd: () => undefined,
  });
  return texts;
}

test('claims its name, says what it is, runs what is assigned, and then writes nothing', async () => {
  await assign();
  const one = begin();
  await clock.advance(3000);
  expect(one).toMatchObject({ isReady: true, refusal: undefined });
  expect(one.agent.whyNotReady()).toBeUndefined();
  expect(decodeDocument('HostAlive', (await found(keys.hostAlive('h1')))!).agentId).toBe('id-1');
  const record = decodeDocument('HostRecord', (await found(keys.hostRecord('h1')))!);
  expect(record).toMatchObject({ address: '10.0.0.1', capacity: { resources: { gpu: 2 } } });
  expect((await status())?.instances['web-1']).toMatchObject({ phase: 'RUNNING', held: false });
  const { revision } = admin;
  await clock.advance(60 * 60_000);
  expect(admin.revision).toBe(revision);
  expect(one.agent.whyUnhealthy()).toBeUndefined();
});

test('G2: one that starts again writes no status that calls anything held, pending or gone', async () => {
  await assign();
  const one = begin();
  await clock.advance(3000);
  await one.agent.stop();
  one.store.close();
  const { mutatingCalls } = docker;
  const texts = recordStatuses();
  await clock.advance(100);
  const before = texts.length;
  begin();
  await clock.advance(60_000);
  expect(docker.mutatingCalls).toBe(mutatingCalls);
  expect(texts.length).toBe(before);
});

test('nothing is said of instances before etcd has said what should run', async () => {
  await assign();
  const one = begin();
  await clock.advance(3000);
  await one.agent.stop();
  one.store.close();
  const texts = recordStatuses();
  await clock.advance(100);
  const before = texts.length;
  const two = begin();
  const range = two.store.range.bind(two.store);
  two.store.range = async (what) => {
    const isAssignment = 'key' in what && what.key === keys.assignment('h1');
    if (isAssignment) await new Promise<void>((wake) => void clock.after(20_000, wake));
    return range(what);
  };
  await clock.advance(60_000);
  expect(two.isReady).toBe(true);
  expect(texts.length).toBe(before);
});

test('G3: without etcd and without a copy nothing is touched, and it is not ready', async () => {
  await assign();
  const one = begin();
  one.store.faults.disconnect();
  await clock.advance(60_000);
  expect(one.isReady).toBe(false);
  expect(one.agent.whyNotReady()).toMatch(/waiting for etcd/);
  expect(one.agent.whyUnhealthy()).toBeUndefined();
  await clock.advance(10 * 60_000);
  one.store.faults.reconnect();
  await clock.advance(10_000);
  expect(one.agent.whyUnhealthy()).toBeUndefined();
  expect(one.isReady).toBe(true);
});

test('G3: without etcd and with a copy it runs what it knows', async () => {
  await assign();
  const one = begin();
  await clock.advance(3000);
  await one.agent.stop();
  one.store.close();
  docker.exit([...docker.containers.keys()][0]!, 1);
  const two = begin();
  two.store.faults.disconnect();
  await clock.advance(10_000);
  expect(two.isReady).toBe(true);
  expect([...docker.containers.values()].map(({ state }) => state)).toEqual(['running']);
});

test('G2: while Docker is away it neither claims its name nor says anything of its instances', async () => {
  await assign();
  const one = begin();
  await clock.advance(3000);
  await one.agent.stop();
  one.store.close();
  await clock.advance(2 * TTL_MS);
  docker.setDown(true);
  const texts = recordStatuses();
  await clock.advance(100);
  const before = texts.length;
  const two = begin();
  await clock.advance(60_000);
  expect(texts.length).toBe(before);
  expect(two.agent.whyNotReady()).toBe('waiting for Docker');
  expect(lines.filter(({ message }) => message.startsWith('Docker does not say'))).toHaveLength(1);
  docker.setDown(false);
  await clock.advance(10_000);
  expect(await found(keys.hostAlive('h1'))).toBeDefined();
  expect(texts.length).toBe(before);
});

describe('two agents of one name', () => {
  test('the second touches nothing, writes nothing and gives up', async () => {
    await assign();
    begin('id-1');
    await clock.advance(3000);
    const { revision } = admin;
    const other = new MemoryDocker({ clock });
    onDisk = undefined;
    const two = begin('id-2', other);
    await clock.advance(TTL_MS * 3 + 1000);
    expect(two.isReady).toBe(false);
    expect(two.agent.whyNotReady()).toMatch(/another live agent/);
    expect(two.refusal).toMatch(/another live agent has the host name "h1"/);
    expect(other.mutatingCalls).toBe(0);
    // The tries of the second leave leases, and no keys.
    expect((await status())?.instances['web-1']).toMatchObject({ phase: 'RUNNING' });
    expect(admin.revision).toBe(revision);
  });

  test('the second touches nothing though it has a copy: an old machine that is switched on again', async () => {
    await assign();
    begin('id-1');
    await clock.advance(3000);
    const { revision } = admin;
    const other = new MemoryDocker({ clock });
    expect(onDisk).toBeDefined();
    const two = begin('id-2', other);
    await clock.advance(TTL_MS * 4);
    expect(two.refusal).toBeDefined();
    expect(other.mutatingCalls).toBe(0);
    expect(admin.revision).toBe(revision);
  });

  test('with one state folder, copied: the older one stops writing and gives up', async () => {
    await assign();
    const one = begin('id-1');
    await clock.advance(3000);
    const two = begin('id-1', new MemoryDocker({ clock }));
    await clock.advance(1000);
    const before = admin.revision;
    await clock.advance(10_000);
    // They do not fight over the documents.
    expect(admin.revision - before).toBeLessThan(10);
    await clock.advance(TTL_MS * 3);
    expect(one.refusal).toMatch(/another live agent/);
    expect(two.refusal).toBeUndefined();
  });
});

test.each<[string, () => Promise<unknown>]>([
  ['deleted', () => admin.txn({ compares: [], writes: [{ op: 'delete', key: keys.hostAlive('h1') }] })],
  ['overwritten by hand', () => put(keys.hostAlive('h1'), '{}')],
])('its alive key, %s, is written again', async (_, spoil) => {
  await assign();
  const one = begin();
  await clock.advance(3000);
  await spoil();
  await clock.advance(1000);
  expect(decodeDocument('HostAlive', (await found(keys.hostAlive('h1')))!).agentId).toBe('id-1');
  await clock.advance(60_000);
  expect(one.refusal).toBeUndefined();
});

test('a host whose alive key hangs on no lease is nobody: a new agent takes the name', async () => {
  await put(keys.hostAlive('h1'), encodeDocument('HostAlive', { agentId: 'old', agentVersion: '', startedAtMs: 0 }));
  const one = begin();
  await clock.advance(3000);
  expect(one.isReady).toBe(true);
});

test('stops at once while a container is being stopped, and leaves that to Docker', async () => {
  await assign(1, ['web-1', 'web-2']);
  const one = begin();
  await clock.advance(3000);
  await assign(2, ['web-1']);
  await clock.advance(20);
  const startedMs = clock.monotonicMs();
  await one.agent.stop();
  one.store.close();
  expect(clock.monotonicMs()).toBe(startedMs);
  await clock.advance(60_000);
  expect(clock.pending).toBe(0);
});
