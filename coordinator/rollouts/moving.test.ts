/** Batches, what is watched, what fails and what becomes of it then; against hosts on which things take time. */
import { emptyDocument } from '../../lib/documents/codec';
import { RolloutWorld, wanted } from '../../test/support/rollout-world';

/** A service of three that is whole on its first release. */
function whole(update: Parameters<typeof wanted>[1] = {}, more: Parameters<typeof wanted>[2] = {}): RolloutWorld {
  const world = new RolloutWorld().put('web', wanted('good:1', update, more)).run(10_000);
  expect(world.status()).toMatchObject({ currentRelease: 1, targetRelease: 1, rollout: 'steady' });
  return world;
}

/** The fewest that were ready at once, and the most of the release that were not, while time passes. */
function extremes(world: RolloutWorld, release: number, forMs: number): { fewest: number; unready: number } {
  let [fewest, unready] = [Infinity, 0];
  world.run(forMs, () => {
    const slots = new Set(
      world
        .placements()
        .filter((one) => world.isWell(one))
        .map(({ slot }) => slot),
    );
    fewest = Math.min(fewest, slots.size);
    const fresh = world.placements().filter((one) => one.release === release && !world.isWell(one));
    unready = Math.max(unready, fresh.length);
  });
  return { fewest, unready };
}

test.each<[string, Parameters<typeof wanted>[1], Parameters<typeof wanted>[2], { fewest: number; unready: number }]>([
  ['start-first, one by one', {}, {}, { fewest: 3, unready: 1 }],
  ['start-first, two at once', { parallelism: 2 }, {}, { fewest: 3, unready: 2 }],
  ['start-first, all at once', { parallelism: 0 }, {}, { fewest: 3, unready: 3 }],
  ['stop-first by its fixed port', {}, { port: 80 }, { fewest: 2, unready: 1 }],
  ['stop-first, two at once', { order: 'stop-first', parallelism: 2 }, {}, { fewest: 1, unready: 2 }],
  ['stop-first, all at once', { order: 'stop-first', parallelism: 0 }, {}, { fewest: 0, unready: 3 }],
])('G7: %s', (_, update, more, expected) => {
  const world = whole(update, more).put('web', wanted('slow:2', update, more));
  expect(extremes(world, 2, 120_000)).toEqual(expected);
  expect(world.status()).toMatchObject({ currentRelease: 2, rollout: 'steady', running: 3, placed: 3 });
  expect(world.releasesOf()).toEqual({ 2: 3 });
});

test('a batch is watched for its time before the next one, and the old ones stay as long; then the delay goes by', () => {
  const world = whole().put('web', wanted('good:2', { delayMs: 20_000 }));
  world.run(4000);
  expect(world.releasesOf()).toEqual({ 1: 3, 2: 1 });
  world.run(2000);
  expect(world.releasesOf()).toEqual({ 1: 2, 2: 1 });
  world.run(18_000);
  expect([world.releasesOf(), world.move()!.moved]).toEqual([{ 1: 2, 2: 1 }, 1]);
  world.run(3000);
  expect(world.releasesOf()).toEqual({ 1: 2, 2: 2 });
});

test.each<[string, string, RegExp]>([
  ['crashes at once', 'bad:2', /web-\d-\w+ on h\d: exited with code 3/],
  ['crashes while it is watched', 'late:2', /exited with code 4/],
])('a release that %s is rolled back by itself, to the very release, and nobody was stopped', (_, image, reason) => {
  const world = whole();
  const [before, release] = [world.ids('web'), world.releases.get('web')!.get(1)];
  world.put('web', wanted(image));
  expect(extremes(world, 2, 60_000).fewest).toBe(3);
  expect(world.ids('web')).toEqual(before);
  expect(world.releases.get('web')!.get(1)).toBe(release);
  expect(world.status()).toMatchObject({ currentRelease: 1, targetRelease: 1, rollout: 'rolled-back', running: 3 });
  expect(world.move()).toMatchObject({ from: 1, to: 1, phase: 'rolled-back', failedRelease: 2 });
  expect(world.move()!.reason).toMatch(reason);
  expect(Object.values(world.move()!.failures)).toHaveLength(1);
});

test('a rollback holds until the document is written anew or says something else', () => {
  const world = whole().put('web', wanted('bad:2')).run(60_000);
  world.run(600_000);
  expect(world.releasesOf()).toEqual({ 1: 3 });
  // The same again is another try of the same release.
  world.put('web', wanted('bad:2')).plan();
  expect(world.move()).toMatchObject({ from: 1, to: 2, phase: 'prefetching', failures: {} });
  world.run(60_000);
  expect(world.status()).toMatchObject({ rollout: 'rolled-back', currentRelease: 1 });
  world.put('web', wanted('good:3')).run(60_000);
  expect(world.status()).toMatchObject({ rollout: 'steady', currentRelease: 3 });
  expect(world.move()).toBeUndefined();
});

test('what was moved goes back by the limits of the way back', () => {
  const world = whole({ parallelism: 2 });
  // The first two pass; the third one fails.
  world.put('web', wanted('good:2', { parallelism: 2 })).run(7000);
  const third = world.placements().find(({ slot, release }) => slot === 3 && release === 2)!;
  world.crashed.add(third.id);
  expect(extremes(world, 1, 60_000)).toEqual({ fewest: 3, unready: 2 });
  expect(world.status()).toMatchObject({ rollout: 'rolled-back', currentRelease: 1, running: 3, placed: 3 });
});

test('a rollback that fails stops where it is, and says so', () => {
  const world = whole({ parallelism: 2, order: 'stop-first' });
  world.put('web', wanted('good:2', { parallelism: 2, order: 'stop-first' })).run(7000);
  const third = world.placements().find(({ slot, release }) => slot === 3 && release === 2)!;
  world.crashed.add(third.id);
  const seen = new Set(world.placements().map(({ id }) => id));
  // Whatever comes now crashes, too.
  world.run(30_000, () => world.placements().forEach(({ id }) => (seen.has(id) ? undefined : world.crashed.add(id))));
  expect(world.status()).toMatchObject({ rollout: 'failed', targetRelease: 1 });
  expect(world.move()).toMatchObject({ phase: 'stopped', isRollback: true, failedRelease: 2 });
  expect(world.move()!.reason).toMatch(
    /^web@1 failed: 2 instances, the first of them web-\d-\w+ on h\d: exited with code 3$/,
  );
  const stopped = world.releasesOf();
  world.run(600_000);
  expect(world.releasesOf()).toEqual(stopped);
});

test('failure_action pause stops where it is, with what there is, until another document', () => {
  const world = whole({ failureAction: 'pause' })
    .put('web', wanted('bad:2', { failureAction: 'pause' }))
    .run(600_000);
  expect(world.status()).toMatchObject({ rollout: 'failed', currentRelease: 1, targetRelease: 2, running: 3 });
  expect(world.releasesOf()).toEqual({ 1: 3, 2: 1 });
  expect(world.move()!.reason).toMatch(/^web@2 failed: /);
  world.put('web', wanted('good:3')).run(60_000);
  expect([world.releasesOf(), world.status().rollout]).toEqual([{ 3: 3 }, 'steady']);
});

test('failure_action continue tries them all, beside what serves', () => {
  const world = whole().put('web', wanted('bad:2', { failureAction: 'continue' }));
  expect(extremes(world, 2, 60_000).fewest).toBe(3);
  expect(world.releasesOf()).toEqual({ 1: 3, 2: 3 });
  expect(world.status().rollout).toBe('rolling');
});

test.each<[number, string, Readonly<Record<number, number>>]>([
  [250, 'steady', { 2: 4 }],
  [200, 'rolled-back', { 1: 4 }],
])('with %d of a thousand that may fail, one of four that does and recovers leads to %s', (perMille, rollout, end) => {
  const update = { maxFailurePerMille: perMille };
  const world = whole(update, { replicas: 4 })
    .put('web', wanted('good:2', update, { replicas: 4 }))
    .run(1000);
  const first = world.placements().find(({ release }) => release === 2)!;
  world.crashed.add(first.id);
  world.run(5000);
  world.crashed.delete(first.id);
  world.run(60_000);
  expect([world.status().rollout, world.releasesOf()]).toEqual([rollout, end]);
});

test('a rollout that is not through at its deadline has failed, with what held it up', () => {
  const late = { rolloutDeadlineMs: 60_000 };
  const world = whole()
    .put('web', wanted('never:2', {}, { deploy: late }))
    .run(59_000);
  expect(world.status().rollout).toBe('rolling');
  world.run(20_000);
  expect(world.status()).toMatchObject({ rollout: 'rolled-back', currentRelease: 1, running: 3 });
  expect(world.move()!.reason).toMatch(/^web@2 failed: not through within 60 s/);
});

test('an edit during a rollout begins anew from where the instances are, and a later failure goes back to what was whole', () => {
  const world = whole({ parallelism: 2 });
  world.put('web', wanted('good:2', { parallelism: 2 })).run(7000);
  expect(world.releasesOf()[2]).toBeGreaterThanOrEqual(2);
  world.put('web', wanted('slow:3', { parallelism: 2 })).run(1000);
  expect(world.move()).toMatchObject({ from: 1, to: 3 });
  world.put('web', wanted('bad:4', { parallelism: 2 }));
  expect(extremes(world, 1, 120_000).fewest).toBe(3);
  expect(world.status()).toMatchObject({ rollout: 'rolled-back', currentRelease: 1, placed: 3 });
  expect(world.releasesOf()).toEqual({ 1: 3 });
});

test('two edits at once: the last one counts', () => {
  const world = whole().put('web', wanted('good:2'));
  world.plan();
  world.put('web', wanted('good:3'));
  expect(extremes(world, 3, 60_000).fewest).toBe(3);
  expect([world.releasesOf(), world.status().currentRelease]).toEqual([{ 3: 3 }, 3]);
});

test('scaling while a rollout is under way does not begin it anew', () => {
  const world = whole().put('web', wanted('good:2')).run(7000);
  const [moved] = world.placements().filter(({ release }) => release === 2);
  world.put('web', wanted('good:2', {}, { replicas: 5 })).run(2000);
  expect(world.placements().find(({ id }) => id === moved!.id)?.release).toBe(3);
  expect(world.move()).toMatchObject({ from: 1, to: 3, phase: 'moving' });
  world.run(60_000);
  expect([world.releasesOf(), world.status().rollout]).toEqual([{ 3: 5 }, 'steady']);
});

test('a change that needs no new container is whole at once, and a later failure goes back to as many', () => {
  const world = whole();
  const before = world.ids('web');
  world.put('web', wanted('good:1', {}, { replicas: 5 })).plan();
  expect(world.status()).toMatchObject({ currentRelease: 2, rollout: 'steady' });
  world.run(1000);
  expect(world.ids('web')).toEqual(expect.arrayContaining([...before]));
  world.put('web', wanted('bad:1', {}, { replicas: 5 })).run(60_000);
  expect(world.status()).toMatchObject({ currentRelease: 2, rollout: 'rolled-back', running: 5 });
});

test('a first release is placed all at once and watched; when it fails it stops, and is whole once it runs', () => {
  const deploy = { rolloutDeadlineMs: 60_000 };
  const world = new RolloutWorld().put('web', wanted('bad:1', {}, { deploy }));
  world.plan();
  expect(world.placements()).toHaveLength(3);
  world.run(30_000);
  expect(world.status()).toMatchObject({ rollout: 'rolling', currentRelease: 0 });
  expect(world.move()!.reason).toMatch(/exited with code 3/);
  world.run(60_000);
  expect(world.status()).toMatchObject({ rollout: 'failed', currentRelease: 0, placed: 3 });
  world.put('web', wanted('good:2', {}, { deploy })).run(60_000);
  expect([world.status().rollout, world.releasesOf()]).toEqual(['steady', { 2: 3 }]);
});

test('what ends well has passed', () => {
  const world = new RolloutWorld().put('web', wanted('done:1')).run(1000);
  expect(world.status()).toMatchObject({ rollout: 'steady', currentRelease: 1 });
});

test('broken ones of the old release are replaced first', () => {
  const world = whole();
  const broken = world.placements().find(({ slot }) => slot === 3)!;
  world.crashed.add(broken.id);
  world.run(1000);
  world.put('web', wanted('good:2')).run(1000);
  expect(world.placements().find(({ release }) => release === 2)!.slot).toBe(3);
});

test('clocks that are set do not hold a rollout up', () => {
  const world = whole()
    .put('web', wanted('good:2', { delayMs: 5000 }))
    .run(6500);
  world.wallMs -= 3_600_000;
  world.run(60_000);
  expect(world.status()).toMatchObject({ rollout: 'steady', currentRelease: 2 });
});

test.each<[string, (world: RolloutWorld, host: string, id: string) => void, number]>([
  ['paused', (world, _, id) => void world.pause(['instance', id]).crashed.add(id), 2],
  ['paused with its host', (world, host, id) => void world.pause(['host', host]).crashed.add(id), 2],
  ['down, and no more', (world, _, id) => void world.crashed.add(id), 2],
  ['on a host that is lost', (world, host) => world.set(host, { isLive: false }), 1],
  ['down on a cordoned host', (world, host, id) => void cordon(world, host).crashed.add(id), 1],
])('G7: a stop-first rollout on every host, where one is %s', (_, happen, fewest) => {
  const update = { order: 'stop-first' };
  const world = new RolloutWorld().put('web', wanted('good:1', update, { mode: 'global' })).run(10_000);
  const [host = '', id = ''] = world.ids('web')[0]!.split('/');
  happen(world, host, id);
  world.run(2000).put('web', wanted('never:2', update, { mode: 'global' }));
  let least = Infinity;
  world.run(30_000, () => {
    least = Math.min(least, world.placements().filter((one) => world.isWell(one)).length);
  });
  expect(least).toBe(fewest);
});

function cordon(world: RolloutWorld, host: string): RolloutWorld {
  world.set(host, { intent: { ...emptyDocument('HostIntent'), schedulable: false } });
  return world;
}
