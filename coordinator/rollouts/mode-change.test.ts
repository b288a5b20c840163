/** From one on every host to a count of replicas, and back. */
import { RolloutWorld, wanted } from '../../test/support/rollout-world';

/** A service of three that is whole on its first release. */
function whole(update: Parameters<typeof wanted>[1] = {}, more: Parameters<typeof wanted>[2] = {}): RolloutWorld {
  const world = new RolloutWorld().put('web', wanted('good:1', update, more)).run(10_000);
  expect(world.status()).toMatchObject({ currentRelease: 1, targetRelease: 1, rollout: 'steady' });
  return world;
}

/** The fewest instances that were ready at once, of whichever slot, while time passes. */
function fewestReady(world: RolloutWorld, forMs: number): number {
  let fewest = Infinity;
  world.run(forMs, () => {
    fewest = Math.min(fewest, world.placements().filter((one) => world.isWell(one)).length);
  });
  return fewest;
}

test('from one on every host to as many replicas, and back: step by step, and no fewer are ready at any time', () => {
  const world = whole({}, { mode: 'global' }).put('web', wanted('good:2', {}, { replicas: 3 }));
  expect(fewestReady(world, 120_000)).toBe(3);
  expect([world.releasesOf(), world.status().rollout]).toEqual([{ 2: 3 }, 'steady']);
  world.put('web', wanted('good:3', {}, { mode: 'global' }));
  expect(fewestReady(world, 120_000)).toBe(3);
  expect([world.releasesOf(), world.status().rollout]).toEqual([{ 3: 3 }, 'steady']);
});

test('from one on every host to fewer replicas: who serves stays', () => {
  const world = whole({}, { mode: 'global' });
  const [first, second] = world.ids('web').map((id) => id.split('/')[1]!);
  world.crashed.add(first!).add(second!);
  world.run(1000);
  world.put('web', wanted('slow:2', {}, { replicas: 1 }));
  expect(fewestReady(world, 120_000)).toBe(1);
  expect([world.releasesOf(), world.status().rollout]).toEqual([{ 2: 1 }, 'steady']);
});

test('a move from one on every host to replicas that another edit supersedes takes nothing away before it moves', () => {
  const world = whole({}, { mode: 'global' })
    .put('web', wanted('good:2', {}, { replicas: 3 }))
    .run(9000);
  const before = world.ids('web');
  expect(before.length).toBeGreaterThan(3);
  world.put('web', wanted('good:3', {}, { replicas: 3 })).plan();
  expect([world.ids('web'), world.move()!.phase]).toEqual([before, 'prefetching']);
  expect(fewestReady(world, 120_000)).toBeGreaterThanOrEqual(3);
  expect([world.releasesOf(), world.status().rollout]).toEqual([{ 3: 3 }, 'steady']);
});

test.each<[string, Parameters<typeof wanted>[1], string, number, number]>([
  ['by its fixed port', {}, 'slow:2', 3, 2],
  ['by its order', { order: 'stop-first' }, 'slow:2', 3, 2],
  ['to more than there were', { order: 'stop-first' }, 'slow:2', 5, 3],
  ['to fewer than there were', { order: 'stop-first' }, 'slow:2', 2, 1],
  ['with the same containers, stop-first', { order: 'stop-first' }, 'slow:1', 3, 2],
  ['with the same containers, start-first', {}, 'slow:1', 3, 3],
])(
  'G7: from one on every host to replicas, %s: no more are taken away than the limits allow',
  (what, update, image, replicas, fewest) => {
    const port = what === 'by its fixed port' ? { port: 80 } : {};
    const world = new RolloutWorld().put('web', wanted('slow:1', update, { mode: 'global', ...port })).run(20_000);
    expect(world.status()).toMatchObject({ rollout: 'steady', running: 3 });
    const [first] = world.ids('web');
    world.put('web', wanted(image, update, { replicas, ...port }));
    expect(fewestReady(world, 300_000)).toBe(fewest);
    expect([world.releasesOf(), world.status().rollout]).toEqual([{ 2: replicas }, 'steady']);
    expect(
      world
        .placements()
        .map(({ slot }) => slot)
        .sort(),
    ).toEqual([1, 2, 3, 4, 5].slice(0, replicas));
    // As far apart as they were.
    expect(new Set(world.placements().map(({ host }) => host)).size).toBe(Math.min(replicas, 3));
    // Who can keep its place does.
    expect(world.ids('web').includes(first!)).toBe(image === 'slow:1');
  },
);

test('canaries are not waited for where nothing is left for them to stand beside', () => {
  const [update, deploy] = [{ parallelism: 0 }, { canary: 2, autoPromote: true, rolloutDeadlineMs: 60_000 }];
  const world = whole({}, { replicas: 0 }).put('web', wanted('slow:2', update, { mode: 'global' }));
  world.run(1000);
  expect(world.releasesOf()).toEqual({ 2: 3 });
  world.put('web', wanted('good:3', update, { replicas: 0, deploy })).run(600_000);
  expect([world.status().rollout, world.status().currentRelease, world.releasesOf()]).toEqual(['steady', 3, {}]);
});

test('canaries of a stop-first rollout wait for nothing that a superseded move to every host left beside them', () => {
  const deploy = { canary: 2, autoPromote: true, rolloutDeadlineMs: 60_000 };
  const world = whole().put('web', wanted('bad:2', { parallelism: 0 }, { mode: 'global' }));
  for (let looks = 0; looks < 2; looks++) {
    world.plan();
    world.act();
  }
  expect(world.releasesOf()).toEqual({ 1: 3, 2: 3 });
  world.put('web', wanted('good:3', {}, { replicas: 2, port: 80, deploy })).run(600_000);
  expect([world.status().rollout, world.status().currentRelease, world.releasesOf()]).toEqual(['steady', 3, { 3: 2 }]);
});

test('from one on every host to fewer replicas: who has to leave its host goes, and who may stay serves on', () => {
  const world = whole({}, { mode: 'global' }).put('web', wanted('never:2', {}, { replicas: 2 }));
  world.plan();
  world.act();
  expect(world.move()!.phase).toBe('prefetching');
  world.drain('h1').run(1000);
  const old = world.placements().filter(({ release }) => release === 1);
  expect(old.map(({ host }) => host)).toEqual(['h2', 'h3']);
});

test('what a superseded move to every host left goes once the last whole release serves again: canaries want its ports', () => {
  const [update, deploy] = [{ parallelism: 0 }, { canary: 1, autoPromote: true, rolloutDeadlineMs: 60_000 }];
  const world = whole().put('web', wanted('good:1', update, { mode: 'global', port: 80 }));
  for (let looks = 0; looks < 2; looks++) {
    world.plan();
    world.act();
  }
  expect(world.releasesOf()).toEqual({ 2: 3 });
  world.put('web', wanted('good:3', {}, { replicas: 2, port: 80, deploy }));
  expect(fewestReady(world, 600_000)).toBeGreaterThanOrEqual(1);
  expect([world.status().rollout, world.status().currentRelease, world.releasesOf()]).toEqual(['steady', 3, { 3: 2 }]);
});

test('G7: who serves nobody goes first: a canary takes the place of what a superseded move to every host left', () => {
  const deploy = { canary: 1, autoPromote: true, rolloutDeadlineMs: 60_000 };
  const world = whole()
    .addHost('h4')
    .put('web', wanted('never:2', { parallelism: 0 }, { mode: 'global' }));
  world.run(1000);
  expect(world.releasesOf()).toEqual({ 1: 3, 2: 4 });
  world.put('web', wanted('good:3', {}, { replicas: 4, port: 80, deploy }));
  expect(fewestReady(world, 600_000)).toBe(3);
  expect([world.status().rollout, world.releasesOf()]).toEqual(['steady', { 3: 4 }]);
});

test.each<[string, Parameters<typeof wanted>[2], Parameters<typeof wanted>[2]]>([
  ['to every host', { replicas: 3 }, { mode: 'global' }],
  ['to a count', { mode: 'global' }, { replicas: 3 }],
])('the last whole release is repaired where what a superseded move %s left serves nobody', (_, one, another) => {
  const world = new RolloutWorld().put('web', wanted('slow:1', {}, one)).run(20_000);
  world.put('web', wanted('never:2', { order: 'stop-first', parallelism: 0 }, another));
  for (let looks = 0; looks < 2; looks++) {
    world.plan();
    world.act();
  }
  expect(world.releasesOf()).toEqual({ 2: 3 });
  world.job = 'hangs';
  const deploy = { before: { command: ['migrate'], timeoutMs: 600_000 } };
  world.put('web', wanted('good:3', {}, { ...one, deploy })).run(10_000);
  const served = world.placements().filter((placement) => !placement.isBefore && world.isWell(placement));
  expect([world.move()!.phase, served.map(({ release }) => release)]).toEqual(['before', [1, 1, 1]]);
});

test('what serves of a superseded move to every host has a place where nobody is: plans come to an end', () => {
  const MIB = 2 ** 20;
  const world = new RolloutWorld(0)
    .addHost('h1')
    .addHost('h2', {}, 700 * MIB)
    .addHost('h3');
  world.put('web', wanted('slow:1', {}, { replicas: 4, memoryBytes: 350 * MIB })).run(20_000);
  const update = { order: 'stop-first', parallelism: 0 };
  world.put('web', wanted('good:2', update, { mode: 'global', memoryBytes: 600 * MIB }));
  for (let looks = 0; looks < 2; looks++) {
    world.plan();
    world.act();
  }
  expect(world.releasesOf()).toEqual({ 2: 3 });
  for (const { id, host } of world.placements()) if (host !== 'h3') world.crashed.add(id);
  world.job = 'hangs';
  const deploy = { before: { command: ['migrate'], timeoutMs: 600_000 } };
  world.put('web', wanted('good:3', {}, { replicas: 4, deploy })).run(20_000);
  const served = world.placements().filter((one) => !one.isBefore && world.isWell(one));
  expect(served.map(({ release }) => release).sort()).toEqual([1, 1, 1, 2]);
});
