/** A `before` job in the loop: it runs once, and what came of it is told. */
import { desiredOf, jobReleaseOf, releaseOf, withJob } from '../test/support/desired';
import { LATENCY, loopHosts, over, type LoopHost, type LoopHostOptions } from '../test/support/loop-host';
import type { ContainerSpec } from '../lib/documents/types';
import { EngineError } from './docker/engine';
import type { Program } from './docker/simulated/memory-container';
import type { KeptInstance, MemoryCopy } from './memory/memory-copy';

const make = loopHosts();
const ID = 'web-before-1';
const RUN_MS = 5000;
const WANTED = withJob(desiredOf({}), ID, jobReleaseOf('web', { hostPorts: [8080], hasCheck: true }));

const ending = (exitCode: number): LoopHostOptions => ({
  program: ({ command }: ContainerSpec): Program =>
    command[0] === 'migrate' ? { exitsAfterMs: RUN_MS, exitCode, log: ['step 1', 'step 2'] } : {},
});
/** How often anything was started in a container of the job. */
function countRuns(host: LoopHost): () => number {
  let runs = 0;
  const start = host.docker.start.bind(host.docker);
  host.docker.start = (container) => {
    if (container.state !== 'running') runs++;
    start(container);
  };
  return () => runs;
}

test.each([
  ['succeeds', 0],
  ['fails', 3],
])('one that %s runs once, and its end is told with its last lines', async (_, code) => {
  const host = make(ending(code));
  const runs = countRuns(host);
  await host.want(WANTED, 2000);
  expect(host.statusOf(ID)).toMatchObject({ phase: 'RUNNING', health: 'none', slot: 0, reason: '', ports: [] });
  host.statuses.length = 0;
  await host.clock.advance(10 * 60_000);
  expect(host.statusOf(ID)).toMatchObject({
    phase: 'STOPPED',
    lastExit: { code, log: ['step 1', 'step 2', `exits with ${code}`] },
    reason: `it has run: exited with code ${code}; a before job is run once`,
    restarts: 0,
  });
  const told = host.statuses.filter(({ instances }) => instances[ID]?.phase === 'STOPPED');
  expect(told.every(({ instances }) => instances[ID]!.lastExit!.log.length === 3)).toBe(true);
  expect(runs()).toBe(1);
  await host.want(desiredOf({}), 2000);
  expect(host.containerOf(ID)).toBeUndefined();
  expect(host.begun).toEqual([`create ${ID}`, `remove ${ID}`]);
  expect(host.loop.memory.kept.size).toBe(0);
});

test('has no port, no hooks and no restarts, runs beside the instances, and goes before what it made way for', async () => {
  const host = make(ending(0));
  const web = releaseOf('web', { hostPorts: [8080] });
  await host.want(withJob(desiredOf({ 'web-1': web }), ID, jobReleaseOf('web', { hostPorts: [8080] })), 3000);
  expect(host.statusOf('web-1')?.phase).toBe('RUNNING');
  expect(host.statusOf(ID)?.phase).toBe('RUNNING');
});

describe('an agent that starts again', () => {
  test('adopts one that runs', async () => {
    const host = make(ending(0));
    const runs = countRuns(host);
    await host.want(WANTED, 2000);
    const next = host.restart();
    await next.want(WANTED, RUN_MS + 1000);
    expect(next.statusOf(ID)).toMatchObject({ phase: 'STOPPED', lastExit: { code: 0 } });
    expect(runs()).toBe(1);
    expect(next.begun).toEqual([]);
  });

  test('leaves one that has run alone, also when somebody has tidied it up', async () => {
    const host = make(ending(3));
    const runs = countRuns(host);
    await host.want(WANTED, RUN_MS + 2000);
    const id = host.containerOf(ID)!.id;
    const next = host.restart();
    host.docker.removeByForce(id);
    await next.want(WANTED, 10 * 60_000);
    expect(next.statusOf(ID)).toMatchObject({
      phase: 'STOPPED',
      lastExit: { code: 3 },
      reason: 'it was begun, and somebody removed its container; a before job is run once',
    });
    expect(runs()).toBe(1);
  });

  test('makes one anew that was begun and never started, once it can not start any more', async () => {
    const host = make({ ...ending(0), wrap: (engine) => over(engine, { start: () => new Promise(() => undefined) }) });
    await host.want(WANTED, 2000);
    expect(host.containerOf(ID)?.state).toBe('created');
    const next = make({ ...ending(0), after: host });
    host.loop.stop();
    await next.want(WANTED, 60_000);
    expect(next.statusOf(ID)).toMatchObject({
      phase: 'STARTING',
      reason: expect.stringMatching(/^Docker was told to start/),
    });
    expect(next.begun).toEqual([]);
    const runs = countRuns(next);
    await next.clock.advance(60_000);
    expect(next.begun).toEqual([`remove ${ID}`, `create ${ID}`]);
    expect(next.statusOf(ID)).toMatchObject({ phase: 'STOPPED', lastExit: { code: 0 } });
    expect(runs()).toBe(1);
  });
});

test('a start that Docker refuses is tried again: nothing has run', async () => {
  let refusals = 3;
  const host = make({
    ...ending(0),
    wrap: (engine) =>
      over(engine, {
        start: (id) =>
          refusals-- > 0 ? Promise.reject(new EngineError('bad-request', 'exec: not found')) : engine.start(id),
      }),
  });
  const runs = countRuns(host);
  await host.want(WANTED, 500);
  expect(host.statusOf(ID)).toMatchObject({ phase: 'FAILED', reason: 'create failed: exec: not found' });
  await host.clock.advance(60_000);
  expect(host.statusOf(ID)).toMatchObject({ phase: 'STOPPED', lastExit: { code: 0 } });
  expect(runs()).toBe(1);
});

test.each([
  ['did it', 0],
  ['will do it', 30_000],
])('a start that Docker does not answer, and %s, is not asked for again', async (_, lateMs) => {
  const host = make({
    ...ending(0),
    wrap: (engine) =>
      over(engine, {
        start: (id) => {
          host.clock.after(lateMs, () => void engine.start(id));
          return Promise.reject(new EngineError('timeout', 'Docker did not answer "start" within 60 s'));
        },
      }),
  });
  const runs = countRuns(host);
  await host.want(WANTED, 5 * 60_000);
  expect(host.statusOf(ID)).toMatchObject({ phase: 'STOPPED', lastExit: { code: 0 } });
  expect(runs()).toBe(1);
});

test('with a full disk, on which its begin can not be noted, it does not run; with room again it does', async () => {
  let isFull = true;
  let saved: ReadonlyMap<string, KeptInstance> = new Map();
  const memoryCopy: MemoryCopy = {
    load: () => Promise.resolve(saved),
    save: (kept) => (isFull ? Promise.reject(new Error('ENOSPC')) : Promise.resolve(void (saved = kept))),
  };
  const host = make({ ...ending(0), memoryCopy });
  const runs = countRuns(host);
  await host.want(WANTED, 60_000);
  expect(runs()).toBe(0);
  expect(host.statusOf(ID)).toMatchObject({
    phase: 'FAILED',
    reason: "create failed: that it is begun can't be noted on disk, so that it is not run: ENOSPC",
  });
  isFull = false;
  await host.clock.advance(2 * 60_000);
  expect(host.statusOf(ID)).toMatchObject({ phase: 'STOPPED', lastExit: { code: 0 } });
  expect(runs()).toBe(1);
});

test('is not begun before it is on disk that it is', async () => {
  const order: string[] = [];
  const memoryCopy: MemoryCopy = {
    load: () => Promise.resolve(new Map()),
    save: async (kept) => void order.push(`saved ${kept.get(ID)?.isBegun}`),
  };
  const host = make({
    ...{ ...ending(0), memoryCopy, latencyMs: LATENCY },
    wrap: (engine) => over(engine, { start: (id) => (order.push('started'), engine.start(id)) }),
  });
  await host.want(WANTED, 2000);
  expect(order.slice(0, 2)).toEqual(['saved true', 'started']);
});
