/** When the agent tidies up, and when it does not. */
import { desiredOf, prefetchOf, releaseOf } from '../../test/support/desired';
import { over } from '../../test/support/loop-host';
import { imagesInMemory } from '../../test/support/tidying';
import { HOUR_MS, MINUTE_MS, TidyHost, webRelease } from '../../test/support/tidy-host';
import { EngineError, type Engine } from '../docker/engine';

let host: TidyHost;
beforeEach(() => (host = new TidyHost()));
afterEach(() => host.end());

describe('older releases', () => {
  test('of the last three the images stay, those before go, once in a while, and it is said why', async () => {
    host.docker.images.add('foreign:1');
    await host.begin();
    await host.roll(1, 2, 3, 4, 5);
    await host.clock.advance(30 * MINUTE_MS);
    expect(host.images).toBe('foreign:1 web:1 web:2 web:3 web:4 web:5');
    await host.clock.advance(HOUR_MS);
    expect(host.images).toBe('foreign:1 web:3 web:4 web:5');
    expect(host.removals).toMatchObject([
      {
        message: 'removing image web:1',
        fields: { reason: 'none of the last 3 releases of a service of this host uses it' },
      },
      { message: 'removing image web:2' },
    ]);
    expect(await host.removed('keep-releases')).toBe(2);
    expect(await host.metric('berth_agent_images_removed_bytes_total')).toBeGreaterThan(0);
    expect(await host.metric('berth_agent_image_disk_used_ratio')).toBe(0.5);
  });

  test('a rollback to an older one makes that the last', async () => {
    await host.begin({ keepReleases: 2 });
    await host.roll(1, 2, 3);
    host.want(webRelease(1));
    await host.clock.advance(2 * HOUR_MS);
    expect(host.images).toBe('web:1 web:3');
  });

  test('the next agent knows what the last one pulled, and what ran', async () => {
    const copy = imagesInMemory();
    await host.begin({ copy });
    await host.roll(1, 2, 3, 4);
    host.end();
    await host.begin({ copy });
    await host.roll(5);
    await host.clock.advance(2 * HOUR_MS);
    expect(host.images).toBe('web:3 web:4 web:5');
  });

  test('those of a service that is gone go after a day, and not before', async () => {
    await host.begin();
    await host.roll(1);
    host.want(desiredOf({}));
    await host.clock.advance(23 * HOUR_MS);
    expect(host.images).toBe('web:1');
    await host.clock.advance(3 * HOUR_MS);
    expect(host.images).toBe('');
  });

  test('those of a service that comes back within the day stay', async () => {
    await host.begin();
    await host.roll(1);
    host.desired = desiredOf({});
    await host.clock.advance(20 * HOUR_MS);
    await host.roll(2);
    await host.clock.advance(20 * HOUR_MS);
    expect(host.images).toBe('web:1 web:2');
  });
});

test('an image that a rollout will need stays as long as it is named, also on a full disk', async () => {
  await host.begin({ keepReleases: 0, readDisk: () => Promise.resolve(0.99) });
  await host.roll(1, 2);
  await host.pull('web:3');
  const next = releaseOf('web', { number: 3, image: 'web:3' });
  host.want(desiredOf({ 'web-1': releaseOf('web', { number: 2, image: 'web:2' }) }, { prefetch: prefetchOf(next) }));
  await host.clock.advance(HOUR_MS);
  expect(host.images).toBe('web:2 web:3');
  host.want(webRelease(2));
  await host.clock.advance(5 * MINUTE_MS);
  expect(host.images).toBe('web:2');
});

describe('nothing is removed', () => {
  const held: readonly (readonly [string, () => void])[] = [
    ['while the desired state is not complete (G3)', () => (host.desired = { ...host.desired, isComplete: false })],
    [
      'while a release is unreadable (G3)',
      () => (host.desired = desiredOf({ 'web-1': releaseOf('web', { number: 3, image: 'web:3' }), 'api-1': 'gone' })),
    ],
    [
      'while it is not known which image a rollout will need',
      () => (host.desired = { ...host.desired, prefetch: prefetchOf('not read yet') }),
    ],
    [
      'while the host is paused',
      () =>
        (host.desired = {
          ...host.desired,
          pauses: [{ kind: 'host', name: 'h1', untilMs: host.clock.wallMs() + 10 * HOUR_MS, reason: '', by: '' }],
        }),
    ],
    ['while another agent has the name', () => (host.mayAct = false)],
    ['while Docker does not answer', () => host.docker.setDown(true)],
  ];
  test.each(held)('%s', async (_, hold) => {
    await host.begin({ keepReleases: 0, readDisk: () => Promise.resolve(0.99) });
    await host.roll(1, 2, 3);
    hold();
    await host.clock.advance(5 * HOUR_MS);
    expect(host.images).toBe('web:1 web:2 web:3');
    host.desired = webRelease(3);
    host.mayAct = true;
    host.docker.heal();
    await host.clock.advance(2 * MINUTE_MS);
    expect(host.images).toBe('web:3');
  });

  test('while a pull runs, even on a full disk; soon after it, it is', async () => {
    let finish: () => void = () => undefined;
    const slow = (engine: Engine): Engine =>
      over(engine, {
        pull: async (reference, options) => {
          if (reference === 'web:4') await new Promise<void>((done) => (finish = done));
          return engine.pull(reference, options);
        },
      });
    await host.begin({ readDisk: () => Promise.resolve(0.99) }, slow);
    await host.roll(1, 2);
    void host.pull('web:4');
    await host.clock.advance(HOUR_MS);
    expect(host.images).toBe('web:1 web:2');
    host.desired = webRelease(4);
    finish();
    await host.clock.advance(10_000);
    expect(host.images).toBe('web:4');
  });

  test('more, once the assignment wants it again on the way', async () => {
    const turning = (engine: Engine): Engine =>
      over(engine, {
        removeImage: async (name) => {
          await engine.removeImage(name);
          if (name === 'web:1') host.desired = webRelease(2);
        },
      });
    await host.begin({ readDisk: () => Promise.resolve(0.99) }, turning);
    await host.roll(1, 2, 3);
    await host.clock.advance(5 * MINUTE_MS);
    expect(host.images).toBe('web:2');
    expect(host.removals.map(({ message }) => message)).toEqual([
      'removing image web:1',
      // 2 was wanted by then, and 3 no longer.
      'removing image web:3',
    ]);
  });
});

describe('a full disk', () => {
  /** Each image takes a tenth of it. */
  const tenths = (): Promise<number> => Promise.resolve(host.docker.images.size / 10);

  test('above the mark the oldest go, until it is well below it', async () => {
    host.docker.images.add('foreign:1');
    await host.begin({ readDisk: tenths, highWater: 0.6 });
    await host.roll(1, 2, 3, 4);
    await host.clock.advance(2 * MINUTE_MS);
    expect(host.images).toBe('foreign:1 web:1 web:2 web:3 web:4');
    await host.roll(5);
    await host.clock.advance(2 * MINUTE_MS);
    expect(host.images).toBe('foreign:1 web:2 web:3 web:4 web:5');
    expect(await host.removed('high-water')).toBe(1);
    expect(host.lines.find(({ message }) => message === 'removing image web:1')?.fields).toMatchObject({
      reason: 'the disk is fuller than 60 %, and nothing that is to run here uses it',
    });
    expect(host.tidy.problem).toBeUndefined();
  });

  test('with nothing that may be removed, it is a problem of the host, until there is room', async () => {
    let ratio = 0.97;
    host.docker.images.add('foreign:1');
    await host.begin({ readDisk: () => Promise.resolve(ratio) });
    await host.roll(1);
    await host.clock.advance(2 * MINUTE_MS);
    expect(host.images).toBe('foreign:1 web:1');
    expect(host.tidy.problem).toMatchObject({ rule: 'image-disk', message: expect.stringContaining('85 %') as string });
    expect(host.changes).toBe(1);
    // It is not written anew with each reading.
    ratio = 0.96;
    await host.clock.advance(HOUR_MS);
    expect(host.changes).toBe(1);
    ratio = 0.8;
    await host.clock.advance(2 * MINUTE_MS);
    expect(host.tidy.problem).toBeUndefined();
    expect(host.changes).toBe(2);
  });

  test('a pull that is refused for lack of space makes room, whatever the mark says', async () => {
    const full = (engine: Engine): Engine =>
      over(engine, {
        pull: (reference, options) =>
          reference === 'web:3' && host.docker.images.has('web:1')
            ? Promise.reject(new EngineError('no-space', 'no space left on device'))
            : engine.pull(reference, options),
      });
    await host.begin({}, full);
    await host.roll(1, 2);
    await expect(host.pull('web:3')).rejects.toMatchObject({ code: 'no-space' });
    await host.clock.advance(1000);
    expect(host.images).toBe('web:2');
    expect(await host.removed('no-space')).toBe(1);
    await host.pull('web:3');
    // Once.
    await host.clock.advance(10 * MINUTE_MS);
    expect(host.images).toBe('web:2 web:3');
  });

  test('that nobody can measure is no reason', async () => {
    await host.begin({ readDisk: () => Promise.resolve(undefined) });
    await host.roll(1, 2, 3);
    await host.clock.advance(10 * MINUTE_MS);
    expect(host.images).toBe('web:1 web:2 web:3');
    expect(host.tidy.problem).toBeUndefined();
  });
});

test('one that was stopped does nothing more', async () => {
  await host.begin({ readDisk: () => Promise.resolve(0.99) });
  await host.roll(1, 2);
  host.end();
  await host.clock.advance(5 * HOUR_MS);
  expect(host.images).toBe('web:1 web:2');
});
