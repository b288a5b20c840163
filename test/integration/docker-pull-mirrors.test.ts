/** Images that come from a mirror: which names they have then, that containers are made of them, and what fails how. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDockerEngine } from '../../agent/docker/dockerode-engine';
import type { Engine } from '../../agent/docker/engine';
import type { RegistryMirrors } from '../../agent/docker/images/registry-mirrors';
import { systemClock } from '../../lib/clock';
import { emptyDocument } from '../../lib/documents/codec';
import { silentLogger } from '../../lib/log';
import { containerSpec, expectEngineError, newOwner } from '../support/engine-subjects';
import { startOwnEngine, type OwnEngine } from '../support/own-engine';
import { Registry } from '../support/registry';

jest.setTimeout(120_000);

let docker: OwnEngine;
let origin: Registry;
let mirror: Registry;
let folder: string;
let images = 0;

beforeAll(async () => {
  [docker, origin, mirror] = await Promise.all([startOwnEngine(), Registry.start(), Registry.start()]);
  for (const each of [origin, mirror]) docker.trust(each.address, each.ca);
  origin.setPassword('alice', 'secret-of-alice');
  mirror.setPassword('bob', 'secret-of-bob');
  folder = mkdtempSync(join(tmpdir(), 'berth-test-login-'));
});
afterAll(async () => {
  await Promise.all([docker.stop(), origin.stop(), mirror.stop()]);
  rmSync(folder, { recursive: true });
});
beforeEach(() => logIn('secret-of-alice', 'secret-of-bob'));

function logIn(alice: string, bob: string): void {
  const auths = {
    [origin.address]: { username: 'alice', password: alice },
    [mirror.address]: { username: 'bob', password: bob },
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths }));
}

/** The mirror has the images of the registry under a path of its own. */
const mirrorsOf = (registry: string): RegistryMirrors =>
  new Map([[registry, [{ registry: mirror.address, path: 'proxy' }]]]);
const connect = (mirrors = mirrorsOf(origin.address)): Engine =>
  createDockerEngine({
    ...{ docker: docker.address, ...newOwner(), clock: systemClock, log: silentLogger },
    registries: { dockerConfig: folder, mirrors, minFreeSpace: 0 },
  });
const pull = (reference: string, engine = connect()): Promise<void> =>
  engine.pull(reference, { platform: '', signal: new AbortController().signal, onProgress: () => undefined });
const isThere = async (reference: string, engine = connect(new Map())): Promise<boolean> =>
  (await engine.presentImages([reference])).has(reference);
const newName = (): string => `shop/web-${++images}`;

/** Runs a container of the image. @returns of what Docker says that it is made */
async function runOf(reference: string, engine = connect()): Promise<string> {
  const { deploy } = emptyDocument('Release');
  const identity = { instance: `web-${++images}`, service: 'web', slot: 1, release: 1, spec: '1:abc' };
  const container = containerSpec(reference, { command: ['sleep', '100'] });
  const id = await engine.create({ ...identity, container, deploy, config: {}, isJob: false, publishedPorts: [] });
  await engine.start(id);
  const [image, state] = (await docker.docker('inspect', '--format', '{{.Config.Image}} {{.State.Status}}', id)).split(
    ' ',
  );
  expect(state).toBe('running');
  await docker.docker('rm', '-f', id);
  return image!;
}

test('an image with a tag comes from the mirror, with the credentials of the mirror, and has its own name alone', async () => {
  const name = newName();
  await mirror.push({ repository: `proxy/${name}`, layerMegabytes: [1] });
  const wanted = `${origin.address}/${name}:1`;
  await pull(wanted);
  expect(await isThere(wanted)).toBe(true);
  expect(await isThere(`${mirror.address}/proxy/${name}:1`)).toBe(false);
  expect(await runOf(wanted)).toBe(wanted);
});

test('a name of the mirror that somebody else gave is left alone', async () => {
  const name = newName();
  await mirror.push({ repository: `proxy/${name}`, layerMegabytes: [1] });
  const theirs = `${mirror.address}/proxy/${name}:1`;
  await pull(theirs);
  await pull(`${origin.address}/${name}:1`);
  expect(await isThere(theirs)).toBe(true);
  expect(await isThere(`${origin.address}/${name}:1`)).toBe(true);
});

test('an official image of Docker Hub comes from a mirror of it', async () => {
  const name = `berth-test-${++images}`;
  await mirror.push({ repository: `proxy/library/${name}`, layerMegabytes: [1] });
  await pull(`${name}:1`, connect(mirrorsOf('docker.io')));
  expect(await isThere(`${name}:1`)).toBe(true);
  expect(await runOf(`${name}:1`)).toBe(`${name}:1`);
});

test('an image with a digest keeps the name of the mirror, counts as there, and containers are made of it', async () => {
  const name = newName();
  const digest = await mirror.push({ repository: `proxy/${name}`, layerMegabytes: [1] });
  const wanted = `${origin.address}/${name}:1@${digest}`;
  const engine = connect();
  expect(await isThere(wanted, engine)).toBe(false);
  await pull(wanted, engine);
  expect(await isThere(wanted, engine)).toBe(true);
  expect((await engine.imageIds([wanted])).get(wanted)).toMatch(/^sha256:/);
  expect(await runOf(wanted, engine)).toBe(`${mirror.address}/proxy/${name}@${digest}`);

  // Of an agent that knows of no mirror it is an image of somebody else's.
  expect(await isThere(wanted)).toBe(false);
  await expectEngineError(runOf(wanted, connect(new Map())), 'no-such-image');

  await engine.removeImage(wanted);
  expect(await docker.docker('images', '-q', '--no-trunc', `${mirror.address}/proxy/${name}`)).toBe('');
});

test('what the mirror does not have, or refuses, comes from the registry itself', async () => {
  const name = newName();
  const digest = await origin.push({ repository: name, layerMegabytes: [1] });
  await pull(`${origin.address}/${name}:1`);
  logIn('secret-of-alice', 'wrong');
  await pull(`${origin.address}/${name}@${digest}`);
  expect(await runOf(`${origin.address}/${name}@${digest}`)).toBe(`${origin.address}/${name}@${digest}`);
});

test('a mirror that is down costs nothing but a try; with both down, both are told', async () => {
  const [name, other] = [newName(), newName()];
  await origin.push({ repository: name, layerMegabytes: [1] });
  await mirror.kill();
  await pull(`${origin.address}/${name}:1`);
  await origin.kill();
  const both = new RegExp(`^from ${mirror.address}: .*refused.*; from ${origin.address}: .*refused`);
  await expectEngineError(pull(`${origin.address}/${other}:1`), 'pull-failed', both);
  await Promise.all([origin.resume(), mirror.resume()]);
});

test('when all refuse, it is told who refused whose credentials, and no secret', async () => {
  logIn('wrong-secret', 'other-secret');
  const failure = await pull(`${origin.address}/${newName()}:1`).catch((thrown: unknown) => thrown);
  expect(failure).toMatchObject({ code: 'unauthorized' });
  const { message } = failure as Error;
  expect(message).toContain(`${origin.address} refused the pull`);
  expect(message).toContain(`${mirror.address} refused the pull`);
  expect(message).toContain('credentials of "alice"');
  expect(message).toContain('credentials of "bob"');
  expect(message).not.toMatch(/secret/);
});
