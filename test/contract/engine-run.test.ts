/** What every Engine promises of a container's runs: restarts, limits that change meanwhile, what it wrote, how it ended. */
import { NOTHING_TO_LEAVE, type ActualContainer, type AppliedLimits } from '../../agent/plan/types';
import type { CreateRequest, Engine } from '../../agent/docker/engine';
import type { ContainerSpec } from '../../lib/documents/types';
import { hookOf } from '../support/desired';
import {
  COMMANDS,
  deploySpec,
  ENGINE_SUBJECTS,
  expectEngineError,
  newOwner,
  requestOf,
  type EngineSubject,
} from '../support/engine-subjects';

const MIB = 1024 ** 2;
const PORT = { name: '', target: 80, published: 0, protocol: 'tcp', hostIp: '' };
const LIMITS: AppliedLimits = { nanoCpus: 1e9, memoryBytes: 64 * MIB, pids: 30, memoryReservationBytes: 32 * MIB };

describe.each(ENGINE_SUBJECTS)('%s', (_name, startSubject) => {
  let subject: EngineSubject;
  let owner: ReturnType<typeof newOwner>;
  let engine: Engine;
  beforeAll(async () => void (subject = await startSubject()));
  beforeEach(() => {
    owner = newOwner();
    engine = subject.connect(owner);
  });
  afterEach(() => subject.cleanUp(owner.prefix));

  const begin = async (changes: Partial<ContainerSpec> = {}, rest: Partial<CreateRequest> = {}): Promise<string> => {
    const id = await engine.create(requestOf(subject, owner, changes, rest));
    await engine.start(id);
    return id;
  };
  const only = async (): Promise<ActualContainer> => {
    const containers = await engine.list();
    expect(containers).toHaveLength(1);
    return containers[0]!;
  };
  const exited = async (): Promise<ActualContainer> => {
    for (const endMs = Date.now() + 20_000; Date.now() < endMs;) {
      const container = await only();
      if (container.state === 'exited') return container;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('it still runs');
  };

  describe('list', () => {
    test('tells of a run when it began, and where it is reached', async () => {
      const beforeMs = Date.now();
      await begin();
      const { startedAtMs, address } = await only();
      expect(startedAtMs).toBeGreaterThanOrEqual(beforeMs - 1);
      expect(startedAtMs).toBeLessThanOrEqual(Date.now() + 1);
      expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    });

    test('tells what has to be done before it is stopped', async () => {
      const preStop = [{ ...hookOf('leave'), environment: { A: 'b' } }];
      const deploy = deploySpec({ dependsOn: ['db'] });
      const id = await begin({ drainMs: 1500, preStop }, { deploy });
      expect((await only()).leave).toEqual({ drainMs: 1500, preStop, dependsOn: ['db'] });
      await engine.stop(id, 0);
      await engine.remove(id);
      await begin();
      expect((await only()).leave).toEqual(NOTHING_TO_LEAVE);
    });

    test('tells the limits that it was made with', async () => {
      const { memoryReservationBytes, ...limits } = LIMITS;
      const deploy = deploySpec({ reservations: { nanoCpus: 0, memoryBytes: memoryReservationBytes, resources: {} } });
      await begin({ limits }, { deploy });
      expect((await only()).limits).toEqual(LIMITS);
    });

    test('tells by which signal a run ended', async () => {
      await subject.kill(await begin());
      expect((await exited()).exit).toMatchObject({ code: 137, signal: 'SIGKILL', oomKilled: false });
    });

    test('tells that it was for memory', async () => {
      const watching = new AbortController();
      engine.watch(() => undefined, watching.signal);
      await begin({ command: COMMANDS.eatsMemory, limits: { nanoCpus: 0, memoryBytes: 24 * MIB, pids: 0 } });
      // Docker may tell so later than it tells of the exit.
      for (const endMs = Date.now() + 10_000; (await exited()).exit?.oomKilled !== true && Date.now() < endMs;)
        await new Promise((resolve) => setTimeout(resolve, 20));
      watching.abort();
      expect((await exited()).exit).toMatchObject({ code: 137, oomKilled: true });
    });
  });

  describe('update', () => {
    test('changes limits and takes them away, and the run goes on', async () => {
      const id = await begin();
      const { startedAtMs } = await only();
      await engine.update(id, LIMITS);
      expect(await only()).toMatchObject({ id, startedAtMs, state: 'running', limits: LIMITS });
      const lower = { nanoCpus: 500_000_000, memoryBytes: 32 * MIB, pids: 20, memoryReservationBytes: 16 * MIB };
      await engine.update(id, lower);
      expect((await only()).limits).toEqual(lower);
      const { nanoCpus, memoryBytes } = await engine.facts();
      const none = { nanoCpus, memoryBytes, pids: 4096, memoryReservationBytes: 0 };
      await engine.update(id, none);
      expect(await only()).toMatchObject({ id, startedAtMs, state: 'running' });
      expect((await only()).limits).toMatchObject({ nanoCpus, memoryBytes, pids: 4096 });
    });

    test('changes those of an exited container: its next run has them', async () => {
      const id = await begin();
      await engine.stop(id, 0);
      await engine.update(id, LIMITS);
      await engine.start(id);
      expect(await only()).toMatchObject({ id, state: 'running', limits: LIMITS });
    });

    test('of a container that is gone says so', async () => {
      await expectEngineError(engine.update('f'.repeat(64), LIMITS), 'no-such-container');
    });
  });

  describe('restart', () => {
    test('is another run of the same container', async () => {
      const id = await begin();
      const { startedAtMs, previousExitMs } = await only();
      expect(previousExitMs).toBe(0);
      await engine.restart(id, 0);
      const again = await only();
      expect(again).toMatchObject({ id, state: 'running' });
      expect(again.startedAtMs).toBeGreaterThan(startedAtMs);
      expect(again.exit).toBeUndefined();
      expect(again.previousExitMs).toBeGreaterThanOrEqual(startedAtMs);
      expect(again.previousExitMs).toBeLessThanOrEqual(again.startedAtMs);
      await engine.stop(id, 0);
      expect(await only()).toMatchObject({ state: 'exited', previousExitMs: 0 });
    });

    test('starts one that is down', async () => {
      const id = await begin();
      await engine.stop(id, 0);
      await engine.restart(id, 0);
      expect((await only()).state).toBe('running');
    });

    test('of a container that is gone says so', async () => {
      await expectEngineError(engine.restart('f'.repeat(64), 0), 'no-such-container');
    });

    test('on a port that was taken meanwhile says by whom', async () => {
      const rest = { publishedPorts: [28_421] };
      const id = await begin({ ports: [PORT] }, rest);
      await engine.stop(id, 0);
      await begin({ ports: [PORT] }, { ...rest, instance: `web-2-${owner.host}`, slot: 2 });
      await expectEngineError(engine.restart(id, 0), 'port-taken', new RegExp(`28421 .*berth-web-2-${owner.host}`));
    });
  });

  describe.each([
    ['with', true],
    ['without', false],
  ])('the log of one %s a terminal', (_, tty) => {
    /** Docker stamps lines a little after they were written. */
    const written = async (id: string): Promise<void> => {
      for (const endMs = Date.now() + 10_000; Date.now() < endMs;) {
        if ((await tail(id, { lines: 10 })).length >= 3) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const tail = (id: string, { lines = 10, sinceMs = 0, untilMs = Date.now() + 1000 }): Promise<readonly string[]> =>
      engine.logTail(id, { lines, sinceMs, untilMs });

    test('is its last lines, the oldest first, of the time that was asked for', async () => {
      const beforeMs = Date.now() - 1000;
      const id = await begin({ command: COMMANDS.talks, tty });
      await written(id);
      expect(await tail(id, {})).toEqual(['one', 'two', 'three']);
      expect(await tail(id, { lines: 2 })).toEqual(['two', 'three']);
      expect(await tail(id, { untilMs: beforeMs })).toEqual([]);
      expect(await tail(id, { sinceMs: Date.now() + 60_000, untilMs: Date.now() + 120_000 })).toEqual([]);
    });
  });
});
