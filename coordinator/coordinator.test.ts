/** The coordinator as it runs, over the in-memory store: leaders, agents and operators on a clock that stands still. */
import { decodeDocument, emptyDocument, encodeDocument } from '../lib/documents/codec';
import { keysUnder } from '../lib/documents/keys';
import type { Assignment, ServiceStatus } from '../lib/documents/types';
import { createMemoryStore, type MemoryStore } from '../lib/etcd/memory-store';
import { silentLogger } from '../lib/log';
import { FakeAgent } from '../test/support/fake-agent';
import { createFakeClock, type FakeClock } from '../test/support/fake-clock';
import { startCoordinator, type Coordinator } from './coordinator';

const keys = keysUnder('/b');
const WEB = 'image: a:1\ndeploy: { replicas: 4, update_config: { monitor: 0s } }\n';

let clock: FakeClock;
let etcd: MemoryStore;
let agents: FakeAgent[];
let seed: number;
beforeEach(() => {
  clock = createFakeClock();
  etcd = createMemoryStore(clock);
  agents = [];
  seed = 1;
});

const random = (): number => (seed = (seed * 48271) % 2147483647) / 2147483647;

function coordinator(identity = 'c1', store: MemoryStore = etcd.connect()): Coordinator & { store: MemoryStore } {
  const started = startCoordinator({ store, keys, clock, log: silentLogger, random, identity, leaseTtlMs: 2000 });
  return Object.defineProperty(started, 'store', { value: store }) as Coordinator & { store: MemoryStore };
}

async function addAgents(...names: string[]): Promise<void> {
  for (const name of names) agents.push(new FakeAgent({ store: etcd.connect(), keys, clock, name }).start());
  await clock.advance(100);
}

async function put(key: string, value: string): Promise<void> {
  await etcd.txn({ compares: [], writes: [{ op: 'put', key, value }] });
}

async function del(key: string): Promise<void> {
  await etcd.txn({ compares: [], writes: [{ op: 'delete', key }] });
}

async function read(key: string): Promise<string | undefined> {
  return (await etcd.range({ key })).kvs[0]?.value;
}

async function status(service: string): Promise<ServiceStatus | undefined> {
  const text = await read(keys.serviceStatus(service));
  return text === undefined ? undefined : decodeDocument('ServiceStatus', text);
}

async function assignment(host: string): Promise<Assignment> {
  return decodeDocument('Assignment', (await read(keys.assignment(host)))!);
}

const counts = (): readonly number[] => agents.map(({ running }) => running.size);
const stopped = (): readonly string[] => agents.flatMap((agent) => agent.stopped);
const runningIds = (): readonly string[] => agents.flatMap(({ running }) => [...running.keys()]).sort();

test('a key becomes instances, spread; a change is rolled out; a deleted key ends it; at rest nothing is written', async () => {
  coordinator();
  await addAgents('h1', 'h2');
  await put(keys.service('web'), WEB);
  await clock.advance(1000);
  expect(counts()).toEqual([2, 2]);
  expect(await status('web')).toMatchObject({ currentRelease: 1, rollout: 'steady', running: 4, wanted: 4 });
  const { revision } = etcd;
  await clock.advance(3_600_000);
  expect(etcd.revision).toBe(revision);

  await put(keys.service('web'), WEB.replace('a:1', 'a:2'));
  await clock.advance(2000);
  expect(await status('web')).toMatchObject({ currentRelease: 2, rollout: 'steady', running: 4 });
  expect(stopped()).toHaveLength(4);

  await del(keys.service('web'));
  await clock.advance(1000);
  expect(counts()).toEqual([0, 0]);
  expect((await etcd.range({ prefix: keys.releases })).kvs).toEqual([]);
  expect(await status('web')).toBeUndefined();
});

test('a global service comes to a host whose status arrives after the rest', async () => {
  coordinator();
  await addAgents('h1');
  await put(keys.service('log'), 'image: a\ndeploy: { mode: global }\n');
  await clock.advance(500);
  const { record } = { record: encodeDocument('HostRecord', emptyDocument('HostRecord')) };
  await put(keys.hostRecord('h2'), record);
  await put(keys.hostAlive('h2'), '{"agentId":"x"}');
  await clock.advance(500);
  expect(await read(keys.assignment('h2'))).toBeUndefined();
  await put(keys.status('h2'), '{}');
  await clock.advance(500);
  expect(Object.values((await assignment('h2')).instances)).toMatchObject([{ service: 'log', slot: 1, release: 1 }]);
});

test('G5: a bad edit says where it is wrong and changes nothing', async () => {
  coordinator();
  await addAgents('h1');
  await put(keys.service('web'), WEB);
  await clock.advance(1000);
  const before = runningIds();
  await put(keys.service('web'), `${WEB}portz: [80]\n`);
  await clock.advance(1000);
  expect(await status('web')).toMatchObject({ accepted: false, currentRelease: 1, running: 4 });
  expect((await status('web'))!.problems[0]).toMatchObject({ rule: 'unknown-key', path: 'portz', line: 3, column: 1 });
  expect(runningIds()).toEqual(before);
});

test.each(['garbage', '{"service":"other","number":2}'])(
  'G6: a release number that is taken by %s holds up neither its service nor another',
  async (garbage) => {
    await put(keys.release('web', 2), garbage);
    coordinator();
    await addAgents('h1');
    await put(keys.service('web'), WEB);
    await put(keys.service('api'), 'image: b\ndeploy: { update_config: { monitor: 0s } }');
    await clock.advance(1000);
    expect(await status('web')).toMatchObject({ currentRelease: 3, running: 4 });
    expect(await status('api')).toMatchObject({ currentRelease: 1, running: 1 });
  },
);

test('G3: a new leader that can not read the newest release keeps what runs, though the document is bad too', async () => {
  const first = coordinator();
  await addAgents('h1');
  for (const image of ['a:1', 'a:2']) {
    await put(keys.service('web'), WEB.replace('a:1', image));
    await clock.advance(2000);
  }
  const before = runningIds();
  await first.resign();
  first.close();
  await put(keys.service('web'), 'image: [');
  await put(keys.release('web', 2), 'garbage');
  coordinator('c2');
  await clock.advance(5000);
  expect(await status('web')).toMatchObject({ accepted: false, currentRelease: 2 });
  expect(runningIds()).toEqual(before);
  await put(keys.service('web'), WEB.replace('a:1', 'a:2'));
  await clock.advance(5000);
  expect(await status('web')).toMatchObject({ accepted: true, currentRelease: 3 });
  expect(runningIds()).toEqual(before);
});

test('keys that nobody should write are told and harm nothing', async () => {
  coordinator();
  for (const key of [`${keys.services}a/b`, keys.services, `${keys.releases}x`, `${keys.hosts}h9`, `${keys.all}odd`])
    await put(key, '{');
  await addAgents('h1');
  await put(keys.service('web'), WEB);
  await clock.advance(1000);
  expect(await status('web')).toMatchObject({ running: 4 });
  expect(await status('a/b')).toMatchObject({ accepted: false });
  await del(`${keys.services}a/b`);
  await clock.advance(1000);
  expect(await status('a/b')).toBeUndefined();
  const { revision } = etcd;
  await clock.advance(600_000);
  expect(etcd.revision).toBe(revision);
});

test('G3: an emptied etcd that gets the services back before the agents return stops nothing', async () => {
  coordinator();
  await addAgents('h1', 'h2', 'h3');
  await put(keys.service('web'), WEB);
  await put(keys.service('api'), 'image: b\nports: ["80:80"]\ndeploy: { replicas: 2 }\n');
  await clock.advance(2000);
  const before = runningIds();
  etcd.faults.wipe();
  await put(keys.service('web'), WEB);
  await clock.advance(30_000);
  expect(stopped()).toEqual([]);
  expect(runningIds()).toEqual(before);
  expect(await status('web')).toMatchObject({ rollout: 'steady', running: 4, placed: 4 });
  await put(keys.service('api'), 'image: b\nports: ["80:80"]\ndeploy: { replicas: 2 }\n');
  await clock.advance(5000);
  expect(runningIds()).toEqual(before);
  expect(await status('api')).toMatchObject({ rollout: 'steady', running: 2 });
});

test('G4: a leader that is frozen past its lease and woken commits nothing', async () => {
  const first = coordinator('c1');
  await clock.advance(100);
  const second = coordinator('c2');
  await addAgents('h1');
  await put(keys.service('web'), WEB);
  await clock.advance(1000);
  expect([first.isLeader, second.isLeader]).toEqual([true, false]);
  first.store.faults.freeze();
  await clock.advance(10_000);
  expect([first.isLeader, second.isLeader]).toEqual([false, true]);
  await put(keys.service('web'), WEB.replace('4', '5'));
  await clock.advance(2000);
  expect(counts()).toEqual([5]);
  const writes: string[] = [];
  const txn = first.store.txn.bind(first.store);
  first.store.txn = (request) => {
    writes.push(...request.writes.map(({ key }) => key));
    return txn(request);
  };
  first.store.faults.reconnect();
  await put(keys.service('web'), WEB.replace('4', '6'));
  await clock.advance(10_000);
  expect(counts()).toEqual([6]);
  expect(writes.filter((key) => !key.startsWith(keys.leader))).toEqual([]);
});

test('G4: when the leader resigns in the middle of a rollout the next one ends it, one by one', async () => {
  const first = coordinator('c1');
  await clock.advance(100);
  coordinator('c2');
  await addAgents('h1', 'h2');
  await put(keys.service('web'), WEB);
  await clock.advance(1000);
  agents.forEach(({ slow }) => slow.add('a:2'));
  await put(keys.service('web'), WEB.replace('a:1', 'a:2'));
  await clock.advance(1000);
  expect(runningIds()).toHaveLength(5);
  await first.resign();
  await clock.advance(1000);
  await put(keys.service('web'), WEB.replace('a:1', 'a:3'));
  await clock.advance(5000);
  expect(await status('web')).toMatchObject({ currentRelease: 3, running: 4, placed: 4, rollout: 'steady' });
});

test('what a lost host had is replaced on another at once, and nothing new goes there', async () => {
  const one = coordinator();
  await addAgents('h1', 'h2');
  await put(keys.service('web'), WEB);
  await clock.advance(1000);
  agents[0]!.die();
  await clock.advance(5000);
  await put(keys.service('web'), WEB.replace('4', '8'));
  await clock.advance(2000);
  expect(Object.keys((await assignment('h1')).instances)).toEqual([]);
  // The lost host runs its own on.
  expect(counts()).toEqual([2, 8]);
  expect(await status('web')).toMatchObject({ placed: 8, running: 8, rollout: 'steady' });
  const { instances } = await one.api.listInstances({ services: ['web'], hosts: [] });
  expect(instances.filter(({ hostLive }) => !hostLive).map(({ host }) => host)).toEqual(['h1', 'h1']);
});

test('replies that are lost, and conflicts with somebody who edits by hand, are planned over', async () => {
  const one = coordinator();
  await addAgents('h1');
  for (let round = 0; round < 20; round++) {
    if (round % 3 === 0) one.store.faults.loseReplies(1);
    if (round % 3 === 1) one.store.faults.loseRequests(1);
    await put(keys.service('web'), WEB.replace('4', String(1 + (round % 5))));
    if (round % 4 === 0) await put(keys.assignment('h1'), 'by hand');
    await clock.advance(3000);
    expect(counts()).toEqual([1 + (round % 5)]);
  }
  expect(one.isLeader).toBe(true);
});
