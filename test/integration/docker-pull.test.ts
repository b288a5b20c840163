/** Pulls by the Docker adapter from a real private registry with TLS and basic auth, and what can happen on the way. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDockerEngine } from '../../agent/docker/dockerode-engine';
import { EngineError, type Engine } from '../../agent/docker/engine';
import { systemClock, type Clock } from '../../lib/clock';
import { silentLogger } from '../../lib/log';
import { expectEngineError, newOwner } from '../support/engine-subjects';
import { startOwnEngine, type OwnEngine } from '../support/own-engine';
import { ownAddress, Registry } from '../support/registry';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy';
import { sleep, until } from '../support/wait';

jest.setTimeout(120_000);

/** Deadlines of many seconds pass in tenths of them. */
const hastyClock: Clock = { ...systemClock, after: (delayMs, wake) => systemClock.after(delayMs / 20, wake) };
const never = new AbortController().signal;
const MEGABYTE = 1_000_000;

let docker: OwnEngine;
let registry: Registry;
/** In front of the registry, under an address of its own. */
let proxy: TcpProxy;
let proxied: string;
let folder: string;
let images = 0;
const searched = process.env['PATH'];

beforeAll(async () => {
  [docker, registry] = await Promise.all([startOwnEngine(), Registry.start()]);
  docker.trust(registry.address, registry.ca);
  registry.setPassword('alice', 'first-secret');
});
afterAll(() => Promise.all([docker.stop(), registry.stop()]));

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'berth-test-login-'));
  process.env['PATH'] = `${folder}:${searched}`;
  proxy = await startTcpProxy(`https://${registry.address}`, ownAddress());
  proxied = new URL(proxy.endpoint).host;
  docker.trust(proxied, registry.ca);
  logIn(registry.address, 'first-secret');
});
afterEach(async () => {
  process.env['PATH'] = searched;
  rmSync(folder, { recursive: true });
  await proxy.stop();
});

const connect = (clock = systemClock): Engine =>
  createDockerEngine({
    ...{ docker: docker.address, ...newOwner(), clock, log: silentLogger },
    registries: { dockerConfig: folder, mirrors: new Map(), minFreeSpace: 0 },
  });
const pull = (reference: string, { engine = connect(), signal = never, told = [] as string[] } = {}): Promise<void> =>
  engine.pull(reference, { platform: '', signal, onProgress: (progress) => told.push(progress) });
const isThere = async (reference: string): Promise<boolean> =>
  (await connect().presentImages([reference])).has(reference);

function configure(config: object): void {
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
}
function logIn(address: string, password: string): void {
  configure({ auths: { [address]: { auth: Buffer.from(`alice:${password}`).toString('base64') } } });
}
/** Docker asks it for the registry's credentials from now on. */
function useHelper(password: string): void {
  const answer = JSON.stringify({ ServerURL: registry.address, Username: 'alice', Secret: password });
  const helper = join(folder, 'docker-credential-vault');
  writeFileSync(helper, `#!/bin/sh\n[ "$(cat)" = "${registry.address}" ] && echo '${answer}'\n`);
  chmodSync(helper, 0o755);
  configure({ credHelpers: { [registry.address]: 'vault' } });
}
/** A new one. @returns its name within the registry, and its digest */
async function push(layerMegabytes: readonly number[] = [1], tag = '1'): Promise<{ name: string; digest: string }> {
  const name = `shop/web-${++images}`;
  return { name, digest: await registry.push({ repository: name, tag, layerMegabytes }) };
}
async function refusal(reference: string): Promise<string> {
  const error = await pull(reference).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(EngineError);
  expect(error).toMatchObject({ code: 'unauthorized' });
  const { message } = error as EngineError;
  expect(message).not.toMatch(/secret/);
  expect(message).toContain(`${registry.address} refused the pull`);
  return message;
}

describe('credentials', () => {
  test('from auths, which count at the next pull when they are rotated', async () => {
    const { name } = await push();
    const reference = `${registry.address}/${name}:1`;
    const engine = connect();
    await pull(reference, { engine });
    expect(await isThere(reference)).toBe(true);
    await docker.docker('rmi', reference);

    registry.setPassword('alice', 'second-secret');
    const message = await refusal(reference);
    expect(message).toContain(`the credentials of "alice" in ${folder}/config.json`);
    expect(message).toContain(`docker --config ${folder} login ${registry.address}`);
    expect(await isThere(reference)).toBe(false);

    logIn(registry.address, 'second-secret');
    await pull(reference, { engine });
    registry.setPassword('alice', 'first-secret');
  });

  test('from a helper, whose answer counts at the next pull when it is another', async () => {
    const { name } = await push();
    const reference = `${registry.address}/${name}:1`;
    const engine = connect();
    useHelper('first-secret');
    await pull(reference, { engine });
    await docker.docker('rmi', reference);

    useHelper('expired-secret');
    const message = await refusal(reference);
    expect(message).toContain('the credentials of "alice" from docker-credential-vault');
    expect(message).toContain(`echo ${registry.address} | docker-credential-vault get`);

    useHelper('first-secret');
    await pull(reference, { engine });
  });

  test('none', async () => {
    const { name } = await push();
    configure({});
    expect(await refusal(`${registry.address}/${name}:1`)).toContain(`no credentials: ${folder}/config.json has none`);
    rmSync(join(folder, 'config.json'));
    expect(await refusal(`${registry.address}/${name}:1`)).toContain(
      `no credentials: there is no ${folder}/config.json`,
    );
  });

  test('that can not be read are told, and nothing of what is in the file', async () => {
    const { name } = await push();
    writeFileSync(join(folder, 'config.json'), `{"auths": {"${registry.address}": {"auth": "first-secret"`);
    expect(await refusal(`${registry.address}/${name}:1`)).toContain(`since ${folder}/config.json is no JSON`);
  });

  test('a registry whose certificate nobody vouches for is told as such', async () => {
    const other = await Registry.start();
    await expectEngineError(pull(`${other.address}/web:1`), 'pull-failed', /certificate/).finally(() => other.stop());
  });
});

describe('names', () => {
  test('with a digest, and with a tag beside it', async () => {
    const { name, digest } = await push();
    const byDigest = `${registry.address}/${name}@${digest}`;
    await pull(byDigest);
    const both = `${registry.address}/${name}:1@${digest}`;
    expect(await connect().presentImages([byDigest, both])).toEqual(new Set([byDigest, both]));
    await docker.docker('rmi', byDigest);
    await pull(both);
    expect(await connect().presentImages([byDigest, both])).toEqual(new Set([byDigest, both]));
    expect(await isThere(`${registry.address}/${name}:1`)).toBe(false);
  });

  test('without a tag mean `latest`, and no other tag comes with it', async () => {
    const { name } = await push([1], 'latest');
    await registry.push({ repository: name, tag: 'other', layerMegabytes: [1] });
    await pull(`${registry.address}/${name}`);
    expect(await isThere(`${registry.address}/${name}:latest`)).toBe(true);
    expect(await isThere(`${registry.address}/${name}:other`)).toBe(false);
  });

  test('of images that the registry does not have', async () => {
    await expectEngineError(pull(`${registry.address}/shop/nothing:1`), 'no-such-image', /manifest unknown/);
  });
});

describe('a slow registry', () => {
  beforeEach(() => logIn(proxied, 'first-secret'));

  test('is waited for, and its progress is told', async () => {
    const { name } = await push([3, 4, 2]);
    proxy.throttle(500_000);
    const told: string[] = [];
    await pull(`${proxied}/${name}:1`, { told });
    const shown = told.map((text) => /^(?:([\d.]+) of ([\d.]+) MB, )?(\d) of 4 layers/.exec(text));
    expect(shown).not.toContain(null);
    const megabytes = shown.filter((match) => match?.[1] !== undefined).map((match) => Number(match![1]));
    expect(megabytes.length).toBeGreaterThanOrEqual(2);
    expect(megabytes).toEqual([...megabytes].sort((a, b) => a - b));
    expect(Math.max(...megabytes)).toBeGreaterThan(1);
  });

  test('sends nothing more once nobody wants the image', async () => {
    const { name } = await push([24, 24]);
    proxy.throttle(300_000);
    const giving = new AbortController();
    const pulling = pull(`${proxied}/${name}:1`, { signal: giving.signal });
    const before = proxy.repliedBytes;
    await until('bytes of layers', () => proxy.repliedBytes > before + MEGABYTE);
    giving.abort();
    await expectEngineError(pulling, 'pull-failed', /cancelled/);
    proxy.heal(); // what still wanted to come would come at once
    await sleep(1000);
    const after = proxy.repliedBytes;
    await sleep(1000);
    expect(proxy.repliedBytes).toBe(after);
    expect(after - before).toBeLessThan(24 * MEGABYTE);
    await pull(`${proxied}/${name}:1`);
  });

  test('that breaks off in the middle of a layer is asked for the rest', async () => {
    const { name } = await push([4]);
    proxy.throttle(400_000);
    const pulling = pull(`${proxied}/${name}:1`);
    await until('bytes of layers', () => proxy.repliedBytes > MEGABYTE);
    proxy.heal();
    proxy.cut();
    await pulling;
    expect(await isThere(`${proxied}/${name}:1`)).toBe(true);
  });

  test('that is killed in the middle of a layer is told, and has the image when it is back', async () => {
    const { name } = await push([4]);
    proxy.throttle(400_000);
    const told: string[] = [];
    const pulling = pull(`${proxied}/${name}:1`, { told });
    await until('bytes of layers', () => proxy.repliedBytes > MEGABYTE);
    await registry.kill();
    proxy.cut(); // with what it had sent and nobody had read yet
    await expectEngineError(pulling, 'pull-failed', /EOF|reset|refused/);
    expect(told.join('\n')).toContain('broken off, Docker tries again');
    await expectEngineError(pull(`${proxied}/${name}:1`), 'pull-failed', /EOF|reset|refused/);
    await registry.resume();
    proxy.heal();
    await pull(`${proxied}/${name}:1`);
  });

  test('that never answers is given up, and holds up no other pull', async () => {
    const [{ name }, other] = [await push(), await push()];
    proxy.blackhole();
    const engine = connect(hastyClock);
    let isOver = false;
    const pulling = expectEngineError(
      pull(`${proxied}/${name}:1`, { engine }),
      'pull-failed',
      /nothing came .* 60 s|timeout/i,
    );
    void pulling.then(() => (isOver = true));
    configure({ auths: { [registry.address]: { username: 'alice', password: 'first-secret' } } });
    await pull(`${registry.address}/${other.name}:1`);
    expect(isOver).toBe(false);
    await pulling;
  });

  test('that has to wait for the layers of a slow one is not taken for silent', async () => {
    const [{ name }, other, base] = [await push([6, 6, 6, 6]), await push(), await push()];
    const auth = { username: 'alice', password: 'first-secret' };
    configure({ auths: { [proxied]: auth, [registry.address]: auth } });
    // The layer that all of them share would come for all at once.
    await pull(`${registry.address}/${base.name}:1`);
    // All that Docker downloads at a time, and for longer than a silence lasts.
    proxy.throttle(200_000);
    const engine = connect(hastyClock);
    const slow = pull(`${proxied}/${name}:1`, { engine });
    await until('bytes of layers', () => proxy.repliedBytes > MEGABYTE / 2);
    const told: string[] = [];
    const waiting = pull(`${registry.address}/${other.name}:1`, { engine, told });
    await Promise.race([waiting, sleep(6000)]);
    expect(told.at(-1)).toMatch(/waits for other downloads$/);
    proxy.heal();
    await Promise.all([slow, waiting]);
  });
});
