/** Images that are to be there ahead of need, in the loop. */
import { desiredOf, prefetchOf, releaseOf } from '../test/support/desired';
import { LATENCY, loopHosts, over } from '../test/support/loop-host';
import type { Release } from '../lib/documents/types';
import { EngineError } from './docker/engine';
import type { Desired } from './plan/types';

const make = loopHosts();
const WEB = releaseOf('web');
const NEXT = releaseOf('web', { number: 2, image: 'web:2' });
const NOWHERE = releaseOf('web', { number: 3, image: 'nowhere:1' });
const named = (...wishes: readonly Release[]): Desired =>
  desiredOf({ 'web-1': WEB }, { prefetch: prefetchOf(...wishes) });

test('an image is pulled, said to be there, and forgotten when it is named no more', async () => {
  const host = make();
  await host.want(named(NEXT), 100);
  expect(host.status.prefetch).toEqual({ 'web@2': { done: false, failed: false, message: '' } });
  await host.clock.advance(2000);
  expect(host.status.prefetch).toEqual({ 'web@2': { done: true, failed: false, message: '' } });
  expect(host.begun).toEqual(['create web-1', 'pull web@2']);
  expect(host.containerOf('web-1')?.request.release).toBe(1);
  await host.want(desiredOf({ 'web-1': WEB }), 2000);
  expect(host.status.prefetch).toEqual({});
  expect(host.loop.memory.instances.has('web@2')).toBe(false);
  expect(host.docker.images.has('web:2')).toBe(true);
});

test('the release that comes to be placed pulls nothing any more', async () => {
  const host = make();
  await host.want(named(NEXT), 5000);
  await host.want(desiredOf({ 'web-1': NEXT }), 5000);
  expect(host.begun.filter((message) => message.startsWith('pull'))).toEqual(['pull web@2']);
  expect(host.containerOf('web-1')?.request.release).toBe(2);
});

test('one that fails is tried again less and less often, says so without a word too many, and holds up nothing', async () => {
  let tries = 0;
  const host = make({
    wrap: (engine) =>
      over(engine, {
        pull: () => Promise.reject(new EngineError('pull-failed', `the registry is away, try ${++tries}`)),
      }),
  });
  await host.want(named(NOWHERE), 2000);
  expect(host.statusOf('web-1')?.phase).toBe('RUNNING');
  const first = { done: false, failed: true, message: 'pull failed: the registry is away, try 1' };
  expect(host.status.prefetch).toEqual({ 'web@3': first });
  host.statuses.length = 0;
  await host.clock.advance(4 * 60_000);
  expect(tries).toBeGreaterThan(5);
  expect(tries).toBeLessThan(20);
  expect(new Set(host.statuses.map(({ prefetch }) => JSON.stringify(prefetch)))).toEqual(
    new Set([JSON.stringify({ 'web@3': first })]),
  );
});

test('one that an instance comes to need is pulled once, and its failure counts for both', async () => {
  const host = make();
  await host.want(named(NOWHERE), 1500);
  await host.want(desiredOf({ 'web-1': WEB, 'web-2': NOWHERE }, { prefetch: prefetchOf(NOWHERE) }), 100);
  expect(host.statusOf('web-2')).toMatchObject({ phase: 'FAILED', reason: expect.stringMatching(/^pull failed/) });
  host.docker.registry.add('nowhere:1');
  await host.clock.advance(10_000);
  expect(host.statusOf('web-2')?.phase).toBe('RUNNING');
  expect(host.status.prefetch).toEqual({ 'web@3': { done: true, failed: false, message: '' } });
});

test('a pull of an image that is not named any more ends', async () => {
  let aborted = 0;
  const host = make({
    latencyMs: { ...LATENCY, pull: 60_000 },
    wrap: (engine) =>
      over(engine, {
        pull: (image, options) => {
          options.signal.addEventListener('abort', () => aborted++);
          return engine.pull(image, options);
        },
      }),
  });
  await host.want(named(NEXT), 1000);
  expect(aborted).toBe(0);
  await host.want(desiredOf({ 'web-1': WEB }), 1000);
  expect(aborted).toBe(1);
});
