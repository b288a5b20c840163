/** When an agent begins, when it writes, and when it gives up. */
import { decodeDocument } from '../lib/documents/codec';
import { MemoryDocker } from './docker/simulated/memory-docker';
import { agentHosts, keys, TTL_MS, type AgentHost } from '../test/support/agent-host';
import { releaseOf } from '../test/support/desired';
import { over } from '../test/support/loop-host';

const WEB = releaseOf('web');
const current = agentHosts();
let host: AgentHost;
beforeEach(() => (host = current()));

test('claims its name, says what it is, runs what is assigned, and then writes nothing', async () => {
  await host.assign({ 'web-1': { of: WEB } });
  const one = host.begin();
  await host.clock.advance(3000);
  expect(one).toMatchObject({ isReady: true, refusal: undefined });
  expect(one.agent.whyNotReady()).toBeUndefined();
  expect(decodeDocument('HostAlive', (await host.found(keys.hostAlive('h1')))!).agentId).toBe('id-1');
  const record = decodeDocument('HostRecord', (await host.found(keys.hostRecord('h1')))!);
  expect(record).toMatchObject({ address: '10.0.0.1', capacity: { resources: { gpu: 2 } } });
  expect((await host.status())?.instances['web-1']).toMatchObject({ phase: 'RUNNING', held: false });
  const { revision } = host.admin;
  await host.clock.advance(60 * 60_000);
  expect(host.admin.revision).toBe(revision);
  expect(one.agent.whyUnhealthy()).toBeUndefined();
});

test('G2: one that starts again writes no status that calls anything held, pending or gone', async () => {
  await host.assign({ 'web-1': { of: WEB } });
  const one = host.begin();
  await host.clock.advance(3000);
  await one.end();
  const { mutatingCalls } = host.docker;
  const texts = host.recordStatuses();
  await host.clock.advance(100);
  const before = texts.length;
  host.begin();
  await host.clock.advance(60_000);
  expect(host.docker.mutatingCalls).toBe(mutatingCalls);
  expect(texts.length).toBe(before);
});

test('nothing is said of instances before etcd has said what should run', async () => {
  await host.assign({ 'web-1': { of: WEB } });
  const one = host.begin();
  await host.clock.advance(3000);
  await one.end();
  const texts = host.recordStatuses();
  await host.clock.advance(100);
  const before = texts.length;
  const two = host.begin();
  const range = two.store.range.bind(two.store);
  two.store.range = async (what) => {
    const isAssignment = 'key' in what && what.key === keys.assignment('h1');
    if (isAssignment) await new Promise<void>((wake) => void host.clock.after(20_000, wake));
    return range(what);
  };
  await host.clock.advance(60_000);
  expect(two.isReady).toBe(true);
  expect(texts.length).toBe(before);
});

test('G3: without etcd and without a copy nothing is touched, and it is not ready', async () => {
  await host.assign({ 'web-1': { of: WEB } });
  const one = host.begin();
  one.store.faults.disconnect();
  await host.clock.advance(60_000);
  expect(one.isReady).toBe(false);
  expect(one.agent.whyNotReady()).toMatch(/waiting for etcd/);
  expect(one.agent.whyUnhealthy()).toBeUndefined();
  await host.clock.advance(10 * 60_000);
  one.store.faults.reconnect();
  await host.clock.advance(10_000);
  expect(one.agent.whyUnhealthy()).toBeUndefined();
  expect(one.isReady).toBe(true);
});

test('G3: a copy on disk without the releases that are wanted ahead of need is whole', async () => {
  const next = releaseOf('web', { number: 2, image: 'web:2' });
  await host.assign({ 'web-1': { of: WEB } }, { prefetch: ['web@2'] }, [next]);
  host.docker.registry.add('web:2');
  const one = host.begin();
  await host.clock.advance(3000);
  expect((await host.status())?.prefetch).toEqual({ 'web@2': { done: true, failed: false, message: '' } });
  expect([...host.onDisk!.releases.keys()]).toEqual(['web@1']);
  await one.end();
  host.docker.removeByForce([...host.docker.containers.keys()][0]!);
  host.begin().store.faults.disconnect();
  await host.clock.advance(10_000);
  expect(host.states).toEqual(['running']);
});

test('G3: without etcd and with a copy it runs what it knows', async () => {
  await host.assign({ 'web-1': { of: WEB } });
  const one = host.begin();
  await host.clock.advance(3000);
  await one.end();
  host.docker.exit([...host.docker.containers.keys()][0]!, 1);
  const two = host.begin();
  two.store.faults.disconnect();
  await host.clock.advance(10_000);
  expect(two.isReady).toBe(true);
  expect([...host.docker.containers.values()].map(({ state }) => state)).toEqual(['running']);
});

test('G2: while Docker is away it neither claims its name nor says anything of its instances', async () => {
  await host.assign({ 'web-1': { of: WEB } });
  const one = host.begin();
  await host.clock.advance(3000);
  await one.end();
  await host.clock.advance(2 * TTL_MS);
  host.docker.setDown(true);
  const texts = host.recordStatuses();
  await host.clock.advance(100);
  const before = texts.length;
  const two = host.begin();
  await host.clock.advance(60_000);
  expect(texts.length).toBe(before);
  expect(two.agent.whyNotReady()).toBe('waiting for Docker');
  expect(host.lines.filter(({ message }) => message.startsWith('Docker does not say'))).toHaveLength(1);
  host.docker.setDown(false);
  await host.clock.advance(10_000);
  expect(await host.found(keys.hostAlive('h1'))).toBeDefined();
  expect(texts.length).toBe(before);
});

test("a host whose Docker comes late, and whose name is another host's by now, touches nothing", async () => {
  await host.assign({ 'web-1': { of: WEB } });
  const one = host.begin();
  await host.clock.advance(3000);
  await one.end();
  await host.clock.advance(2 * TTL_MS);
  host.begin('id-2', new MemoryDocker({ clock: host.clock }));
  await host.clock.advance(3000);
  host.docker.exit([...host.docker.containers.keys()][0]!, 1);
  host.docker.setDown(true);
  const two = host.begin();
  await host.clock.advance(10_000);
  host.docker.setDown(false);
  await host.clock.advance(4 * TTL_MS);
  expect(host.states).toEqual(['exited']);
  expect(two.refusal).toMatch(/another live agent has the host name "h1"/);
});

test.each<[string, boolean]>([
  ['asks for its name first', true],
  ['goes on by its copy when etcd does not answer', false],
])('whose Docker comes late %s', async (_, answers) => {
  await host.assign({ 'web-1': { of: WEB } });
  const one = host.begin();
  await host.clock.advance(3000);
  await one.end();
  host.docker.exit([...host.docker.containers.keys()][0]!, 1);
  host.docker.setDown(true);
  const two = host.begin();
  if (!answers) two.store.faults.disconnect();
  await host.clock.advance(10_000);
  host.docker.setDown(false);
  await host.clock.advance(10_000);
  expect(host.states).toEqual(['running']);
});

test('stops at once while a container is being stopped, and leaves that to Docker', async () => {
  await host.assign({ 'web-1': { of: WEB }, 'web-2': { of: WEB } });
  const one = host.begin();
  await host.clock.advance(3000);
  await host.assign({ 'web-1': { of: WEB } });
  await host.clock.advance(20);
  const startedMs = host.clock.monotonicMs();
  await one.end();
  expect(host.clock.monotonicMs()).toBe(startedMs);
  await host.clock.advance(60_000);
  expect(host.clock.pending).toBe(0);
});

test('what an image means is asked and told at once, though the status was written a moment ago', async () => {
  await host.assign({ 'web-1': { of: WEB } });
  host.docker.registry.add('web:2');
  host.begin();
  await host.clock.advance(3000);
  host.docker.removeByForce([...host.docker.containers.keys()][0]!);
  await host.clock.advance(20);
  const { revision } = host.admin;
  await host.assign({ 'web-1': { of: WEB } }, { resolve: { web: { image: 'web:2', question: 7 } } });
  await host.clock.advance(20);
  expect(host.admin.revision).toBeGreaterThan(revision);
  const digest = host.docker.digestOf('web:2');
  expect((await host.status())?.resolved).toEqual({ web: { question: 7, digest, problem: '' } });
  await host.assign({ 'web-1': { of: WEB } });
  await host.clock.advance(1000);
  expect((await host.status())?.resolved).toEqual({});
});

test('a question of a copy on disk is not asked: the one who asked may be answered long since', async () => {
  await host.assign({ 'web-1': { of: WEB } }, { resolve: { web: { image: 'web:1', question: 7 } } });
  const one = host.begin();
  await host.clock.advance(3000);
  await one.end();
  let asked = 0;
  host.wrap = (engine) =>
    over(engine, {
      resolveDigest: (image, signal) => {
        asked++;
        return engine.resolveDigest(image, signal);
      },
    });
  const two = host.begin();
  two.store.faults.disconnect();
  await host.clock.advance(20_000);
  expect([two.isReady, asked]).toEqual([true, 0]);
  two.store.faults.reconnect();
  await host.clock.advance(10_000);
  expect(asked).toBe(1);
});
