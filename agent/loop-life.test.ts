/** The loop, from end to end on a simulated engine: draining, hooks, limits, ill health, pauses, what a restart remembers. */
import { desiredOf, hookOf, releaseOf } from '../test/support/desired';
import { LATENCY, loopHosts, over, type LoopHost } from '../test/support/loop-host';
import type { ContainerSpec, Pause, Release } from '../lib/documents/types';
import { EngineError, type Engine } from './docker/engine';

const make = loopHosts();
const HOOK = hookOf('/bin/bye');
const WEB = releaseOf('web');
const withContainer = (container: Partial<ContainerSpec>): Release => releaseOf('web', { container });
const DRAINING = withContainer({ preStop: [HOOK], drainMs: 5000 });
const spanOf = (host: LoopHost, from: string, to: string): number => host.timesOf(to)[0]! - host.timesOf(from)[0]!;

function phasesOf(host: LoopHost, instance = 'web-1'): string {
  const seen = host.statuses.map(({ instances }) => instances[instance]).filter((one) => one !== undefined);
  const texts = seen.map(({ phase, progress }) => (progress === '' ? phase : `${phase} (${progress})`));
  return texts.filter((text, index) => text !== texts[index - 1]).join(', ');
}

describe('a stop', () => {
  test('is a hook, the drain time, the signal, the removal, each to be seen', async () => {
    const host = make();
    await host.want(desiredOf({ 'web-1': DRAINING }), 2000);
    const { commands } = host.containerOf('web-1')!;
    host.statuses.length = 0;
    await host.want(desiredOf({}), 10_000);
    expect(host.begun.slice(1)).toEqual(['drain web-1', 'stop web-1', 'remove web-1']);
    expect(commands).toEqual(['/bin/bye']);
    expect(spanOf(host, 'drain web-1', 'stop web-1')).toBeGreaterThanOrEqual(5000);
    expect(phasesOf(host)).toBe(
      'DRAINING, DRAINING (hook 1 of 1 (/bin/bye)), DRAINING (drain wait of 5 s), ' +
        'STOPPING, STOPPING (stop signal sent; SIGKILL after 10 s), STOPPING',
    );
  });

  test('goes on when its hook fails, and says so', async () => {
    const host = make({ program: () => ({ execCode: 7 }) });
    await host.want(desiredOf({ 'web-1': DRAINING }), 2000);
    await host.want(desiredOf({}), 10_000);
    expect(host.docker.containers.size).toBe(0);
    expect(phasesOf(host)).toContain('drain wait of 5 s; hook 1 of 1 (/bin/bye) exited with code 7');
  });

  test('is called off when the instance is to stay after all: it runs on', async () => {
    const host = make();
    await host.want(desiredOf({ 'web-1': DRAINING }), 2000);
    const { id } = host.containerOf('web-1')!;
    await host.want(desiredOf({}), 2000);
    expect(host.statusOf('web-1')?.phase).toBe('DRAINING');
    await host.want(desiredOf({ 'web-1': DRAINING }), 20_000);
    expect(host.containerOf('web-1')).toMatchObject({ id, state: 'running' });
    expect(host.begun).not.toContain('stop web-1');
    expect(host.statusOf('web-1')).toMatchObject({ phase: 'RUNNING', reason: '', progress: '' });
  });

  test('that was called off drains anew the next time', async () => {
    const failing = (engine: Engine): Engine =>
      over(engine, { stop: () => Promise.reject(new EngineError('other', 'not now')) });
    const host = make({ wrap: failing });
    await host.want(desiredOf({ 'web-1': DRAINING }), 2000);
    await host.want(desiredOf({}), 6000);
    expect(host.begun.at(-1)).toBe('stop web-1');
    await host.want(desiredOf({ 'web-1': DRAINING }), 1000);
    await host.want(desiredOf({}), 1000);
    expect(host.begun.at(-1)).toBe('drain web-1');
  });

  test('of one holds up no other (G6)', async () => {
    const host = make();
    const ids = Array.from({ length: 20 }, (_, index) => `web-${index + 1}`);
    await host.want(desiredOf(Object.fromEntries(ids.map((id) => [id, DRAINING]))), 10_000);
    await host.want(desiredOf({ 'api-1': releaseOf('api') }), 1000);
    expect(host.containerOf('api-1')?.state).toBe('running');
    await host.clock.advance(6000);
    expect(host.docker.containers.size).toBe(1);
  });
});

test('limits change in place: the container stays what it is', async () => {
  const host = make();
  await host.want(desiredOf({ 'web-1': WEB }), 2000);
  const { id, startedMs } = host.containerOf('web-1')!;
  const limited = { ...withContainer({ limits: { nanoCpus: 5e8, memoryBytes: 64e6, pids: 9 } }), number: 2 };
  await host.want(desiredOf({ 'web-1': limited }), 2000);
  expect(host.begun.slice(1)).toEqual(['update web-1']);
  expect(host.containerOf('web-1')).toMatchObject({
    id,
    startedMs,
    limits: { nanoCpus: 5e8, memoryBytes: 64e6, pids: 9 },
  });
  expect(host.statusOf('web-1')).toMatchObject({ phase: 'RUNNING', release: 2, reason: '' });
});

test('limits that Docker refuses are told, tried again with backoff, and the container runs on', async () => {
  const refused = (engine: Engine): Engine =>
    over(engine, { update: () => Promise.reject(new EngineError('bad-request', 'no')) });
  const host = make({ wrap: refused });
  await host.want(desiredOf({ 'web-1': WEB }), 2000);
  await host.want(
    desiredOf({ 'web-1': withContainer({ limits: { nanoCpus: 0, memoryBytes: 7e6, pids: 0 } }) }),
    60_000,
  );
  expect(host.statusOf('web-1')).toMatchObject({ phase: 'RUNNING', reason: 'update failed: no' });
  expect(host.timesOf('update web-1').length).toBeLessThan(8);
});

describe('post_start hooks', () => {
  const release = withContainer({ postStart: [HOOK] });
  test('run after every start, once', async () => {
    const host = make();
    await host.want(desiredOf({ 'web-1': release }), 60_000);
    const { commands, id } = host.containerOf('web-1')!;
    expect(commands).toEqual(['/bin/bye']);
    expect(host.statusOf('web-1')?.phase).toBe('RUNNING');
    host.docker.exit(id, 1);
    await host.clock.advance(60_000);
    expect(commands).toEqual(['/bin/bye', '/bin/bye']);
  });

  test('of another agent are not run again', async () => {
    const host = make();
    await host.want(desiredOf({ 'web-1': release }), 10_000);
    const next = host.restart();
    await next.want(desiredOf({ 'web-1': release }), 60_000);
    expect(next.begun).toEqual([]);
    expect(next.containerOf('web-1')?.commands).toHaveLength(1);
  });

  test('that fail are tried again with backoff, and told', async () => {
    const host = make({ program: () => ({ execCode: 7 }) });
    await host.want(desiredOf({ 'web-1': release }), 60_000);
    expect(host.statusOf('web-1')).toMatchObject({
      phase: 'STARTING',
      reason: 'post_start failed: hook 1 of 1 (/bin/bye) exited with code 7',
    });
    expect(host.timesOf('post_start web-1').length).toBeLessThan(8);
  });
});

describe('ill health', () => {
  const checked = releaseOf('web', { hasCheck: true });
  test('restarts the container, with its reason (G1), and is no crash', async () => {
    const host = make();
    await host.want(desiredOf({ 'web-1': checked }), 10_000);
    const { id } = host.containerOf('web-1')!;
    host.docker.setHealth(id, 'unhealthy');
    await host.clock.advance(5000);
    expect(host.begun.slice(1)).toEqual(['restart web-1']);
    expect(host.lines.find(({ message }) => message === 'restart web-1')?.fields['reason']).toBe(
      'unhealthy: the simulated check fails',
    );
    expect(host.containerOf('web-1')).toMatchObject({ id, state: 'running' });
    expect(host.statusOf('web-1')).toMatchObject({ health: 'healthy', restarts: 1 });
  });

  test('again and again backs off, however long each run was', async () => {
    const health = { afterMs: 20_000, status: 'unhealthy' } as const;
    const host = make({ program: () => ({ health }) });
    await host.want(desiredOf({ 'web-1': checked }), 20 * 60_000);
    const times = host.timesOf('restart web-1');
    const gaps = times.slice(1).map((ms, index) => ms - times[index]!);
    expect(gaps[gaps.length - 1]).toBeGreaterThan(75_000);
  });

  test('for the last time leaves it running: what is unhealthy may still be of use', async () => {
    const health = { afterMs: 1000, status: 'unhealthy' } as const;
    const host = make({ program: () => ({ health }) });
    await host.want(desiredOf({ 'web-1': releaseOf('web', { hasCheck: true, policy: { maxAttempts: 2 } }) }), 600_000);
    expect(host.timesOf('restart web-1')).toHaveLength(2);
    expect(host.statusOf('web-1')).toMatchObject({
      phase: 'RUNNING',
      health: 'unhealthy',
      reason: 'unhealthy: the simulated check fails; left running, since given up after 2 restarts in a row',
    });
  });
});

test('a new release starts again what was given up, also when it changes no more than the limits', async () => {
  const host = make({ program: () => ({ exitsAfterMs: 100, oomKilled: true }) });
  const policy = { maxAttempts: 2 };
  await host.want(desiredOf({ 'web-1': releaseOf('web', { policy }) }), 60_000);
  expect(host.statusOf('web-1')).toMatchObject({ phase: 'STOPPED', reason: 'given up after 2 restarts in a row' });
  const next = releaseOf('web', { number: 2, policy });
  const roomy = { ...next, container: { ...next.container, limits: { nanoCpus: 0, memoryBytes: 1e9, pids: 0 } } };
  await host.want(desiredOf({ 'web-1': roomy }), 1000);
  expect(host.timesOf('start web-1')).toHaveLength(3);
});

test('the last lines of a crash are in the status', async () => {
  const host = make({ program: () => ({ exitsAfterMs: 100, exitCode: 3 }) });
  await host.want(desiredOf({ 'web-1': WEB }), 5000);
  expect(host.statusOf('web-1')?.lastExit).toMatchObject({ code: 3, log: ['exits with 3'] });
});

describe('an agent that starts again', () => {
  test('G2: does not start what was given up', async () => {
    const crashing = { program: () => ({ exitsAfterMs: 100, exitCode: 3 }) };
    const wanted = desiredOf({ 'web-1': releaseOf('web', { policy: { maxAttempts: 2 } }) });
    const host = make(crashing);
    await host.want(wanted, 60_000);
    const { mutatingCalls } = host.docker;
    const next = host.restart();
    await next.want(wanted, 10 * 60_000);
    expect(next.docker.mutatingCalls).toBe(mutatingCalls);
    expect(next.statusOf('web-1')).toEqual(host.statusOf('web-1'));
  });

  test('waits for the rest of a restart delay, whatever became of the wall clock', async () => {
    const wanted = desiredOf({ 'web-1': releaseOf('web', { policy: { delayMs: 60_000 } }) });
    const host = make();
    await host.want(wanted, 10_000);
    host.docker.exit(host.containerOf('web-1')!.id, 1);
    await host.clock.advance(20_000);
    const next = host.restart();
    await next.want(wanted, 39_000);
    expect(next.begun).toEqual([]);
    await next.clock.advance(2000);
    expect(next.begun).toEqual(['start web-1']);
  });

  test('goes on when what it remembered can not be written', async () => {
    const full = { load: () => Promise.resolve(new Map()), save: () => Promise.reject(new Error('disk full')) };
    const host = make({ memoryCopy: full, program: () => ({ exitsAfterMs: 100 }) });
    await host.want(desiredOf({ 'web-1': WEB }), 60_000);
    expect(host.timesOf('start web-1').length).toBeGreaterThan(3);
    const told = host.lines.filter(({ level }) => level === 'error');
    expect(told.map(({ fields }) => fields['reason'])).toEqual(['disk full']);
  });
});

describe('a pause', () => {
  const pause: Pause = { kind: 'service', name: 'web', untilMs: 0, reason: 'look', by: 'ann' };
  test('leaves everything as it is, and ends by itself', async () => {
    const host = make();
    await host.want(desiredOf({ 'web-1': WEB }), 2000);
    const pauses = [{ ...pause, untilMs: host.clock.wallMs() + 30_000 }];
    await host.want(desiredOf({ 'web-1': WEB }, { pauses }), 100);
    host.docker.kill(host.containerOf('web-1')!.id);
    await host.clock.advance(20_000);
    expect(host.timesOf('start web-1')).toEqual([]);
    expect(host.statusOf('web-1')).toMatchObject({ phase: 'STOPPED', pausedUntilMs: pauses[0]!.untilMs });
    expect(host.statusOf('web-1')?.reason).toMatch(/^paused until .* with the service web by ann: look$/);
    await host.clock.advance(10_500);
    expect(host.timesOf('start web-1')).toHaveLength(1);
    expect(host.statusOf('web-1')).toMatchObject({ phase: 'RUNNING', pausedUntilMs: 0 });
  });

  test('comes before what has not begun: a container that waits to be out of etcd is not stopped any more', async () => {
    let isOut: () => void = () => undefined;
    const withdraw = (): Promise<void> => new Promise((resolve) => void (isOut = resolve));
    const host = make({ withdraw });
    await host.want(desiredOf({ 'web-1': WEB }), 2000);
    await host.want(desiredOf({}), 2000);
    expect(host.begun.at(-1)).toBe('stop web-1');
    const pauses = [{ ...pause, untilMs: host.clock.wallMs() + 30_000 }];
    await host.want(desiredOf({}, { pauses }), 0);
    isOut();
    await host.clock.advance(20_000);
    expect(host.statusOf('web-1')).toMatchObject({ phase: 'RUNNING', pausedUntilMs: pauses[0]!.untilMs });
    expect(host.failures).toEqual([]);
    await host.clock.advance(11_000);
    isOut();
    await host.clock.advance(5000);
    expect(host.containerOf('web-1')?.state).not.toBe('running');
  });
});

test('a pull that nobody wants any more ends', async () => {
  const aborted: string[] = [];
  const slow = (engine: Engine): Engine =>
    over(engine, {
      pull: (reference, { signal, onProgress }) =>
        new Promise((_, reject) => {
          onProgress('1 of 9 MB');
          signal.addEventListener('abort', () => {
            aborted.push(reference);
            reject(new EngineError('pull-failed', 'cancelled'));
          });
        }),
    });
  const host = make({ wrap: slow, images: ['web:2'] });
  await host.want(desiredOf({ 'web-1': WEB }), 5000);
  expect(host.statusOf('web-1')).toMatchObject({ phase: 'PULLING', progress: '1 of 9 MB' });
  await host.want(desiredOf({ 'web-1': releaseOf('web', { number: 2, image: 'web:2' }) }), LATENCY.list * 4);
  expect(aborted).toEqual(['web:1']);
  await host.clock.advance(LATENCY.list * 4);
  expect(host.begun.at(-1)).toBe('create web-1');
  expect(host.failures).toEqual([]);
  expect(host.statuses.map((status) => status.instances['web-1']?.phase)).not.toContain('FAILED');
  await host.clock.advance(5000);
  expect(host.containerOf('web-1')?.request.container.image).toBe('web:2');
});
