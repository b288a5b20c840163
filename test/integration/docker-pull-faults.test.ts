/** Pulls by the Docker adapter from an engine that says what real ones say seldom, or says nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDockerEngine } from '../../agent/docker/dockerode-engine';
import type { Engine } from '../../agent/docker/engine';
import { systemClock, type Clock } from '../../lib/clock';
import { silentLogger } from '../../lib/log';
import { startDockerProxy, type DockerCall, type DockerProxy } from '../support/docker-proxy';
import { expectEngineError, newOwner } from '../support/engine-subjects';
import { sleep } from '../support/wait';

/** Deadlines of many seconds pass in tenths of them. */
const hastyClock: Clock = { ...systemClock, after: (delayMs, wake) => systemClock.after(delayMs / 20, wake) };

let proxy: DockerProxy;
beforeEach(async () => (proxy = await startDockerProxy()));
afterEach(() => proxy.stop());

const connect = (clock = systemClock): Engine =>
  createDockerEngine({ docker: proxy.address, ...newOwner(), clock, log: silentLogger });
const asks = (path: string) => (call: DockerCall) => call.path === path;
const never = new AbortController().signal;
const pullWith = (signal: AbortSignal, engine = connect()): Promise<void> =>
  engine.pull('registry.test/web:1', { platform: '', signal, onProgress: () => undefined });
const pull = (body: string, status = 200): Promise<void> => {
  proxy.inject(asks('/images/create'), { kind: 'answer', status, body });
  return pullWith(never);
};

test.each([
  [
    'an error inside the stream',
    '{"status":"Pulling"}\n{"error":"received unexpected HTTP status: 502"}',
    'pull-failed',
    /502/,
  ],
  [
    'an image that nobody has',
    '{"error":"manifest for registry.test/web:1 not found: manifest unknown"}',
    'no-such-image',
    /manifest/,
  ],
  [
    'a refusal',
    '{"error":"Head https://registry.test/v2/web/manifests/1: unauthorized"}',
    'unauthorized',
    /no credentials/,
  ],
  ['a full disk', '{"error":"write /x: no space left on device"}', 'no-space', /disk of Docker is full/],
  ['a line that is no JSON', '{"status":"Pulling"}\n<html>\n', 'pull-failed', /<html>/],
] as const)('%s is told', async (_what, body, code, message) => {
  await expectEngineError(pull(body), code, message);
});

test('a registry that can not be reached is told as such, and is not the engine', async () => {
  await expectEngineError(
    pull('{"message":"Get https://registry.test/v2/: no such host"}', 500),
    'pull-failed',
    /no such host/,
  );
});

test('a stream that ends well is success', async () => {
  await pull('{"status":"Pulling"}\n{"status":"Status: Downloaded newer image"}\n');
});

test('one that hangs is given up when told so, and holds no socket', async () => {
  proxy.inject(asks('/images/create'), { kind: 'hang' });
  const giving = new AbortController();
  const pulling = pullWith(giving.signal);
  setTimeout(() => giving.abort(), 200);
  await expectEngineError(pulling, 'pull-failed', /cancelled/);
  await sleep(100);
  expect(proxy.connections).toBeLessThanOrEqual(1);
});

test('one whose registry falls silent is given up by itself', async () => {
  proxy.inject(asks('/images/create'), { kind: 'hang' });
  await expectEngineError(pullWith(never, connect(hastyClock)), 'pull-failed', /60 s/);
});

test('credentials are no part of the URL, which engines and proxies log', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-test-login-'));
  const auths = { 'registry.test': { username: 'alice', password: 'secret' } };
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths }));
  proxy.inject(asks('/images/create'), { kind: 'answer', status: 200, body: '{"status":"done"}' });
  const registries = { dockerConfig: folder, mirrors: new Map(), minFreeSpace: 0 };
  const engine = createDockerEngine({
    ...{ docker: proxy.address, ...newOwner(), clock: systemClock, log: silentLogger, registries },
  });
  await pullWith(never, engine).finally(() => rmSync(folder, { recursive: true }));
  const [call] = proxy.calls.filter(asks('/images/create'));
  expect(call).toEqual({ method: 'POST', path: '/images/create', query: 'fromImage=registry.test/web:1' });
});
