import { desiredOf, releaseOf, WINDOW_MS } from '../test/support/desired';
import { LATENCY, LoopHost, over, type LoopHostOptions } from '../test/support/loop-host';
import type { ContainerSpec } from '../lib/documents/types';
import type { Program } from './docker/simulated/memory-container';
import type { Engine } from './docker/engine';

const WEB = releaseOf('web');

let host: LoopHost;
const make = (options: LoopHostOptions = {}): LoopHost => (host = new LoopHost(options));
afterEach(() => host.loop.stop());

const after = (ms: number): Promise<void> => new Promise((wake) => void host.clock.after(ms, wake));
const crashing: LoopHostOptions = { program: () => ({ exitsAfterMs: 100, exitCode: 3 }) };
const gapsOf = (times: readonly number[]): readonly number[] => times.slice(1).map((ms, index) => ms - times[index]!);

test('G1: the life of an instance, each step with its reason', async () => {
  make({ images: [] });
  await host.want(desiredOf({ 'web-1': WEB }), 10_000);
  expect(host.begun).toEqual(['pull web-1', 'create web-1']);
  expect(host.statusOf('web-1')).toMatchObject({ phase: 'RUNNING', reason: '', release: 1, health: 'none' });
  host.docker.exit(host.containerOf('web-1')!.id, 3);
  await host.clock.advance(1000);
  await host.want(desiredOf({}), 10_000);
  expect(
    host.lines.filter(({ level }) => level === 'info').map(({ message, fields }) => [message, fields['reason']]),
  ).toEqual([
    ['pull web-1', 'the image is not on this host'],
    ['create web-1', 'assigned to this host'],
    ['start web-1', 'exited with code 3'],
    ['stop web-1', 'the assignment leaves it out'],
    ['remove web-1', 'the assignment leaves it out'],
  ]);
  expect(host.status.instances).toEqual({});
  const phases = host.statuses.map(({ instances }) => instances['web-1']?.phase ?? '-');
  expect(phases.filter((phase, index) => phase !== phases[index - 1]).join(' ')).toBe(
    'PULLING STARTING RUNNING BACKOFF RUNNING STOPPING -',
  );
});

test('at rest there is no step, and the status stays as it is', async () => {
  make();
  await host.want(desiredOf({ 'web-1': WEB, 'web-2': WEB, 'api-1': releaseOf('api', { hasCheck: true }) }), 10_000);
  const { mutatingCalls } = host.docker;
  const text = JSON.stringify(host.status);
  const count = host.passes.length;
  await host.clock.advance(30 * 60_000);
  expect(host.docker.mutatingCalls).toBe(mutatingCalls);
  expect(host.passes.length).toBeGreaterThan(count + 10);
  for (const pass of host.passes.slice(count)) expect(pass.steps).toEqual([]);
  for (const status of host.statuses.slice(count)) expect(JSON.stringify(status)).toBe(text);
});

describe('restarts', () => {
  test('slow down to one a minute, and begin anew after a run as long as the window', async () => {
    let exitsAfterMs = 100;
    make({ program: () => ({ exitsAfterMs, exitCode: 3 }) });
    await host.want(desiredOf({ 'web-1': WEB }), 10 * 60_000);
    const gaps = gapsOf(host.timesOf('start web-1'));
    expect(gaps[0]).toBeGreaterThan(1000);
    expect(gaps[0]).toBeLessThan(1500);
    for (const [index, gap] of gaps.slice(0, 5).entries()) expect(gaps[index + 1]!).toBeGreaterThan(gap * 1.5);
    expect(gaps[gaps.length - 1]).toBeGreaterThan(59_000);
    expect(gaps[gaps.length - 1]).toBeLessThan(61_000);
    expect(host.statusOf('web-1')).toMatchObject({
      phase: 'BACKOFF',
      reason: 'exited with code 3',
      restarts: gaps.length + 1,
    });
    exitsAfterMs = WINDOW_MS;
    await host.clock.advance(60_000 + WINDOW_MS + 1000);
    const [last, next] = host.timesOf('start web-1').slice(-2);
    expect(next! - last!).toBeLessThan(WINDOW_MS + 500);
  });

  test('slow down also when the container is gone before Docker has said that it runs', async () => {
    const late = (engine: Engine): Engine =>
      over(engine, {
        start: async (id) => {
          await engine.start(id);
          await after(300);
        },
      });
    make({ program: () => ({ exitsAfterMs: 1 }), wrap: late });
    await host.want(desiredOf({ 'web-1': WEB }), 20_000);
    expect(host.timesOf('start web-1').length).toBeLessThan(8);
  });

  test('wait as long as the operator says', async () => {
    make(crashing);
    await host.want(desiredOf({ 'web-1': releaseOf('web', { policy: { delayMs: 20_000 } }) }), 70_000);
    expect(gapsOf(host.timesOf('start web-1')).map((gap) => Math.round(gap / 1000))).toEqual([20, 20]);
  });

  test('end when the attempts are used up', async () => {
    make(crashing);
    await host.want(desiredOf({ 'web-1': releaseOf('web', { policy: { maxAttempts: 2 } }) }), 10 * 60_000);
    expect(host.timesOf('start web-1')).toHaveLength(2);
    expect(host.statusOf('web-1')).toMatchObject({
      phase: 'STOPPED',
      reason: 'given up after 2 restarts in a row',
    });
  });

  test('hold up neither a new release nor the end of the instance', async () => {
    make({ ...crashing, images: ['web:1', 'web:2'] });
    const slow = { delayMs: 60_000 };
    await host.want(desiredOf({ 'web-1': releaseOf('web', { policy: slow }) }), 5000);
    expect(host.statusOf('web-1')?.phase).toBe('BACKOFF');
    await host.want(desiredOf({ 'web-1': releaseOf('web', { number: 2, image: 'web:2', policy: slow }) }), 500);
    expect(host.containerOf('web-1')?.request.release).toBe(2);
    await host.clock.advance(1000);
    await host.want(desiredOf({}), 500);
    expect(host.docker.containers.size).toBe(0);
  });

  test('a stop for a new release is no exit: its delay is not waited for', async () => {
    make({ images: ['web:1', 'web:2'] });
    const policy = { delayMs: 60_000 };
    await host.want(desiredOf({ 'web-1': releaseOf('web', { policy }) }), 5000);
    await host.want(desiredOf({ 'web-1': releaseOf('web', { number: 2, image: 'web:2', policy }) }), 1000);
    expect(host.statusOf('web-1')).toMatchObject({ phase: 'RUNNING', release: 2 });
  });
});

describe('G6: one bad instance harms no other', () => {
  test('pulls that fail or hang hold up no start, and no other pull', async () => {
    const hanging = (engine: Engine): Engine =>
      over(engine, {
        pull: async (image, signal) => {
          if (image.startsWith('hangs')) await after(60_000);
          await engine.pull(image, signal);
        },
      });
    make({ wrap: hanging });
    const bad = ['a', 'b', 'c', 'd'].map((name) => [`${name}-1`, releaseOf(name, { image: `hangs:${name}` })] as const);
    const wrong = releaseOf('e', { image: 'nowhere:1' });
    const fresh = releaseOf('z', { image: 'web:2' });
    await host.want(desiredOf({ ...Object.fromEntries(bad), 'e-1': wrong, 'web-1': WEB, 'z-1': fresh }), 2000);
    expect(host.statusOf('web-1')?.phase).toBe('RUNNING');
    expect(host.statusOf('z-1')?.phase).toBe('RUNNING');
    expect(host.statusOf('a-1')?.phase).toBe('PULLING');
    expect(host.statusOf('e-1')).toMatchObject({ reason: expect.stringMatching(/^pull failed: .*nowhere/) });
  });

  test('failures back off, each instance by itself', async () => {
    const program = ({ image }: ContainerSpec): Program => (image === 'web:2' ? { refusal: 'exec: no such file' } : {});
    make({ program, images: ['web:1', 'web:2'] });
    await host.want(desiredOf({ 'bad-1': releaseOf('bad', { image: 'web:2' }), 'web-1': WEB }), 10 * 60_000);
    const gaps = gapsOf(host.timesOf('create bad-1'));
    expect(gaps.length).toBeLessThan(20);
    expect(gaps[gaps.length - 1]).toBeGreaterThan(59_000);
    expect(host.statusOf('bad-1')).toMatchObject({ phase: 'FAILED', reason: 'create failed: exec: no such file' });
    expect(host.timesOf('create web-1')).toHaveLength(1);
    expect(host.docker.containers.size).toBe(1);
  });

  test('ten instances of an image pull it once', async () => {
    make({ images: [] });
    const ids = Array.from({ length: 10 }, (_, index) => `web-${index}`);
    await host.want(desiredOf(Object.fromEntries(ids.map((id) => [id, WEB]))), 10_000);
    expect(host.begun.filter((message) => message.startsWith('pull'))).toHaveLength(1);
    expect(ids.map((id) => host.statusOf(id)?.phase)).toEqual(ids.map(() => 'RUNNING'));
  });
});

describe('passes', () => {
  test('plan nothing from a list that is older than the last step', async () => {
    make({ latencyMs: { ...LATENCY, presentImages: 200 } });
    const ids = Array.from({ length: 20 }, (_, index) => `web-${index}`);
    await host.want(desiredOf(Object.fromEntries(ids.map((id) => [id, WEB]))), 20_000);
    expect(host.failures).toEqual([]);
    expect(host.begun).toHaveLength(20);
  });

  test('come one at a time and leave half of the time to others, however often they are woken', async () => {
    make();
    await host.want(desiredOf({}), 1000);
    const before = host.passes.length;
    for (let ms = 0; ms < 1000; ms++) {
      for (let time = 0; time < 5; time++) host.loop.wake();
      await host.clock.advance(1);
    }
    expect(host.passes.length - before).toBeLessThan(1000 / (2 * (LATENCY.list + LATENCY.presentImages)) + 5);
  });

  test('begin nothing while another agent has the name', async () => {
    make();
    host.mayAct = false;
    await host.want(desiredOf({ 'web-1': WEB }), 60_000);
    expect(host.begun).toEqual([]);
    expect(host.statusOf('web-1')?.phase).toBe('PENDING');
  });

  test('that are under way when the loop is stopped begin nothing and say nothing', async () => {
    make();
    await host.want(desiredOf({ 'web-1': WEB }), 2);
    host.loop.stop();
    await host.clock.advance(60_000);
    expect(host.begun).toEqual([]);
    expect(host.statuses).toEqual([]);
    expect(host.clock.pending).toBe(0);
  });

  test('that are stopped give up pulls, and leave containers as they are', async () => {
    make({ latencyMs: { ...LATENCY, pull: 60_000 } });
    await host.want(desiredOf({ 'web-1': WEB, 'z-1': releaseOf('z', { image: 'web:2' }) }), 5000);
    host.loop.stop();
    await host.clock.advance(120_000);
    expect([...host.docker.images]).toEqual(['web:1']);
    expect(host.containerOf('web-1')?.state).toBe('running');
  });
});

test('a step that waited for room is planned anew: what was left out meanwhile is never made', async () => {
  make({ latencyMs: { ...LATENCY, create: 5000 } });
  const ids = Array.from({ length: 30 }, (_, index) => `web-${index}`);
  await host.want(desiredOf(Object.fromEntries(ids.map((id) => [id, WEB]))), 1000);
  await host.want(desiredOf({}), 60_000);
  expect(host.begun.filter((message) => message.startsWith('create'))).toHaveLength(8);
  expect(host.docker.containers.size).toBe(0);
});
