/** Pauses in a coordinator as it runs, over the in-memory store, on a clock that stands still. */
import { decodeDocument } from '../lib/documents/codec';
import { keysUnder } from '../lib/documents/keys';
import type { Assignment } from '../lib/documents/types';
import { createMemoryStore, type MemoryStore } from '../lib/etcd/memory-store';
import { silentLogger } from '../lib/log';
import type { RpcError } from '../lib/rpc/types';
import { FakeAgent } from '../test/support/fake-agent';
import { createFakeClock, type FakeClock } from '../test/support/fake-clock';
import { startCoordinator, type Coordinator } from './coordinator';

const keys = keysUnder('/b');
const WEB = 'image: a:1\ndeploy: { replicas: 2, update_config: { monitor: 0s } }\n';
const MINUTE_MS = 60_000;

let clock: FakeClock;
let etcd: MemoryStore;
let seed: number;
let lead: Coordinator;
let agents: FakeAgent[];

beforeEach(async () => {
  clock = createFakeClock();
  etcd = createMemoryStore(clock);
  seed = 1;
  lead = coordinator('c1');
  agents = ['h1', 'h2', 'h3'].map((name) => new FakeAgent({ store: etcd.connect(), keys, clock, name }).start());
  await clock.advance(100);
  await put(keys.service('web'), WEB);
  await clock.advance(1000);
});

function coordinator(identity: string, store: MemoryStore = etcd.connect()): Coordinator {
  const random = (): number => (seed = (seed * 48271) % 2147483647) / 2147483647;
  return startCoordinator({ store, keys, clock, log: silentLogger, random, identity, leaseTtlMs: 2000 });
}

async function put(key: string, value: string): Promise<void> {
  await etcd.txn({ compares: [], writes: [{ op: 'put', key, value }] });
}

async function assignment(host: string): Promise<Assignment> {
  return decodeDocument('Assignment', (await etcd.range({ key: keys.assignment(host) })).kvs[0]!.value);
}

async function paused(): Promise<readonly string[]> {
  return (await etcd.range({ prefix: keys.pauses })).kvs.map(({ key }) => key.slice(keys.pauses.length));
}

/** Settles a call while the clock moves: it waits for the view. */
async function settle<T>(call: Promise<T>): Promise<T | RpcError> {
  const caught = call.catch((error: RpcError) => error);
  await clock.advance(3000);
  return caught;
}

const pause = (name: string, forMs = MINUTE_MS, kind = '') =>
  settle(lead.api.pause({ kind, name, forMs, reason: 'a look', by: 'me@here' }));
const images = (): readonly string[] =>
  agents.flatMap(({ running }) => [...running.values()].map((one) => String(one.release)));
const ids = (): readonly string[] => agents.flatMap(({ running }) => [...running.keys()]).sort();

test('a service is left alone for its time, and goes on by itself at the end of it', async () => {
  const before = ids();
  expect(await pause('web')).toMatchObject({
    pause: { kind: 'service', name: 'web', reason: 'a look', by: 'me@here' },
  });
  await put(keys.service('web'), WEB.replace('a:1', 'a:2').replace('replicas: 2', 'replicas: 4'));
  await clock.advance(MINUTE_MS - 10_000);
  expect(ids()).toEqual(before);
  const { services } = await lead.api.listServices({ services: [] });
  expect(services[0]!.status).toMatchObject({ rollout: 'paused', pause: { by: 'me@here' }, running: 2 });
  await clock.advance(20_000);
  expect(images()).toEqual(['2', '2', '2', '2']);
  expect(await paused()).toEqual([]);
  const { revision } = etcd;
  await clock.advance(3_600_000);
  expect(etcd.revision).toBe(revision);
});

test('nothing is written while a pause lasts', async () => {
  await pause('web', 30 * 24 * 3_600_000);
  await pause('h1', 30 * 24 * 3_600_000);
  await pause(ids()[0]!, 30 * 24 * 3_600_000);
  const { revision } = etcd;
  await clock.advance(3_700_000);
  expect(etcd.revision).toBe(revision);
  expect(await paused()).toHaveLength(3);
});

test('a resume ends it now', async () => {
  await pause('web', 3_600_000);
  await put(keys.service('web'), WEB.replace('a:1', 'a:2'));
  await clock.advance(1000);
  expect(await settle(lead.api.resume({ kind: '', name: 'web' }))).toEqual({ kind: 'service' });
  expect(images()).toEqual(['2', '2']);
  expect(await settle(lead.api.resume({ kind: '', name: 'web' }))).toMatchObject({ code: 'not-found' });
});

test('to pause again changes the end', async () => {
  await pause('web', 10_000);
  await pause('web', 10 * MINUTE_MS);
  await clock.advance(5 * MINUTE_MS);
  expect(await paused()).toEqual(['service/web']);
  await pause('web', 5000);
  await clock.advance(5000);
  expect(await paused()).toEqual([]);
});

test('a paused instance survives the end of its service, until its own pause ends', async () => {
  const [first] = ids();
  await pause(first!);
  await etcd.txn({ compares: [], writes: [{ op: 'delete', key: keys.service('web') }] });
  await clock.advance(5000);
  expect(ids()).toEqual([first]);
  await clock.advance(MINUTE_MS);
  expect(ids()).toEqual([]);
  expect((await etcd.range({ prefix: keys.releases })).kvs).toEqual([]);
});

test('a host that runs nothing hears of its pause, of a longer one, and of its end', async () => {
  const idle = agents.find(({ running }) => running.size === 0)!;
  const host = ['h1', 'h2', 'h3'][agents.indexOf(idle)]!;
  await pause(host);
  const { revision, pauses } = await assignment(host);
  expect(pauses).toEqual([expect.objectContaining({ kind: 'host', name: host })]);
  await pause(host, 2 * MINUTE_MS);
  expect(await assignment(host)).toMatchObject({ revision: revision + 1, pauses: [{ name: host }] });
  const { hosts } = await lead.api.listHosts({ hosts: [] });
  expect(hosts.filter((one) => one.pause !== undefined).map(({ name }) => name)).toEqual([host]);
  await clock.advance(2 * MINUTE_MS);
  expect(await assignment(host)).toMatchObject({ revision: revision + 2, pauses: [] });
});

test('a global service comes to a host whose pause has ended', async () => {
  await pause('h2', 10_000);
  await put(keys.service('log'), 'image: b\ndeploy: { mode: global }\n');
  await clock.advance(3000);
  const hosts = (): readonly number[] =>
    agents.map(({ running }) => [...running.values()].filter(({ service }) => service === 'log').length);
  expect(hosts()).toEqual([1, 0, 1]);
  await clock.advance(10_000);
  expect(hosts()).toEqual([1, 1, 1]);
});

test('the next leader takes over the pauses, and their ends', async () => {
  await pause('web');
  await lead.resign();
  lead.close();
  lead = coordinator('c2');
  await put(keys.service('web'), WEB.replace('replicas: 2', 'replicas: 5'));
  await clock.advance(30_000);
  expect(ids()).toHaveLength(2);
  await clock.advance(MINUTE_MS);
  expect(ids()).toHaveLength(5);
});

test('G4: one that does not lead any more deletes no pause', async () => {
  lead.close();
  await lead.resign();
  const store = etcd.connect();
  lead = coordinator('c2', store);
  await clock.advance(3000);
  await pause('web', 10_000);
  store.faults.freeze();
  await clock.advance(20_000);
  expect(await paused()).toEqual(['service/web']);
  coordinator('c3');
  await clock.advance(5000);
  expect(await paused()).toEqual([]);
});

test('G5: a hand-written pause counts; garbage is told, ends nothing, and is left for people', async () => {
  const untilMs = clock.wallMs() + MINUTE_MS;
  await put(keys.pause('service', 'web'), JSON.stringify({ untilMs, reason: 'by hand' }));
  await put(keys.pause('host', 'h2'), 'for an hour');
  await put(keys.pause('service', 'api'), '{"untilMs":9007199254740991}');
  await put(keys.service('web'), WEB.replace('replicas: 2', 'replicas: 3'));
  await clock.advance(1000);
  expect(ids()).toHaveLength(2);
  await put(keys.pause('service', 'web'), '{');
  await clock.advance(1000);
  expect(ids()).toHaveLength(2);
  const { services } = await lead.api.listServices({ services: [] });
  expect(services[0]!.status).toMatchObject({ rollout: 'paused', problems: [{ rule: 'json-syntax' }] });
  const { hosts } = await lead.api.listHosts({ hosts: [] });
  expect(hosts.map(({ problems }) => problems.length)).toEqual([0, 1, 0]);
  const listed = await lead.api.listPauses({});
  expect(listed.pauses.map(({ name }) => name)).toEqual(['api', 'web']);
  expect(listed.problems).toHaveLength(2);
  await clock.advance(MINUTE_MS);
  expect(ids()).toHaveLength(3);
  expect(await paused()).toEqual(['host/h2', 'service/api', 'service/web']);
  expect(await settle(lead.api.resume({ kind: '', name: 'web' }))).toEqual({ kind: 'service' });
  expect(await paused()).toEqual(['host/h2', 'service/api']);
});

test.each<[string, Parameters<typeof pause>, string, RegExp]>([
  ['a name that is not there', ['wbe'], 'not-found', /no host, service or instance "wbe" \(did you mean "web"\?\)/],
  ['a name of another kind', ['web', MINUTE_MS, 'host'], 'not-found', /^there is no host "web"$/],
  ['a kind that is none', ['web', MINUTE_MS, 'pod'], 'invalid', /no kind of thing; there are host, service, instance/],
  ['no time', ['web', 0], 'invalid', /a second at least/],
  ['a month and a day', ['web', 31 * 24 * 3_600_000], 'invalid', /30 days at most/],
])('%s is refused', async (_, request, code, message) => {
  expect(await pause(...request)).toMatchObject({ code, message: expect.stringMatching(message) });
  expect(await paused()).toEqual([]);
});

test('a name that two things have wants a kind', async () => {
  await put(keys.service('h1'), WEB);
  await clock.advance(1000);
  expect(await pause('h1')).toMatchObject({
    ...{ code: 'invalid', message: '"h1" is a host and a service: say which, with --kind host or --kind service' },
  });
  await pause('h1', MINUTE_MS, 'host');
  expect(await paused()).toEqual(['host/h1']);
  expect(await settle(lead.api.resume({ kind: '', name: 'h1' }))).toEqual({ kind: 'host' });
});
