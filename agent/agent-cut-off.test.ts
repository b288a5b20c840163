/** A host that is cut off from etcd, and comes back: whole agents. */
import { agentHosts, keys, TTL_MS, type AgentHost, type RunningAgent } from '../test/support/agent-host';
import { releaseOf } from '../test/support/desired';

const STOP_AFTER_MS = 10_000;
const base = releaseOf('web');
const WEB = { ...base, deploy: { ...base.deploy, onDisconnect: { stopAfterMs: STOP_AFTER_MS, replaceAfterMs: 0 } } };
const KEEP = releaseOf('keep');
const BOTH = { 'web-1': { of: WEB }, 'keep-1': { of: KEEP } };
const current = agentHosts();
let host: AgentHost;
let one: RunningAgent;
beforeEach(async () => {
  host = current();
  await host.assign(BOTH);
  one = host.begin();
  await host.clock.advance(3000);
});

const stateOf = (instance: string): string | undefined =>
  [...host.docker.containers.values()].find(({ request }) => request.instance === instance)?.state;

test('it is stopped so long after the lease can last have been renewed, and before others may count it as lost for so long', async () => {
  const cutMs = host.clock.monotonicMs();
  one.store.faults.disconnect();
  while (stateOf('web-1') === 'running') await host.clock.advance(50);
  const goneMs = host.clock.monotonicMs();
  // Renewed every third of the TTL, at the latest when it was cut off.
  expect(goneMs - cutMs).toBeGreaterThan(STOP_AFTER_MS - TTL_MS / 3 - 100);
  expect(goneMs - cutMs).toBeLessThan(STOP_AFTER_MS + 300);
  expect(await host.found(keys.hostAlive('h1'))).toBeUndefined();
  await host.clock.advance(60_000);
  expect([stateOf('web-1'), stateOf('keep-1')]).toEqual(['exited', 'running']);
  one.store.faults.reconnect();
  await host.clock.advance(10_000);
  expect(stateOf('web-1')).toBe('running');
  expect((await host.status())?.instances['web-1']).toMatchObject({ phase: 'RUNNING', reason: '' });
});

test('what was moved away meanwhile is not started, though the old assignment in hand names it', async () => {
  one.store.faults.disconnect();
  await host.clock.advance(60_000);
  await host.assign({ 'keep-1': { of: KEEP } });
  const started: string[] = [];
  const start = host.docker.start.bind(host.docker);
  host.docker.start = (container) => {
    started.push(container.request.instance);
    start(container);
  };
  one.store.faults.reconnect();
  await host.clock.advance(30_000);
  expect([stateOf('web-1'), started]).toEqual([undefined, []]);
});

test('G3: an assignment that is gone when etcd is back brings nothing back, and removes nothing', async () => {
  one.store.faults.disconnect();
  await host.clock.advance(60_000);
  await host.admin.txn({ compares: [], writes: [{ op: 'delete', key: keys.assignment('h1') }] });
  one.store.faults.reconnect();
  await host.clock.advance(30_000);
  expect([stateOf('web-1'), stateOf('keep-1')]).toEqual(['exited', 'running']);
  await host.assign(BOTH);
  await host.clock.advance(5000);
  expect(stateOf('web-1')).toBe('running');
});

test('G3: etcd that is empty when it is back stops nothing', async () => {
  one.store.faults.disconnect();
  await host.clock.advance(TTL_MS + 1000);
  host.admin.faults.wipe();
  one.store.faults.reconnect();
  await host.clock.advance(10 * 60_000);
  expect(await host.found(keys.hostAlive('h1'))).toBeDefined();
  expect([stateOf('web-1'), stateOf('keep-1')]).toEqual(['running', 'running']);
});

test('an agent that starts while it is cut off starts nothing of the kind, and stops it in time', async () => {
  one.store.faults.disconnect();
  await host.clock.advance(TTL_MS + 1000);
  await one.end();
  const two = host.begin();
  two.store.faults.disconnect();
  // What the one before it knew counts: without, this would take a whole time more.
  await host.clock.advance(STOP_AFTER_MS - TTL_MS);
  expect([stateOf('web-1'), stateOf('keep-1')]).toEqual(['exited', 'running']);
  two.store.faults.reconnect();
  await host.clock.advance(10_000);
  expect(stateOf('web-1')).toBe('running');
});

test('G2: with etcd there, an agent that starts again touches nothing, and a host at rest reads nothing more', async () => {
  await one.end();
  const { mutatingCalls } = host.docker;
  const two = host.begin();
  await host.clock.advance(5000);
  expect(host.docker.mutatingCalls).toBe(mutatingCalls);
  let reads = 0;
  const range = two.store.range.bind(two.store);
  two.store.range = (what) => {
    reads++;
    return range(what);
  };
  await host.clock.advance(4 * 60_000);
  expect(reads).toBe(0);
});
