/** Pulls end to end: a key in etcd, a coordinator, an agent with a Docker Engine of its own, a private registry. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InstanceStatus, Phase } from '../../lib/documents/types';
import { Cluster } from '../support/cluster';
import type { Daemon } from '../support/daemon';
import { startOwnEngine, type OwnEngine } from '../support/own-engine';
import { ownAddress, Registry } from '../support/registry';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy';
import { sleep, until } from '../support/wait';

jest.setTimeout(180_000);

/** Longer than the backoff of some failures. */
const PATIENCE_MS = 60_000;
const MEGABYTE = 1_000_000;

let docker: OwnEngine;
let registry: Registry;
let mirror: Registry;
/** In front of the registry, under an address of its own. */
let proxy: TcpProxy;
let proxied: string;
let folder: string;
let cluster: Cluster;
let agent: Daemon;

beforeAll(async () => {
  [docker, registry, mirror] = await Promise.all([startOwnEngine(), Registry.start(), Registry.start()]);
  proxy = await startTcpProxy(`https://${registry.address}`, ownAddress());
  proxied = new URL(proxy.endpoint).host;
  for (const each of [registry, mirror]) docker.trust(each.address, each.ca);
  docker.trust(proxied, registry.ca);
  registry.setPassword('alice', 'first-secret');
  mirror.setPassword('bob', 'mirror-secret');
  folder = mkdtempSync(join(tmpdir(), 'berth-test-login-'));
  logIn('first-secret');
  cluster = await Cluster.start({ agents: 0 });
  const flags = ['--docker', docker.address, '--docker-config', folder, '--min-free-space', '1M'];
  agent = await cluster.addAgent('h1', [...flags, '--registry-mirrors', `${registry.address}=${mirror.address}`]);
});
afterAll(async () => {
  await cluster.stop();
  await proxy.stop();
  await Promise.all([docker.stop(), registry.stop(), mirror.stop()]);
  rmSync(folder, { recursive: true });
});
beforeEach(() => proxy.heal());
afterEach(async () => {
  // Whatever was said, and wherever it was kept.
  const kept = await cluster.etcd.ctl(['get', '--prefix', cluster.prefix]);
  for (const text of [kept, agent.output, ...cluster.coordinators.map(({ output }) => output)])
    expect(text).not.toMatch(/(first|second|wrong|mirror)-secret/);
});

/** As `docker login` would have written it: alice's at the registry, bob's at the mirror. */
function logIn(password: string): void {
  const auths = {
    [proxied]: { auth: Buffer.from(`alice:${password}`).toString('base64') },
    [mirror.address]: { username: 'bob', password: 'mirror-secret' },
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths }));
}

/** More than one while a release takes the place of another. */
async function instancesOf(service: string): Promise<readonly InstanceStatus[]> {
  const status = await cluster.hostStatus();
  return Object.values(status?.instances ?? {}).filter((one) => one.service === service);
}
function phase(service: string, wanted: Phase, timeoutMs = PATIENCE_MS): Promise<InstanceStatus> {
  const is = async (): Promise<InstanceStatus | undefined> => {
    const [seen] = await instancesOf(service);
    if (seen?.phase === wanted) return seen;
    throw new Error(`it is ${JSON.stringify(seen)}`);
  };
  return until(`${service} is ${wanted}`, is, timeoutMs);
}
async function remove(...services: readonly string[]): Promise<void> {
  for (const service of services) await cluster.remove(service);
  for (const service of services)
    await until(`the end of ${service}`, async () => (await instancesOf(service)).length === 0, PATIENCE_MS);
}

test('a private image is pulled, which its status shows, and runs', async () => {
  await registry.push({ repository: 'slow', layerMegabytes: [3, 6] });
  proxy.throttle(600_000);
  await cluster.put('slow', `image: ${proxied}/slow:1\n`);
  const progress = await until('progress', async () => {
    const [seen] = await instancesOf('slow');
    return seen?.phase === 'PULLING' && seen.progress !== '' ? seen.progress : undefined;
  });
  expect(progress).toMatch(/^[\d.]+ of [\d.]+ MB, \d of 3 layers/);
  expect((await cluster.berth('ps', 'slow')).stdout).toMatch(/ pulling .*; [\d.]+ of [\d.]+ MB, \d of 3 layers/);
  expect(await phase('slow', 'RUNNING')).toMatchObject({ progress: '', reason: '' });
  await remove('slow');
});

test('a refused pull says who refused what, and runs once the credentials are right, without a restart of the agent', async () => {
  await registry.push({ repository: 'guarded', layerMegabytes: [1] });
  logIn('wrong-secret');
  await cluster.put('guarded', `image: ${proxied}/guarded:1\n`);
  const { reason } = await phase('guarded', 'FAILED');
  expect(reason).toContain(`pull failed: ${proxied} refused the pull`);
  expect(reason).toContain(`credentials of "alice" in ${folder}/config.json`);
  expect(reason).toContain(`docker --config ${folder} login ${proxied}`);
  const { stdout } = await cluster.berth('ps');
  expect(stdout).toContain('refused the pull');
  const { pid } = agent;
  logIn('first-secret');
  await phase('guarded', 'RUNNING');

  // The other way round: the registry has another password by now.
  registry.setPassword('alice', 'second-secret');
  await registry.push({ repository: 'guarded', tag: '2', layerMegabytes: [1] });
  await cluster.put('guarded', `image: ${proxied}/guarded:2\n`);
  // The image is pulled before anything is replaced.
  const isRefused = async (): Promise<boolean> => {
    const { prefetch } = (await cluster.hostStatus())!;
    return prefetch['guarded@2']?.failed === true && prefetch['guarded@2'].message.includes('refused the pull');
  };
  await until('the refusal', isRefused, PATIENCE_MS);
  expect((await instancesOf('guarded')).filter(({ phase }) => phase === 'RUNNING')).toHaveLength(1);
  logIn('second-secret');
  await cluster.steady('guarded', 2, PATIENCE_MS);
  expect(agent.pid).toBe(pid);
  await remove('guarded');
  registry.setPassword('alice', 'first-secret');
  logIn('first-secret');
});

test('a registry that dies in the middle of a pull is told, and the pull succeeds when it is back', async () => {
  await registry.push({ repository: 'mortal', layerMegabytes: [8] });
  proxy.throttle(500_000);
  await cluster.put('mortal', `image: ${proxied}/mortal:1\n`);
  const before = proxy.repliedBytes;
  await until('bytes', () => proxy.repliedBytes > before + MEGABYTE);
  await registry.kill();
  proxy.cut();
  expect((await phase('mortal', 'FAILED')).reason).toMatch(/^pull failed: .*(EOF|reset|refused)/);
  await registry.resume();
  proxy.heal();
  await phase('mortal', 'RUNNING');
  await remove('mortal');
});

test('a pull that nobody wants any more ends, and no more of it comes', async () => {
  await registry.push({ repository: 'unwanted', layerMegabytes: [12] });
  proxy.throttle(500_000);
  await cluster.put('unwanted', `image: ${proxied}/unwanted:1\n`);
  const before = proxy.repliedBytes;
  await until('bytes', () => proxy.repliedBytes > before + MEGABYTE);
  await remove('unwanted');
  await sleep(1000);
  const after = proxy.repliedBytes;
  await sleep(2000);
  expect(proxy.repliedBytes).toBe(after);
  expect(after - before).toBeLessThan(10 * MEGABYTE);
});

test('G6: pulls that hang, more than there is room for, hold up neither an image that is there nor one from another registry', async () => {
  // With digests, so that nobody asks the registry that hangs for one.
  const there = await registry.push({ repository: 'there', layerMegabytes: [1] });
  const elsewhere = await mirror.push({ repository: 'elsewhere', layerMegabytes: [1] });
  const none = `sha256:${'0'.repeat(64)}`;
  await docker.docker('--config', folder, 'pull', `${proxied}/there:1`);
  proxy.blackhole();
  const hanging = Array.from({ length: 12 }, (_, index) => `hangs-${index}`);
  await Promise.all(hanging.map((name) => cluster.put(name, `image: ${proxied}/${name}:1@${none}\n`)));
  const seen = async (): Promise<readonly InstanceStatus[]> => (await Promise.all(hanging.map(instancesOf))).flat();
  const pulling = async (): Promise<number> => (await seen()).filter(({ phase }) => phase === 'PULLING').length;
  await until('a full lane of pulls', async () => (await pulling()) === 8);
  const waiting = (await seen()).filter(({ phase }) => phase === 'PENDING').map(({ reason }) => reason);
  expect(waiting).toEqual(
    Array(4).fill(`the image is not on this host; waits its turn: 8 pulls from ${proxied} at once`),
  );
  await cluster.put('there', `image: ${proxied}/there:1@${there}\n`);
  await cluster.put('elsewhere', `image: ${mirror.address}/elsewhere:1@${elsewhere}\n`);
  await phase('there', 'RUNNING');
  await phase('elsewhere', 'RUNNING');
  // Neither has waited for one that hangs to be given up.
  expect(await pulling()).toBe(8);
  expect((await seen()).map(({ phase }) => phase)).not.toContain('FAILED');
  // One after another: all at once would be taken for a slip.
  for (const service of ['there', 'elsewhere', ...hanging]) await remove(service);
});

test('an image with a digest comes from the mirror while its registry is down, and the instance stays as it is', async () => {
  const digest = await mirror.push({ repository: 'mirrored', layerMegabytes: [1] });
  await registry.kill();
  await cluster.put('mirrored', `image: ${registry.address}/mirrored:1@${digest}\n`);
  const { containerId } = await phase('mirrored', 'RUNNING');
  const image = await docker.docker('inspect', '--format', '{{.Config.Image}}', containerId);
  expect(image).toBe(`${mirror.address}/mirrored@${digest}`);
  await agent.end('SIGKILL');
  await agent.start();
  await sleep(3000);
  expect(await phase('mirrored', 'RUNNING')).toMatchObject({ containerId, restarts: 0 });
  await registry.resume();
  await remove('mirrored');
});
