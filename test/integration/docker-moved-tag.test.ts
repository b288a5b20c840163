/** A tag that moves: keys in etcd, a coordinator, an agent with a Docker Engine of its own, a registry that goes away. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { InstanceStatus } from '../../lib/documents/types';
import { Cluster } from '../support/cluster';
import { startOwnEngine, type OwnEngine } from '../support/own-engine';
import { Registry } from '../support/registry';
import { until } from '../support/wait';

jest.setTimeout(180_000);

let docker: OwnEngine;
let registry: Registry;
let cluster: Cluster;
beforeAll(async () => {
  [docker, registry] = await Promise.all([startOwnEngine(), Registry.start()]);
  docker.trust(registry.address, registry.ca);
  cluster = await Cluster.start({ agents: 0 });
  registry.setPassword('alice', 'secret');
  const auths = { [registry.address]: { username: 'alice', password: 'secret' } };
  writeFileSync(join(cluster.folder, 'config.json'), JSON.stringify({ auths }));
  const flags = ['--docker-config', cluster.folder, '--min-free-space', '1M'];
  await cluster.addAgent('h1', ['--docker', docker.address, ...flags]);
});
afterAll(async () => {
  await cluster.stop();
  await Promise.all([docker.stop(), registry.stop()]);
});

async function pinned(): Promise<readonly string[]> {
  const kvs = await cluster.etcd.ctl(['get', '--prefix', '--print-value-only', cluster.keys.releases]);
  return kvs.split('\n').flatMap((text) => /"image":"[^"]*@(sha256:\w+)"/.exec(text)?.[1] ?? []);
}
/** @returns the one instance that there is, once it is alone */
function alone(): Promise<InstanceStatus> {
  return until('one instance alone', async () => {
    const [one, ...others] = Object.values((await cluster.hostStatus())?.instances ?? {});
    return others.length === 0 && one?.phase === 'RUNNING' ? one : undefined;
  });
}
async function runs(release: number, digest: string): Promise<void> {
  await cluster.steady('moving', release);
  const { containerId: id } = await alone();
  const format = ['inspect', '--format', '{{.Config.Image}}', id];
  const { stdout } = await promisify(execFile)('docker', ['--host', docker.address, ...format]);
  expect(stdout.trim()).toBe(`${registry.address}/moving:1@${digest}`);
}

test('redeploy takes what the tag means now; after an emptied etcd what runs is known without the registry', async () => {
  const first = await registry.push({ repository: 'moving', layerMegabytes: [1] });
  const document = `image: ${registry.address}/moving:1\ndeploy: { update_config: { monitor: 0s } }\n`;
  await cluster.put('moving', document);
  await runs(1, first);
  const second = await registry.push({ repository: 'moving', layerMegabytes: [2] });
  expect(second).not.toBe(first);
  expect(await cluster.berth('redeploy', 'moving', '--wait')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(
      `moving@2 is cut: ${registry.address}/moving:1 means ${second} now, and meant ${first}.`,
    ),
  });
  await runs(2, second);
  expect(await pinned()).toEqual([first, second]);

  await registry.kill();
  const before = await alone();
  await cluster.etcd.ctl(['del', '--prefix', cluster.prefix]);
  await cluster.put('moving', document);
  // Cut without a digest, perhaps, before the host has told the new etcd what it holds; then anew.
  await until('a release that is pinned', async () => (await pinned()).length === 1, 60_000);
  await until('rest', async () => (await cluster.berth('services')).stdout.includes(' steady '), 60_000);
  expect(await pinned()).toEqual([second]);
  expect(await alone()).toMatchObject({ containerId: before.containerId, restarts: 0 });
});
