/** The loop, where containers exit, turn unhealthy or wait: what is told of it, when, and of which run. */
import { desiredOf, releaseOf } from '../test/support/desired';
import { loopHosts, over, type LoopHost, type LoopHostOptions } from '../test/support/loop-host';
import type { InstanceStatus, Release } from '../lib/documents/types';
import { EngineError, type Engine } from './docker/engine';

const make = loopHosts();
const WEB = releaseOf('web');
const CHECKED = releaseOf('web', { hasCheck: true });
const ILL = { afterMs: 1000, status: 'unhealthy' } as const;

test('why it was restarted last is told as long as it runs, also by the next agent', async () => {
  const host = make();
  await host.want(desiredOf({ 'web-1': CHECKED }), 10_000);
  expect(host.statusOf('web-1')).toMatchObject({ restarts: 0, lastRestartReason: '' });
  const { id } = host.containerOf('web-1')!;
  host.docker.setHealth(id, 'unhealthy');
  await host.clock.advance(60_000);
  const ill = { restarts: 1, reason: '', lastRestartReason: 'unhealthy: the simulated check fails' };
  expect(host.statusOf('web-1')).toMatchObject(ill);
  const next = host.restart();
  await next.want(desiredOf({ 'web-1': CHECKED }), 60_000);
  expect(next.statusOf('web-1')).toMatchObject(ill);
  next.docker.exit(id, 3);
  await next.clock.advance(60_000);
  expect(next.statusOf('web-1')).toMatchObject({ restarts: 2, reason: '', lastRestartReason: 'exited with code 3' });
});

test.each<[string, LoopHostOptions['program'], Release, string]>([
  [
    'restart',
    () => ({ health: ILL }),
    releaseOf('web', { hasCheck: true, policy: { maxAttempts: 2 } }),
    'unhealthy: the simulated check fails; left running, since given up after 2 restarts in a row',
  ],
  [
    'start',
    () => ({ exitsAfterMs: 1000, exitCode: 3 }),
    releaseOf('web', { policy: { maxAttempts: 2 } }),
    'given up after 2 restarts in a row',
  ],
])(
  'while the last %s of its attempts is under way, it is not given up yet',
  async (kind, program, release, givenUp) => {
    const host = make({ ...(program && { program }) });
    await host.want(desiredOf({ 'web-1': release }), 60_000);
    expect(host.timesOf(`${kind} web-1`)).toHaveLength(2);
    expect(host.statusOf('web-1')).toMatchObject({ restarts: 2, reason: givenUp });
    const early = host.statuses
      .map(({ instances }) => instances['web-1'])
      .filter((one): one is InstanceStatus => one !== undefined && one.restarts < 2);
    expect(early.filter(({ reason, phase }) => reason.includes('given up') || phase === 'STOPPED')).toEqual([]);
  },
);

test.each<[string, (host: LoopHost, id: string) => void, Partial<InstanceStatus>]>([
  ['has done its work by then', ({ docker }, id) => docker.exit(id, 0), { phase: 'STOPPED', restarts: 0 }],
  ['is well by then', ({ docker }, id) => docker.setHealth(id, 'healthy'), { phase: 'RUNNING', restarts: 0 }],
  ['is as ill by then', () => undefined, { phase: 'RUNNING', restarts: 1 }],
])('a restart for ill health that waits to be out of etcd, of what %s', async (_, meanwhile, told) => {
  const outs: (() => void)[] = [];
  const host = make({ withdraw: () => new Promise((resolve) => void outs.push(resolve)) });
  const release = releaseOf('web', { hasCheck: true, policy: { condition: 'on-failure' } });
  await host.want(desiredOf({ 'web-1': release }), 10_000);
  const { id } = host.containerOf('web-1')!;
  host.docker.setHealth(id, 'unhealthy');
  await host.clock.advance(2000);
  expect([host.begun.at(-1), outs.length]).toEqual(['restart web-1', 1]);
  meanwhile(host, id);
  await host.clock.advance(2000);
  outs[0]!();
  await host.clock.advance(60_000);
  expect(host.statusOf('web-1')).toMatchObject(told);
  expect([host.failures, host.timesOf('restart web-1').length, outs.length]).toEqual([[], 1, 1]);
});

test('what waits for what it depends on is made when a minute is over, though nothing happens', async () => {
  const hanging = (engine: Engine): Engine =>
    over(engine, {
      create: (request) => (request.service === 'db' ? new Promise(() => undefined) : engine.create(request)),
    });
  const host = make({ wrap: hanging });
  const api = releaseOf('api');
  const wanted = { 'api-1': { ...api, deploy: { ...api.deploy, dependsOn: ['db'] } }, 'db-1': releaseOf('db') };
  const startedMs = host.clock.monotonicMs();
  await host.want(desiredOf(wanted), 59_000);
  expect(host.timesOf('create api-1')).toEqual([]);
  await host.clock.advance(120_000);
  expect(host.timesOf('create api-1')[0]! - startedMs).toBeLessThan(61_000);
});

test('an update that fails when nobody wants it any more is forgotten: it is no reason for anything later', async () => {
  const slow = (engine: Engine): Engine =>
    over(engine, {
      update: () =>
        new Promise((_, reject) => void host.clock.after(5000, () => reject(new EngineError('bad-request', 'no')))),
    });
  const host = make({ wrap: slow });
  await host.want(desiredOf({ 'web-1': WEB }), 2000);
  const limited = releaseOf('web', {
    number: 2,
    container: { limits: { nanoCpus: 0, memoryBytes: 7e6, pids: 0 } },
  });
  await host.want(desiredOf({ 'web-1': limited }), 1000);
  expect(host.begun.at(-1)).toBe('update web-1');
  await host.want(desiredOf({ 'web-1': releaseOf('web', { number: 3 }) }), 60_000);
  expect(host.failures).toEqual(['no']);
  expect(host.loop.memory.instances.get('web-1')?.isFailing).toBe(false);
  expect(host.loop.memory.failureOf('web-1')?.error).toBeUndefined();
  host.statuses.length = 0;
  host.docker.exit(host.containerOf('web-1')!.id, 3);
  await host.clock.advance(60_000);
  expect(host.statuses.map(({ instances }) => instances['web-1']?.phase)).not.toContain('FAILED');
  expect(host.statusOf('web-1')).toMatchObject({ phase: 'RUNNING', restarts: 1 });
});

describe('an exit of which Docker does not say when it was', () => {
  let isHung: boolean;
  const listed = (engine: Engine): Engine =>
    over(engine, {
      list: async () =>
        (await engine.list()).map((one) =>
          isHung ? { ...one, startedAtMs: 0, ranForMs: 0, ...(one.exit && { exit: { ...one.exit, atMs: 0 } }) } : one,
        ),
    });
  beforeEach(() => (isHung = false));

  test('is the same one when Docker says it: one delay, and its log is read then', async () => {
    const policy = { delayMs: 20_000 };
    const host = make({ wrap: listed });
    await host.want(desiredOf({ 'web-1': releaseOf('web', { policy }) }), 2000);
    isHung = true;
    host.docker.exit(host.containerOf('web-1')!.id, 3);
    const exitedMs = host.clock.monotonicMs();
    await host.clock.advance(10_000);
    expect(host.statusOf('web-1')).toMatchObject({ phase: 'BACKOFF', lastExit: { code: 3, atMs: 0 } });
    isHung = false;
    host.loop.wake();
    await host.clock.advance(2000);
    const { lastExit } = host.statusOf('web-1')!;
    expect(lastExit).toMatchObject({ code: 3, log: ['exits with 3'] });
    expect(lastExit!.atMs).toBeGreaterThan(0);
    await host.clock.advance(60_000);
    expect(host.timesOf('start web-1')).toHaveLength(1);
    expect(host.timesOf('start web-1')[0]! - exitedMs).toBeLessThan(21_000);
    expect(host.statusOf('web-1')).toMatchObject({ phase: 'RUNNING', restarts: 1 });
  });

  test('is the known one, when Docker had said it before: its time and its log stay in the status', async () => {
    const host = make({ wrap: listed });
    await host.want(desiredOf({ 'web-1': releaseOf('web', { policy: { condition: 'none' } }) }), 2000);
    host.docker.exit(host.containerOf('web-1')!.id, 3);
    await host.clock.advance(2000);
    const told = host.statusOf('web-1');
    expect(told?.lastExit?.log).toEqual(['exits with 3']);
    for (const hung of [true, false]) {
      isHung = hung;
      host.loop.wake();
      await host.clock.advance(2000);
      expect(host.statusOf('web-1')).toEqual(told);
    }
  });

  test('is another one when it has run in between', async () => {
    const host = make({ wrap: listed });
    await host.want(desiredOf({ 'web-1': WEB }), 2000);
    isHung = true;
    for (const restarts of [1, 2, 3]) {
      host.docker.exit(host.containerOf('web-1')!.id, 3);
      await host.clock.advance(10_000);
      expect(host.statusOf('web-1')).toMatchObject({ phase: 'RUNNING', restarts });
    }
    const times = host.timesOf('start web-1');
    // The third one waits for longer than the second.
    expect(host.loop.memory.kept.get('web-1')?.restartDelayMs).toBeGreaterThan(1500);
    expect(times).toHaveLength(3);
  });
});

test('the last lines of a crash are of the run that crashed, not of one that was restarted in place before it', async () => {
  const pausing = (engine: Engine): Engine =>
    over(engine, {
      restart: async (id, graceMs) => {
        await engine.stop(id, graceMs);
        await new Promise<void>((resolve) => void host.clock.after(300, resolve));
        await engine.start(id);
      },
    });
  const host = make({ wrap: pausing, program: () => ({ log: ['starting'] }) });
  await host.want(desiredOf({ 'web-1': CHECKED }), 10_000);
  const { id, written } = host.containerOf('web-1')!;
  host.docker.setHealth(id, 'unhealthy');
  // No pass sees it while it is down.
  host.docker.losesEvents = true;
  await host.clock.advance(10_000);
  host.docker.losesEvents = false;
  host.docker.exit(id, 3);
  await host.clock.advance(2000);
  expect(written.map(({ line }) => line)).toEqual([
    ...['starting', 'exits with 143', 'starting', 'exits with 3', 'starting'],
  ]);
  expect(host.statusOf('web-1')?.lastExit?.log).toEqual(['starting', 'exits with 3']);
});

describe('an exit for memory, of which Docker tells later than of the exit', () => {
  let toldMs: number | undefined;
  const late = (engine: Engine): Engine =>
    over(engine, {
      list: async () =>
        (await engine.list()).map((one) => (toldMs === undefined ? one : { ...one, outOfMemoryMs: toldMs })),
    });
  beforeEach(() => (toldMs = undefined));

  test.each<[string, number, boolean]>([
    ['a moment later', 400, true],
    ['long after, which is of another run', 20_000, false],
  ])('is told as such, also when it runs again: %s', async (_when, afterMs, isForMemory) => {
    const host = make({ wrap: late });
    await host.want(desiredOf({ 'web-1': WEB }), 2000);
    const exitedMs = host.clock.wallMs();
    host.docker.exit(host.containerOf('web-1')!.id, 137);
    await host.clock.advance(25_000);
    const killed = { phase: 'RUNNING', restarts: 1, lastRestartReason: 'ended by SIGKILL (exit code 137)' };
    expect(host.statusOf('web-1')).toMatchObject({ ...killed, lastExit: { code: 137, oomKilled: false } });
    toldMs = exitedMs + afterMs;
    host.loop.wake();
    await host.clock.advance(2000);
    const reason = isForMemory ? 'killed for running out of memory (exit code 137)' : killed.lastRestartReason;
    expect(host.statusOf('web-1')).toMatchObject({
      ...{ ...killed, lastRestartReason: reason },
      lastExit: { code: 137, oomKilled: isForMemory, log: ['exits with 137'] },
    });
    expect(host.timesOf('start web-1')).toHaveLength(1);
  });
});
