/** The Docker adapter against a real engine that is slow, hangs, breaks off or comes back, and among foreign containers. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createDockerEngine } from '../../agent/docker/dockerode-engine';
import type { Engine } from '../../agent/docker/engine';
import type { Ownership } from '../../agent/docker/list/labels';
import { systemClock, type Clock } from '../../lib/clock';
import { silentLogger } from '../../lib/log';
import { emptyDocument } from '../../lib/documents/codec';
import type { ContainerSpec } from '../../lib/documents/types';
import { ensureTestImage } from '../support/docker-images';
import { startDockerProxy, type DockerCall, type DockerProxy } from '../support/docker-proxy';
import { containerSpec, expectEngineError, newOwner } from '../support/engine-subjects';

/** Deadlines of many seconds pass in tenths of them. */
const HASTE = 20;
const hastyClock: Clock = { ...systemClock, after: (delayMs, wake) => systemClock.after(delayMs / HASTE, wake) };

const run = promisify(execFile);
const docker = (...args: string[]): Promise<string> => run('docker', args).then(({ stdout }) => stdout.trim());
const sleep = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

let image: string;
let proxy: DockerProxy;
let owner: Ownership;
let watching: AbortController;

beforeAll(async () => void (image = await ensureTestImage()));
beforeEach(async () => {
  owner = newOwner();
  watching = new AbortController();
  proxy = await startDockerProxy();
});
afterEach(async () => {
  watching.abort();
  await proxy.stop();
  const ids = await docker('ps', '-aq', '--filter', `label=berth.prefix=${owner.prefix}`);
  if (ids !== '') await docker('rm', '-fv', ...ids.split('\n'));
});

const connect = (clock = systemClock): Engine =>
  createDockerEngine({ docker: proxy.address, ...owner, clock, log: silentLogger });
const begin = async (engine: Engine, slot = 1, changes: Partial<ContainerSpec> = {}): Promise<string> => {
  const instance = `web-${slot}-${owner.host}`;
  const identity = { instance, service: 'web', slot, release: 1, spec: '1:abc', config: {}, isJob: false };
  const { deploy } = emptyDocument('Release');
  const id = await engine.create({ ...identity, container: containerSpec(image, changes), deploy, publishedPorts: [] });
  await engine.start(id);
  return id;
};
const until = async (is: () => boolean): Promise<void> => {
  for (const endMs = Date.now() + 10_000; !is(); await sleep(10))
    if (Date.now() > endMs) throw new Error(is.toString());
};
const isInspect = ({ path }: DockerCall): boolean => /^\/containers\/[0-9a-f]+\/json$/.test(path);
const asks = (path: string) => (call: DockerCall) => call.path === path;

describe('at rest', () => {
  test('ten containers cost one call a list', async () => {
    const engine = connect();
    await Promise.all(Array.from({ length: 10 }, (_, index) => begin(engine, index + 1)));
    let wakes = 0;
    engine.watch(() => wakes++, watching.signal);
    await until(() => wakes > 0);
    await engine.list();
    await sleep(500); // events of the last second are told once more
    await engine.list();
    proxy.forgetCalls();
    for (let pass = 0; pass < 3; pass++) expect(await engine.list()).toHaveLength(10);
    expect(proxy.calls.map(({ path }) => path)).toEqual(Array(3).fill('/containers/json'));
  });

  test('the health checks that Docker runs wake nobody', async () => {
    const engine = connect();
    let wakes = 0;
    engine.watch(() => wakes++, watching.signal);
    const check = { test: ['CMD', 'true'], intervalMs: 100, timeoutMs: 1000, startPeriodMs: 0, retries: 1 };
    await begin(engine, 1, { healthCheck: check });
    for (let health = ''; health !== 'healthy'; await sleep(50)) health = (await engine.list())[0]!.health;
    await sleep(300);
    const before = wakes;
    await sleep(1000);
    expect(wakes).toBe(before);
  });

  test('only what changed is inspected', async () => {
    const engine = connect();
    const [first] = await Promise.all([begin(engine, 1), begin(engine, 2)]);
    let wakes = 0;
    engine.watch(() => wakes++, watching.signal);
    await until(() => wakes > 0);
    await sleep(500);
    await engine.list();
    await docker('kill', first);
    await sleep(300);
    proxy.forgetCalls();
    expect((await engine.list()).map(({ state }) => state)).toEqual(['running', 'exited']);
    expect(proxy.calls.filter(isInspect).map(({ path }) => path)).toEqual([`/containers/${first}/json`]);
  });
});

describe('one container that Docker does not tell of', () => {
  test.each([
    ['because it hangs', { kind: 'hang' } as const],
    ['because it fails', { kind: 'answer', status: 500, body: '{"message":"layer does not exist"}' } as const],
    ['because it says nonsense', { kind: 'answer', status: 200, body: '<html>' } as const],
    ['because it stops in mid-answer', { kind: 'stall', afterBytes: 100 } as const],
  ])('%s is known by the list, and holds up no other', async (_why, fault) => {
    const engine = connect(hastyClock);
    const [sick] = await Promise.all([begin(engine, 1), begin(engine, 2)]);
    proxy.inject(({ path }) => path === `/containers/${sick}/json`, fault);
    const containers = await engine.list();
    expect(containers.map(({ instance, state }) => ({ instance, state }))).toHaveLength(2);
    expect(containers.find(({ id }) => id === sick)).toMatchObject({ slot: 1, release: 1, state: 'running' });
    proxy.forgetCalls();
    await engine.list();
    expect(proxy.calls.filter(({ path }) => path === `/containers/${sick}/json`)).toHaveLength(0);
  });

  test('that Docker says no more of keeps the grace period that it was known to have', async () => {
    const engine = connect(hastyClock);
    await begin(engine, 1, { stopGracePeriodMs: 300_000 });
    expect(await engine.list()).toMatchObject([{ state: 'running', stopGracePeriodMs: 300_000 }]);
    proxy.inject(isInspect, { kind: 'hang' });
    expect(await engine.list()).toMatchObject([{ state: 'running', startedAtMs: 0, stopGracePeriodMs: 300_000 }]);
  });

  test('that is gone between list and inspection is left out', async () => {
    const engine = connect();
    await begin(engine, 1);
    proxy.inject(isInspect, { kind: 'answer', status: 404, body: '{"message":"No such container: x"}' });
    expect(await engine.list()).toEqual([]);
  });
});

describe('calls', () => {
  test.each([
    ['is never answered', { kind: 'hang' } as const],
    ['stops in mid-body', { kind: 'stall', afterBytes: 10 } as const],
  ])('one that %s is given up, and holds no socket', async (_how, fault) => {
    const engine = connect(hastyClock);
    await begin(engine);
    const heal = proxy.inject(asks('/containers/json'), fault);
    for (let round = 0; round < 3; round++) await expectEngineError(engine.list(), 'timeout', /"list" within 10 s/);
    heal();
    await sleep(100);
    expect(proxy.connections).toBeLessThanOrEqual(1);
    expect(await engine.list()).toHaveLength(1);
  });

  test('a slow engine is waited for', async () => {
    const engine = connect();
    await begin(engine);
    proxy.inject(asks('/containers/json'), { kind: 'delay', delayMs: 700 }, 1);
    expect(await engine.list()).toHaveLength(1);
  });

  test('a creation whose answer was lost is found by the next list', async () => {
    const engine = connect();
    proxy.inject(asks('/containers/create'), { kind: 'drop' }, 1);
    await expectEngineError(begin(engine), 'unavailable');
    expect(await engine.list()).toMatchObject([{ state: 'created' }]);
  });

  test('no engine at all is unavailable, and says where', async () => {
    const engine = createDockerEngine({
      docker: 'unix:///no/such.sock',
      ...owner,
      clock: systemClock,
      log: silentLogger,
    });
    await expectEngineError(engine.list(), 'unavailable', /no Docker Engine answers at unix:\/\/\/no\/such\.sock/);
  });

  test('an engine that came back as a newer or older version is asked for its version again', async () => {
    const engine = connect();
    await engine.list();
    const refusal = '{"message":"client version 1.41 is too old. Minimum supported API version is 1.44"}';
    proxy.inject(asks('/containers/json'), { kind: 'answer', status: 400, body: refusal }, 1);
    await expectEngineError(engine.list(), 'unsupported');
    proxy.forgetCalls();
    await engine.list();
    expect(proxy.calls.map(({ path }) => path)).toEqual(['/version', '/containers/json']);
  });

  test('DOCKER_HOST does not lead elsewhere', async () => {
    process.env['DOCKER_HOST'] = 'tcp://127.0.0.1:1';
    try {
      expect(await connect().list()).toEqual([]);
    } finally {
      delete process.env['DOCKER_HOST'];
    }
  });
});

describe('events', () => {
  test('are followed again after the stream ended, with a wake each time', async () => {
    const engine = connect();
    let wakes = 0;
    engine.watch(() => wakes++, watching.signal);
    await until(() => wakes === 1);
    for (let round = 2; round < 5; round++) {
      proxy.cut();
      await until(() => wakes >= round);
    }
    const before = wakes;
    await begin(engine);
    await until(() => wakes > before);
  });

  test('that can not be had are asked for until they can, and meanwhile everything is inspected', async () => {
    const engine = connect(hastyClock);
    await begin(engine);
    let wakes = 0;
    const heal = proxy.inject(asks('/events'), { kind: 'hang' });
    engine.watch(() => wakes++, watching.signal);
    await engine.list();
    proxy.forgetCalls();
    await engine.list();
    expect(proxy.calls.filter(isInspect)).toHaveLength(1);
    heal();
    await until(() => wakes > 0);
  });
});

describe('containers that are not ours', () => {
  test('one that got our labels from a committed image is left alone', async () => {
    const engine = connect();
    const id = await begin(engine);
    const committed = `berth-test/committed:${owner.host}`;
    await docker('commit', id, committed);
    await docker('run', '-d', '--name', `debug-${owner.host}`, committed, 'sleep', '300');
    expect((await engine.list()).map((container) => container.id)).toEqual([id]);
    await docker('rm', '-f', `debug-${owner.host}`);
    await docker('rmi', committed);
  });

  test('one whose labels nobody can read is left alone', async () => {
    const labels = [`berth.host=${owner.host}`, `berth.prefix=${owner.prefix}`, 'berth.slot=many', 'berth.ports={'];
    await docker('run', '-d', ...labels.flatMap((label) => ['--label', label]), image, 'sleep', '300');
    expect(await connect().list()).toEqual([]);
  });

  test('one that has our name is named', async () => {
    const name = `berth-web-1-${owner.host}`;
    await docker('run', '-d', '--name', name, '--label', `berth.prefix=${owner.prefix}`, image, 'sleep', '300');
    await expectEngineError(begin(connect()), 'name-taken', new RegExp(`${name} is taken by .* not of Berth`));
  });
});
