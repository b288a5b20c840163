/** The loop with more to do than is done at once: what takes long holds up no other (G6), and Docker is not flooded. */
import { desiredOf, hookOf, releaseOf } from '../test/support/desired';
import { LATENCY, LoopHost, over, type LoopHostOptions } from '../test/support/loop-host';
import type { ContainerSpec, Release } from '../lib/documents/types';
import type { Engine } from './docker/engine';

const HOUR_MS = 3_600_000;
/** All that another one may be held up. */
const SOON_MS = 6000;
const WEB = releaseOf('web');

let host: LoopHost;
const make = (options: LoopHostOptions = {}): LoopHost => (host = new LoopHost(options));
afterEach(() => host.loop.stop());

function many(count: number, release: (index: number) => Release): Record<string, Release> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`long-${index}`, release(index)]));
}
const running = (): number => [...host.docker.containers.values()].filter(({ state }) => state === 'running').length;

describe('the stop of one is held up by none of 300 others', () => {
  const COUNT = 300;
  const long = (container: Partial<ContainerSpec>): Record<string, Release> =>
    many(COUNT, () => releaseOf('long', { container }));
  /** By default a container obeys its stop signal, and a hook is done at once. */
  const stubborn: LoopHostOptions = { program: ({ stopSignal }) => ({ obeysStop: stopSignal !== 'SIGUSR1' }) };
  const endless: LoopHostOptions = {
    program: () => ({ exec: () => ({ exitCode: 0, output: '', takesMs: 50_000 }) }),
  };

  test.each<[string, LoopHostOptions, Partial<ContainerSpec>]>([
    ['drain for an hour', {}, { drainMs: HOUR_MS }],
    ['run a hook for a minute', endless, { preStop: [hookOf('/bin/bye')] }],
    ['take an hour of grace', stubborn, { stopSignal: 'SIGUSR1', stopGracePeriodMs: HOUR_MS }],
  ])('that %s', async (_, options, container) => {
    make(options);
    await host.want(desiredOf({ ...long(container), 'z-1': WEB, 'z-2': WEB }), 120_000);
    expect(running()).toBe(COUNT + 2);
    // It is the last in order, and goes in the same moment as all that take long.
    await host.want(desiredOf({ 'z-2': WEB }), SOON_MS);
    expect(host.containerOf('z-1')).toBeUndefined();
    expect(running()).toBe(COUNT + 1);
    await host.want(desiredOf({}), 1000);
    expect(host.containerOf('z-2')).toBeUndefined();
    expect(host.failures).toEqual([]);
  });

  test('that are unhealthy and take an hour of grace', async () => {
    const health = { afterMs: 100_000, status: 'unhealthy' } as const;
    make({ program: ({ stopSignal }) => (stopSignal === 'SIGUSR1' ? { obeysStop: false, health } : {}) });
    const container = { stopSignal: 'SIGUSR1', stopGracePeriodMs: HOUR_MS };
    const unhealthy = many(COUNT, () => releaseOf('long', { container, hasCheck: true }));
    await host.want(desiredOf({ ...unhealthy, 'z-1': WEB }), 200_000);
    expect(host.begun.filter((message) => message.startsWith('restart'))).toHaveLength(COUNT);
    await host.want(desiredOf(unhealthy), 1000);
    expect(host.containerOf('z-1')).toBeUndefined();
  });
});

test('Docker is not told to stop more than 64 containers in a moment, and whoever waits says so', async () => {
  make({ program: () => ({ obeysStop: false }) });
  const container = { stopGracePeriodMs: HOUR_MS };
  await host.want(desiredOf(many(100, () => releaseOf('long', { container }))), 60_000);
  await host.want(desiredOf({}), 500);
  const stops = (): number => host.begun.filter((message) => message.startsWith('stop')).length;
  expect(stops()).toBe(64);
  const waiting = Object.values(host.status.instances).filter(({ reason }) => reason.includes('turn'));
  expect(waiting).toHaveLength(36);
  expect(waiting[0]).toMatchObject({
    phase: 'STOPPING',
    reason: 'the assignment leaves it out; waits its turn: 64 stops and hooks at once',
  });
  await host.clock.advance(1000);
  expect(stops()).toBe(100);
  expect(Object.values(host.status.instances).some(({ reason }) => reason.includes('turn'))).toBe(false);
});

describe('registries that hang', () => {
  /** Those that are named so. */
  const hanging: LoopHostOptions = {
    wrap: (engine: Engine) =>
      over(engine, {
        pull: (image, options) =>
          image.startsWith('hangs') ? new Promise(() => undefined) : engine.pull(image, options),
      }),
  };
  const pullsOf = (start: string): number => host.begun.filter((message) => message.startsWith(`pull ${start}`)).length;

  test.each([
    ['one, and 300 images that are wanted from it', 1, 8],
    ['eight, and 300 images that are wanted from them', 8, 64],
  ])('hold up no pull from another one: %s', async (_, registries, atOnce) => {
    make(hanging);
    const image = (index: number): string => `hangs-${index % registries}.example.com/image-${index}:1`;
    const wanted = many(300, (index) => releaseOf('long', { image: image(index) }));
    await host.want(desiredOf({ ...wanted, 'z-1': releaseOf('z', { image: 'web:2' }) }), 3000);
    expect(host.statusOf('z-1')?.phase).toBe('RUNNING');
    await host.clock.advance(60_000);
    expect(pullsOf('long')).toBe(atOnce);
  });

  test('are told to whoever waits for its turn', async () => {
    make(hanging);
    const image = (index: number): string => `hangs.example.com:5000/image-${index}:1`;
    await host.want(desiredOf(many(9, (index) => releaseOf('long', { image: image(index) }))), 3000);
    expect(host.statusOf('long-7')).toMatchObject({ phase: 'PULLING', reason: 'the image is not on this host' });
    expect(host.statusOf('long-8')).toMatchObject({
      phase: 'PENDING',
      reason: 'the image is not on this host; waits its turn: 8 pulls from hangs.example.com:5000 at once',
    });
  });
});

test('a registry that is slow is asked for eight images at once, however long each of them takes', async () => {
  let [now, most] = [0, 0];
  const counting = (engine: Engine): Engine =>
    over(engine, {
      pull: async (image, options) => {
        most = Math.max(most, ++now);
        await engine.pull(image, options).finally(() => now--);
      },
    });
  make({ wrap: counting, latencyMs: { ...LATENCY, pull: 600_000 } });
  const wanted = many(20, (index) => releaseOf('long', { image: `slow.example.com/image-${index}:1` }));
  for (const { container } of Object.values(wanted)) host.docker.registry.add(container.image);
  await host.want(desiredOf(wanted), 3 * 620_000);
  expect(running()).toBe(20);
  expect(most).toBe(8);
});

test('G6: creations that hang give their places to others after a while', async () => {
  const hanging = (engine: Engine): Engine =>
    over(engine, {
      create: (request) =>
        request.instance.startsWith('stuck') ? new Promise(() => undefined) : engine.create(request),
    });
  const host = make({ wrap: hanging });
  const stuck = Array.from({ length: 8 }, (_, index) => [`stuck-${index}`, WEB] as const);
  await host.want(desiredOf({ ...Object.fromEntries(stuck), 'web-1': WEB }), 4000);
  expect(host.containerOf('web-1')).toBeUndefined();
  await host.clock.advance(2000);
  expect(host.containerOf('web-1')?.state).toBe('running');
});
