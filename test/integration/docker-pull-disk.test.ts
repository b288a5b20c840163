/** Pulls onto a disk that is small, full, or not full enough to matter. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDockerEngine } from '../../agent/docker/dockerode-engine';
import type { Engine } from '../../agent/docker/engine';
import { systemClock } from '../../lib/clock';
import { emptyDocument } from '../../lib/documents/codec';
import { silentLogger } from '../../lib/log';
import { containerSpec, expectEngineError, newOwner } from '../support/engine-subjects';
import { startOwnEngine, type OwnEngine } from '../support/own-engine';
import { ownAddress, Registry } from '../support/registry';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy';

jest.setTimeout(120_000);

const DISK_MEGABYTES = 64;
const owner = newOwner();

let docker: OwnEngine;
let registry: Registry;
let proxy: TcpProxy;
let proxied: string;
let folder: string;

beforeAll(async () => {
  [docker, registry] = await Promise.all([startOwnEngine({ diskMegabytes: DISK_MEGABYTES }), Registry.start()]);
  proxy = await startTcpProxy(`https://${registry.address}`, ownAddress());
  proxied = new URL(proxy.endpoint).host;
  docker.trust(proxied, registry.ca);
  registry.setPassword('alice', 'secret');
  folder = mkdtempSync(join(tmpdir(), 'berth-test-login-'));
  const auths = { [proxied]: { username: 'alice', password: 'secret' } };
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths }));
});
afterAll(async () => {
  await proxy.stop();
  await Promise.all([docker.stop(), registry.stop()]);
  rmSync(folder, { recursive: true });
});

const connect = (minFreeSpace: number): Engine =>
  createDockerEngine({
    ...{ docker: docker.address, ...owner, clock: systemClock, log: silentLogger },
    registries: { dockerConfig: folder, mirrors: new Map(), minFreeSpace },
  });
const pull = (name: string, minFreeSpace = 0): Promise<void> =>
  connect(minFreeSpace).pull(`${proxied}/${name}`, {
    ...{ platform: '', signal: new AbortController().signal, onProgress: () => undefined },
  });
const freeBytes = async (): Promise<number> => statfs(docker.dataRoot).then(({ bavail, bsize }) => bavail * bsize);

test('with less free than has to be, the registry is not even asked, and it is said where and what to do', async () => {
  await registry.push({ repository: 'small', layerMegabytes: [1] });
  const before = proxy.connections;
  const told = new RegExp(
    `^0\\.1 GB free at ${docker.dataRoot}, less than 1\\.1 GB \\(min-free-space\\); on this host: docker`,
  );
  await expectEngineError(pull('small:1', 1024 ** 3), 'no-space', told);
  expect(proxy.connections).toBe(before);
  await pull('small:1', 1024 ** 2);
});

test('a pull that fills the disk is told as such, leaves no rest, and harms nothing that runs', async () => {
  await registry.push({ repository: 'large', layerMegabytes: [30, 60] });
  await registry.push({ repository: 'next', layerMegabytes: [1] });
  await pull('small:1');
  const engine = connect(0);
  const { deploy } = emptyDocument('Release');
  const container = containerSpec(`${proxied}/small:1`, { command: ['sleep', '100'] });
  const identity = { instance: 'web-1', service: 'web', slot: 1, release: 1, spec: '1:abc', config: {}, isJob: false };
  const id = await engine.create({ ...identity, container, deploy, publishedPorts: [] });
  await engine.start(id);
  const before = await freeBytes();

  await expectEngineError(
    pull('large:1'),
    'no-space',
    /^the disk of Docker is full \(.* GB free at .* now\); on this host: docker .*no space left/,
  );

  expect(await engine.presentImages([`${proxied}/small:1`, `${proxied}/large:1`])).toEqual(
    new Set([`${proxied}/small:1`]),
  );
  expect(await engine.list()).toMatchObject([{ id, state: 'running' }]);
  expect(before - (await freeBytes())).toBeLessThan(2_000_000);
  await pull('next:1');
  await engine.stop(id, 0);
  await engine.start(id);
  expect(await engine.list()).toMatchObject([{ id, state: 'running' }]);
});
