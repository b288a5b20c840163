/** What every Engine promises, on the real Docker Engine and on the simulated one. */
import type { CreateRequest, Engine, PullOptions } from '../../agent/docker/engine';
import type { Ownership } from '../../agent/docker/list/labels';
import type { ActualContainer } from '../../agent/plan/types';
import type { ContainerSpec } from '../../lib/documents/types';
import {
  COMMANDS,
  ENGINE_SUBJECTS,
  expectEngineError,
  newOwner,
  requestOf,
  type EngineSubject,
} from '../support/engine-subjects';

const GRACE_MS = 10_000;

describe.each(ENGINE_SUBJECTS)('%s', (_name, startSubject) => {
  let subject: EngineSubject;
  let owner: Ownership;
  let engine: Engine;

  beforeAll(async () => {
    subject = await startSubject();
  });
  afterAll(() => subject.end());
  beforeEach(() => {
    owner = newOwner();
    engine = subject.connect(owner);
  });
  afterEach(() => subject.cleanUp(owner.prefix));

  const request = (changes: Partial<ContainerSpec> = {}, rest: Partial<CreateRequest> = {}): CreateRequest =>
    requestOf(subject, owner, changes, rest);
  const only = async (): Promise<ActualContainer> => {
    const containers = await engine.list();
    expect(containers).toHaveLength(1);
    return containers[0]!;
  };
  const until = async (is: (containers: readonly ActualContainer[]) => boolean): Promise<void> => {
    for (const endMs = Date.now() + 10_000; !is(await engine.list());) {
      if (Date.now() > endMs) throw new Error(`still ${JSON.stringify(await engine.list())}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const begin = async (changes: Partial<ContainerSpec> = {}, rest: Partial<CreateRequest> = {}): Promise<string> => {
    const id = await engine.create(request(changes, rest));
    await engine.start(id);
    return id;
  };

  test('says what the engine and its host are', async () => {
    const facts = await engine.facts();
    expect(facts).toMatchObject({
      os: 'linux',
      version: expect.any(String),
      apiVersion: expect.stringMatching(/^1\./),
    });
    expect(facts.nanoCpus).toBeGreaterThanOrEqual(1_000_000_000);
    expect(facts.memoryBytes).toBeGreaterThan(0);
    expect(await engine.bridgeAddress()).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
  });

  describe('list', () => {
    test('is empty for a new host', async () => {
      expect(await engine.list()).toEqual([]);
    });

    test('tells who a container is, before and after its start', async () => {
      const port = { name: 'http', target: 80, published: 0, protocol: 'tcp', hostIp: '' };
      const local = { ...port, name: 'admin', target: 81, hostIp: '127.0.0.1' };
      const id = await engine.create(request({ ports: [port, local] }, { publishedPorts: [28_411, 28_414] }));
      const identity = {
        ...{ id, instance: `web-1-${owner.host}`, service: 'web', slot: 1, release: 7, spec: '1:abc' },
        image: `web:1@sha256:${'a'.repeat(64)}`,
        ports: [
          { name: 'http', target: 80, published: 28_411, protocol: 'tcp' },
          { name: 'admin', target: 81, published: 28_414, protocol: 'tcp' },
        ],
        ...{ health: 'none', stopGracePeriodMs: GRACE_MS },
      };
      expect(await only()).toMatchObject({ ...identity, state: 'created', ranForMs: 0 });
      expect((await only()).exit).toBeUndefined();
      await engine.start(id);
      expect(await only()).toMatchObject({ ...identity, state: 'running' });
      // What it is bound to, Docker says of one that runs.
      expect((await only()).ports.map(({ hostIp }) => hostIp)).toEqual([undefined, '127.0.0.1']);
    });

    test.each([
      ['host', { host: 'other' }],
      ['prefix', { prefix: '/other' }],
    ])('leaves out containers of another %s', async (_what, other) => {
      await begin();
      expect(await subject.connect({ ...owner, ...other }).list()).toEqual([]);
      expect(await engine.list()).toHaveLength(1);
    });

    test('follows a container that exits by itself and is started again', async () => {
      const id = await begin({ command: COMMANDS.exits3 });
      await until(([container]) => container?.state === 'exited');
      const exited = await only();
      expect(exited.exit).toMatchObject({ code: 3, oomKilled: false });
      expect(exited.ranForMs).toBeGreaterThanOrEqual(250);
      await engine.start(id);
      const running = await only();
      expect(running).toMatchObject({ id, state: 'running' });
      expect(running.exit).toBeUndefined();
      expect(running.ranForMs).toBeLessThan(exited.ranForMs);
    });

    test('follows what others do to a container', async () => {
      const id = await begin();
      await subject.kill(id);
      await until(([container]) => container?.state === 'exited');
      expect((await only()).exit?.code).toBe(137);
      await subject.removeByForce(id);
      await until((containers) => containers.length === 0);
    });

    test('follows the health check', async () => {
      const check = { intervalMs: 200, timeoutMs: 5000, startPeriodMs: 0, retries: 1 };
      const id = await begin({ healthCheck: { ...check, test: ['CMD', 'test', '!', '-f', '/tmp/sick'] } });
      expect((await only()).health).toMatch(/^(starting|healthy)$/);
      await until(([container]) => container?.health === 'healthy');
      await subject.makeSick(id);
      await until(([container]) => container?.health === 'unhealthy');
      await engine.stop(id, 0);
      expect(await only()).toMatchObject({ state: 'exited', health: 'none' });
    });
  });

  describe('images', () => {
    test('are present or not', async () => {
      const present = await engine.presentImages([subject.image, 'berth-test/none:1', 'Not A Reference']);
      expect([...present]).toEqual([subject.image]);
      expect(await engine.presentImages([])).toEqual(new Set());
    });

    test('that nobody has are not pulled, and it is said', async () => {
      const pulling = engine.pull('127.0.0.1:1/none:1', pullOptions(never));
      await expect(pulling).rejects.toMatchObject({ code: expect.stringMatching(/^(no-such-image|pull-failed)$/) });
    });

    test('with a name mean what their registry says', async () => {
      const { reference, digest } = await subject.offer(`shop/web-${owner.host}:1`);
      expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(await engine.resolveDigest(reference, never)).toBe(digest);
      expect(await engine.presentImages([reference])).toEqual(new Set());
      await engine.pull(`${reference}@${digest}`, pullOptions(never));
      expect(await engine.presentImages([`${reference}@${digest}`])).toEqual(new Set([`${reference}@${digest}`]));
      await engine.removeImage(`${reference}@${digest}`);
      const other = engine.resolveDigest(reference.replace(/1$/, 'none'), never);
      await expectEngineError(other, 'no-such-image', /manifest unknown/);
      await expectEngineError(engine.resolveDigest(reference, AbortSignal.abort()), 'pull-failed', /cancelled/);
    });

    test('of which no registry knows mean nothing, and it is said', async () => {
      const asking = engine.resolveDigest('127.0.0.1:1/none:1', never);
      await expect(asking).rejects.toMatchObject({ code: expect.stringMatching(/^(no-such-image|pull-failed)$/) });
    });

    test('are not pulled for one who gave up before', async () => {
      await expectEngineError(engine.pull(subject.image, pullOptions(AbortSignal.abort())), 'pull-failed', /cancelled/);
    });
  });

  describe('start', () => {
    test('of a running container is success', async () => {
      const id = await begin();
      await engine.start(id);
      expect((await only()).state).toBe('running');
    });

    test('of a container that is gone says so', async () => {
      await expectEngineError(engine.start('f'.repeat(64)), 'no-such-container');
    });

    test('of a command that is not in the image says so, and leaves the container', async () => {
      const id = await engine.create(request({ command: COMMANDS.notThere }));
      await expectEngineError(engine.start(id), 'bad-request', /^exec: "no-such-program".*not found/);
      expect((await only()).state).toBe('created');
    });

    test('on a port that a container publishes says which', async () => {
      const port = { name: '', target: 80, published: 0, protocol: 'tcp', hostIp: '' };
      const rest = { publishedPorts: [28_412] };
      await begin({ ports: [port] }, rest);
      const second = await engine.create(
        request({ ports: [port] }, { ...rest, instance: `web-2-${owner.host}`, slot: 2 }),
      );
      await expectEngineError(engine.start(second), 'port-taken', new RegExp(`28412 .*berth-web-1-${owner.host}`));
    });

    test('on a port that a process has says which', async () => {
      const [published, release] = await subject.occupyPort();
      try {
        const port = { name: '', target: 80, published, protocol: 'tcp', hostIp: '' };
        const id = await engine.create(request({ ports: [port] }, { publishedPorts: [published] }));
        await expectEngineError(engine.start(id), 'port-taken', new RegExp(`${published} .*process ${process.pid}`));
      } finally {
        await release();
      }
    });
  });

  test('a port is free, or somebody has it', async () => {
    expect(await engine.whoHasPort(28_413, 'tcp', '')).toBeUndefined();
    const port = { name: '', target: 80, published: 0, protocol: 'tcp', hostIp: '' };
    const id = await begin({ ports: [port] }, { publishedPorts: [28_413] });
    expect(await (await engine.whoHasPort(28_413, 'tcp', ''))?.describe()).toContain(`berth-web-1-${owner.host}`);
    expect(await engine.whoHasPort(28_413, 'udp', '')).toBeUndefined();
    await engine.stop(id, 0);
    expect(await engine.whoHasPort(28_413, 'tcp', '')).toBeUndefined();
  });

  describe('stop', () => {
    test('lets a container end by itself', async () => {
      const id = await begin({ command: COMMANDS.obedient });
      const startedMs = Date.now();
      await engine.stop(id, GRACE_MS);
      expect(Date.now() - startedMs).toBeLessThan(GRACE_MS / 2);
      expect((await only()).exit?.code).toBe(143);
    });

    test('kills one that does not, after its grace', async () => {
      const id = await begin({ command: COMMANDS.stubborn });
      const startedMs = Date.now();
      await engine.stop(id, 1000);
      expect(Date.now() - startedMs).toBeGreaterThanOrEqual(950);
      expect(await only()).toMatchObject({ state: 'exited', exit: { code: 137 } });
    });

    test('of what is stopped, never started or gone is success', async () => {
      const id = await engine.create(request());
      await engine.stop(id, GRACE_MS);
      expect((await only()).state).toBe('created');
      await engine.start(id);
      await engine.stop(id, 0);
      await engine.stop(id, GRACE_MS);
      await engine.remove(id);
      await engine.stop(id, GRACE_MS);
    });
  });

  describe('remove', () => {
    test('never takes a running container', async () => {
      const id = await begin();
      await expectEngineError(engine.remove(id), 'bad-request', /running/);
      expect((await only()).state).toBe('running');
    });

    test('takes one that is down; of one that is gone it is success', async () => {
      const id = await begin();
      await engine.stop(id, 0);
      await engine.remove(id);
      expect(await engine.list()).toEqual([]);
      await engine.remove(id);
    });
  });
});

const never = new AbortController().signal;
const pullOptions = (signal: AbortSignal): PullOptions => ({ platform: '', signal, onProgress: () => undefined });
