/** What an image's tag means, asked by the Docker adapter of real registries, with what can be in the way. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDockerEngine } from '../../agent/docker/dockerode-engine';
import type { Engine } from '../../agent/docker/engine';
import type { RegistryMirrors } from '../../agent/docker/images/registry-mirrors';
import { systemClock, type Clock } from '../../lib/clock';
import { silentLogger } from '../../lib/log';
import { expectEngineError, newOwner } from '../support/engine-subjects';
import { startOwnEngine, type OwnEngine } from '../support/own-engine';
import { ownAddress, Registry } from '../support/registry';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy';

jest.setTimeout(120_000);

/** Ten seconds pass in one. */
const hastyClock: Clock = { ...systemClock, after: (delayMs, wake) => systemClock.after(delayMs / 10, wake) };
const never = new AbortController().signal;

let docker: OwnEngine;
let registry: Registry;
let mirror: Registry;
/** In front of the registry, under an address of its own. */
let proxy: TcpProxy;
let proxied: string;
let folder: string;
let images = 0;

beforeAll(async () => {
  [docker, registry, mirror] = await Promise.all([startOwnEngine(), Registry.start(), Registry.start()]);
  for (const each of [registry, mirror]) {
    docker.trust(each.address, each.ca);
    each.setPassword('alice', 'secret');
  }
});
afterAll(() => Promise.all([docker.stop(), registry.stop(), mirror.stop()]));
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'berth-test-login-'));
  proxy = await startTcpProxy(`https://${registry.address}`, ownAddress());
  proxied = new URL(proxy.endpoint).host;
  docker.trust(proxied, registry.ca);
  logIn('secret');
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await proxy.stop();
});

function logIn(password: string): void {
  const auth = { username: 'alice', password };
  const auths = { [registry.address]: auth, [mirror.address]: auth, [proxied]: auth };
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths }));
}
const connect = (mirrors: RegistryMirrors = new Map(), clock = systemClock): Engine =>
  createDockerEngine({
    ...{ docker: docker.address, ...newOwner(), clock, log: silentLogger },
    registries: { dockerConfig: folder, mirrors, minFreeSpace: 0 },
  });
const ask = (reference: string, engine = connect(), signal = never): Promise<string> =>
  engine.resolveDigest(reference, signal);
const newName = (): string => `shop/web-${++images}`;
const push = (repository: string, to = registry): Promise<string> =>
  to.push({ repository, tag: '1', layerMegabytes: [0.1] });

test('a tag that is moved means something else at once, and nothing is pulled', async () => {
  const name = newName();
  const engine = connect();
  for (const digest of [await push(name), await push(name)])
    expect([digest, await ask(`${registry.address}/${name}@${digest}`, engine)]).toEqual([digest, digest]);
  const last = await push(name);
  expect(await ask(`${registry.address}/${name}:1`, engine)).toBe(last);
  expect(await docker.docker('images', '-q')).toBe('');
});

test('of an image for several platforms it is the digest of all, and the pinned image can be pulled', async () => {
  const name = newName();
  const own = { x64: 'amd64', arm64: 'arm64' }[process.arch as string] ?? process.arch;
  const all = await registry.combine(name, '1', { [own]: await push(name), s390x: await push(name) });
  const digest = await ask(`${registry.address}/${name}:1`);
  expect(digest).toBe(all);
  const pinned = `${registry.address}/${name}:1@${digest}`;
  await connect().pull(pinned, { platform: '', signal: never, onProgress: () => undefined });
  expect(await connect().presentImages([pinned])).toEqual(new Set([pinned]));
  await docker.docker('rmi', pinned);
});

test('a login that the registry does not take is told as one that it refused', async () => {
  const name = newName();
  await push(name);
  logIn('wrong');
  await expectEngineError(
    ask(`${registry.address}/${name}:1`),
    'unauthorized',
    new RegExp(`it was sent the credentials of "alice" in ${folder}/config.json`),
  );
  rmSync(join(folder, 'config.json'));
  await expectEngineError(ask(`${registry.address}/${name}:1`), 'unauthorized', /no credentials: there is no /);
});

test.each([
  ['an unknown tag', () => `${registry.address}/${newName()}:1`, 'no-such-image' as const, /manifest unknown/],
  ['a registry that is not there', () => '127.0.0.1:1/web:1', 'pull-failed' as const, /refused|no route/i],
  ['what is no reference', () => 'Not A Reference', 'pull-failed' as const, /is no image reference/],
])('%s is told', async (_, reference, code, message) => {
  await expectEngineError(ask(reference()), code, message);
});

test('mirrors are asked first, as for pulls; what they do not have or do not answer, the registry says', async () => {
  const name = newName();
  const places = [{ registry: mirror.address, path: 'hub' }];
  const engine = connect(new Map([[registry.address, places]]));
  const atOrigin = await push(name);
  expect(await ask(`${registry.address}/${name}:1`, engine)).toBe(atOrigin);
  const atMirror = await push(`hub/${name}`, mirror);
  expect(await ask(`${registry.address}/${name}:1`, engine)).toBe(atMirror);
  const away = [{ registry: '127.0.0.1:1', path: '' }];
  const other = connect(new Map([[registry.address, away]]));
  expect(await ask(`${registry.address}/${name}:1`, other)).toBe(atOrigin);
  const missing = ask(`${registry.address}/${newName()}:1`, other);
  await expectEngineError(missing, 'no-such-image', new RegExp(`from 127.0.0.1:1: .*; from ${registry.address}: `));
});

test('a registry that does not answer is given up after 10 s, and one that nobody asks any more at once', async () => {
  const name = newName();
  await push(name);
  proxy.blackhole();
  const hasty = connect(new Map(), hastyClock);
  await expectEngineError(ask(`${proxied}/${name}:1`, hasty), 'pull-failed', /nothing came from the registry for 10 s/);
  const giving = new AbortController();
  const startedMs = Date.now();
  const asking = ask(`${proxied}/${name}:1`, connect(), giving.signal);
  setTimeout(() => giving.abort(), 300);
  await expectEngineError(asking, 'pull-failed', /cancelled/);
  expect(Date.now() - startedMs).toBeLessThan(5000);
});
