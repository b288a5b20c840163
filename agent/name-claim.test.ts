/** Whose the host's name is. */
import { decodeDocument, encodeDocument } from '../lib/documents/codec';
import { agentHosts, keys, TTL_MS, type AgentHost } from '../test/support/agent-host';
import { releaseOf } from '../test/support/desired';
import { MemoryDocker } from './docker/simulated/memory-docker';

const WEB = releaseOf('web');
const current = agentHosts();
let host: AgentHost;
beforeEach(() => (host = current()));

describe('two agents of one name', () => {
  test('the second touches nothing, writes nothing and gives up', async () => {
    await host.assign({ 'web-1': { of: WEB } });
    host.begin('id-1');
    await host.clock.advance(3000);
    const { revision } = host.admin;
    const other = new MemoryDocker({ clock: host.clock });
    host.onDisk = undefined;
    const two = host.begin('id-2', other);
    await host.clock.advance(TTL_MS * 3 + 1000);
    expect(two.isReady).toBe(false);
    expect(two.agent.whyNotReady()).toMatch(/another live agent/);
    expect(two.refusal).toMatch(/another live agent has the host name "h1"/);
    expect(other.mutatingCalls).toBe(0);
    // The tries of the second leave leases, and no keys.
    expect((await host.status())?.instances['web-1']).toMatchObject({ phase: 'RUNNING' });
    expect(host.admin.revision).toBe(revision);
  });

  test('the second touches nothing though it has a copy: an old machine that is switched on again', async () => {
    await host.assign({ 'web-1': { of: WEB } });
    host.begin('id-1');
    await host.clock.advance(3000);
    const { revision } = host.admin;
    const other = new MemoryDocker({ clock: host.clock });
    expect(host.onDisk).toBeDefined();
    const two = host.begin('id-2', other);
    await host.clock.advance(TTL_MS * 4);
    expect(two.refusal).toBeDefined();
    expect(other.mutatingCalls).toBe(0);
    expect(host.admin.revision).toBe(revision);
  });

  test('with one state folder, copied: the older one stops writing and gives up', async () => {
    await host.assign({ 'web-1': { of: WEB } });
    const one = host.begin('id-1');
    await host.clock.advance(3000);
    const two = host.begin('id-1', new MemoryDocker({ clock: host.clock }));
    await host.clock.advance(1000);
    const before = host.admin.revision;
    await host.clock.advance(10_000);
    // They do not fight over the documents.
    expect(host.admin.revision - before).toBeLessThan(10);
    await host.clock.advance(TTL_MS * 3);
    expect(one.refusal).toMatch(/another live agent/);
    expect(two.refusal).toBeUndefined();
  });
});

test.each<[string, () => Promise<unknown>]>([
  ['deleted', () => host.admin.txn({ compares: [], writes: [{ op: 'delete', key: keys.hostAlive('h1') }] })],
  ['overwritten by hand', () => host.put(keys.hostAlive('h1'), '{}')],
])('its alive key, %s, is written again', async (_, spoil) => {
  await host.assign({ 'web-1': { of: WEB } });
  const one = host.begin();
  await host.clock.advance(3000);
  await spoil();
  await host.clock.advance(1000);
  expect(decodeDocument('HostAlive', (await host.found(keys.hostAlive('h1')))!).agentId).toBe('id-1');
  await host.clock.advance(60_000);
  expect(one.refusal).toBeUndefined();
});

test('a host whose alive key hangs on no lease is nobody: a new agent takes the name', async () => {
  await host.put(
    keys.hostAlive('h1'),
    encodeDocument('HostAlive', { agentId: 'old', agentVersion: '', startedAtMs: 0 }),
  );
  const one = host.begin();
  await host.clock.advance(3000);
  expect(one.isReady).toBe(true);
});
