/** What comes before the first instance is replaced, what holds a rollout back, and what goes on meanwhile. */
import { emptyDocument } from '../../lib/documents/codec';
import { RolloutWorld, wanted } from '../../test/support/rollout-world';

const FREEZE = { reason: 'black friday', by: 'ann@desk', atMs: 0 };

function whole(more: Parameters<typeof wanted>[2] = {}, world = new RolloutWorld()): RolloutWorld {
  world.put('web', wanted('good:1', {}, more)).run(10_000);
  expect(world.status()).toMatchObject({ currentRelease: 1, rollout: 'steady' });
  return world;
}

test('images are pulled on every host with something to replace before anything is, and on no other', () => {
  const world = whole({ replicas: 2 });
  world.put('web', wanted('good:2', {}, { replicas: 2 })).plan();
  expect(world.move()).toMatchObject({ phase: 'prefetching', reason: 'the image is on 0 of 2 hosts' });
  const asked = [...world.hosts.values()].map(({ assignment }) => assignment?.prefetch ?? []);
  expect(asked).toEqual([['web@2'], ['web@2'], []]);
  world.run(60_000);
  expect(world.status()).toMatchObject({ currentRelease: 2, rollout: 'steady' });
  expect([...world.hosts.values()].flatMap(({ assignment }) => assignment?.prefetch ?? [])).toEqual([]);
});

test('an image that can not be pulled takes nothing away, is told, and fails at the deadline', () => {
  const deploy = { rolloutDeadlineMs: 60_000 };
  const world = whole();
  const before = world.ids('web');
  world.unknownImages.add('good:2');
  world.put('web', wanted('good:2', {}, { deploy })).run(50_000);
  expect(world.ids('web')).toEqual(before);
  expect(world.move()!.reason).toMatch(
    /^the image is on 0 of 3 hosts; it can not be pulled on h1: no such image: good:2/,
  );
  world.run(20_000);
  expect(world.status()).toMatchObject({ rollout: 'rolled-back', currentRelease: 1 });
  expect(world.move()!.reason).toMatch(/^web@2 failed: not through within 60 s: the image is on 0 of 3 hosts/);
});

test('a host that is lost is not waited for', () => {
  const world = whole({ container: { mounts: [DATA] } });
  world.set('h3', { isLive: false });
  world.put('web', wanted('good:2', { order: 'start-first' }, { container: { mounts: [DATA] } })).run(60_000);
  expect(world.releasesOf()).toEqual({ 1: 1, 2: 2 });
  expect(world.status()).toMatchObject({ currentRelease: 2, rollout: 'steady', running: 2 });
  world.set('h3', { isLive: true });
  world.run(60_000);
  expect([world.releasesOf(), world.status().rollout]).toEqual([{ 2: 3 }, 'steady']);
});

const DATA = {
  ...{ type: 'volume', source: 'data', target: '/data', readOnly: false, tmpfsSizeBytes: 0, tmpfsMode: 0 },
  ...{ noCopy: false, createHostPath: false, propagation: '', nonRecursive: false, volumeDriver: '' },
  ...{ volumeDriverOptions: {}, volumeLabels: {}, volumeSubpath: '', volumeExternal: false },
};

const BEFORE = { before: { command: ['migrate'], timeoutMs: 30_000 } };

test('a job runs once per release, before anything is replaced, and goes', () => {
  const world = whole({ deploy: BEFORE });
  expect(world.jobs.size).toBe(1);
  world.put('web', wanted('good:2', {}, { deploy: BEFORE })).plan();
  expect(world.move()).toMatchObject({ phase: 'before', reason: 'its job is to run' });
  const [job] = world.placements().filter(({ isBefore }) => isBefore);
  expect(job).toMatchObject({ slot: 0, release: 2 });
  expect(world.releasesOf()).toEqual({ 1: 3, 2: 1 });
  expect(world.status()).toMatchObject({ placed: 3, wanted: 3 });
  world.run(60_000);
  expect([world.jobs.size, world.releasesOf(), world.status().rollout]).toEqual([2, { 2: 3 }, 'steady']);
  // Neither a count nor an instance that is made anew is a reason to run it again.
  world.put('web', wanted('good:2', {}, { deploy: BEFORE, replicas: 4 })).run(10_000);
  expect([world.jobs.size, world.placements().length]).toEqual([2, 4]);
});

test.each<[RolloutWorld['job'], RegExp]>([
  ['fails', /^web@2 failed: its job web-0-\w+ on h\d exited with code 1$/],
  ['hangs', /^web@2 failed: its job web-0-\w+ on h\d did not end within 30 s$/],
])('a job that %s ends the rollout before anything was replaced', (job, reason) => {
  const world = whole({ deploy: BEFORE });
  const before = world.ids('web');
  world.job = job;
  world.put('web', wanted('good:2', {}, { deploy: BEFORE })).run(60_000);
  expect(world.ids('web')).toEqual(before);
  expect(world.status()).toMatchObject({ rollout: 'rolled-back', currentRelease: 1 });
  expect(world.move()!.reason).toMatch(reason);
});

test('a first release whose job fails is not placed', () => {
  const world = new RolloutWorld();
  world.job = 'fails';
  world.put('web', wanted('good:1', {}, { deploy: BEFORE })).run(60_000);
  expect(world.status()).toMatchObject({ rollout: 'failed', currentRelease: 0, placed: 0 });
  world.job = 'succeeds';
  world.put('web', wanted('good:1', {}, { deploy: BEFORE })).run(60_000);
  expect(world.status()).toMatchObject({ rollout: 'steady', currentRelease: 1, placed: 3 });
});

test('a job whose host is removed has failed: nobody knows how it ended', () => {
  const world = whole({ deploy: BEFORE });
  world.job = 'hangs';
  world.put('web', wanted('good:2', {}, { deploy: BEFORE })).run(5000);
  const { host } = world.placements().find(({ isBefore }) => isBefore)!;
  world.hosts.delete(host);
  world.run(20_000);
  expect(world.status().rollout).toBe('rolled-back');
  expect(world.move()!.reason).toMatch(/is gone with its host/);
});

test('canaries stand beside what serves until they are promoted', () => {
  const world = whole().put('web', wanted('good:2', {}, { deploy: { canary: 1, rolloutDeadlineMs: 60_000 } }));
  world.run(4000);
  expect([world.releasesOf(), world.move()!.phase]).toEqual([{ 1: 3, 2: 1 }, 'canary']);
  expect(world.move()!.reason).toBe('the canary is watched');
  // The time that an operator takes is no failure.
  world.run(600_000);
  expect([world.releasesOf(), world.status().rollout]).toEqual([{ 1: 3, 2: 1 }, 'rolling']);
  expect(world.move()!.reason).toMatch(/berth promote web/);
  world.intend('web', { promote: 1 }).run(10_000);
  expect(world.releasesOf()).toEqual({ 1: 3, 2: 1 });
  world.intend('web', { promote: 2 }).run(40_000);
  expect([world.releasesOf(), world.status().rollout]).toEqual([{ 2: 3 }, 'steady']);
});

test('canaries promote themselves when they may, and a canary that fails is taken back', () => {
  const deploy = { canary: 2, autoPromote: true };
  const world = whole()
    .put('web', wanted('good:2', {}, { deploy }))
    .run(4000);
  expect(world.releasesOf()).toEqual({ 1: 3, 2: 2 });
  world.run(60_000);
  expect([world.releasesOf(), world.status().rollout]).toEqual([{ 2: 3 }, 'steady']);
  const before = world.ids('web');
  world.put('web', wanted('late:3', {}, { deploy: { canary: 1 } })).run(60_000);
  expect([world.ids('web'), world.status().rollout]).toEqual([before, 'rolled-back']);
});

test('what was as the target wants it before is no canary, and none is waited for in vain', () => {
  const world = whole().put('web', wanted('good:2')).run(7000);
  world.put('web', wanted('good:3')).plan();
  expect(world.releasesOf()).toEqual({ 1: 2, 2: 1 });
  const deploy = { canary: 1, autoPromote: true, rolloutDeadlineMs: 60_000 };
  world.put('web', wanted('good:2', {}, { deploy })).run(1000);
  expect([world.releasesOf(), world.move()!.phase]).toEqual([{ 1: 2, 4: 2 }, 'canary']);
  world.run(120_000);
  expect([world.releasesOf(), world.status().rollout]).toEqual([{ 4: 3 }, 'steady']);
});

test('one that stands beside an old one is a canary, also when the rollout does not know of it', () => {
  const deploy = { canary: 1, autoPromote: true, rolloutDeadlineMs: 60_000 };
  const world = new RolloutWorld().put('web', wanted('good:1', {}, { replicas: 1 })).run(10_000);
  world.put('web', wanted('good:2', {}, { replicas: 1, deploy })).run(1000);
  expect([world.releasesOf(), world.move()!.phase]).toEqual([{ 1: 1, 2: 1 }, 'canary']);
  const known = world.serviceStatuses.get('web')!;
  const document = { ...known.document!, move: { ...world.move()!, watched: {} } };
  world.serviceStatuses.set('web', { ...known, document });
  world.run(2000);
  expect([world.releasesOf(), world.move()!.phase]).toEqual([{ 1: 1, 2: 1 }, 'canary']);
  world.run(120_000);
  expect([world.releasesOf(), world.status().rollout]).toEqual([{ 2: 1 }, 'steady']);
});

test('a canary that fails while it waits to be promoted is taken back, too', () => {
  const world = whole()
    .put('web', wanted('good:2', {}, { deploy: { canary: 1 } }))
    .run(60_000);
  const canary = world.placements().find(({ release }) => release === 2)!;
  world.crashed.add(canary.id);
  world.run(10_000);
  expect([world.releasesOf(), world.status().rollout]).toEqual([{ 1: 3 }, 'rolled-back']);
});

test('canaries of what two can not have are no more than others', () => {
  const world = whole({ port: 80 })
    .put('web', wanted('good:2', {}, { port: 80, deploy: { canary: 1 } }))
    .run(60_000);
  expect(world.releasesOf()).toEqual({ 1: 2, 2: 1 });
});

test('a service waits for those that it depends on, first releases too, and says for whom', () => {
  const deploy = { waitsFor: ['db'] };
  const world = new RolloutWorld().put('web', wanted('good:1', {}, { deploy })).run(5000);
  expect([world.placements(), world.move()!.reason]).toEqual([[], 'waits for db, which is not there']);
  world.put('db', wanted('bad:1', {}, { replicas: 1 })).run(5000);
  expect([world.placements(), world.move()!.reason]).toEqual([[], 'waits for db, which is rolling']);
  world.put('db', wanted('good:2', {}, { replicas: 1 })).run(30_000);
  expect(world.status()).toMatchObject({ rollout: 'steady', placed: 3 });
  // Both change at once: first the one, then the other.
  world.put('web', wanted('good:2', {}, { deploy })).put('db', wanted('good:3', {}, { replicas: 1 }));
  world.plan();
  world.plan();
  expect(world.move()).toMatchObject({ phase: 'waiting', reason: 'waits for db, which is rolling' });
  world.run(60_000);
  expect([world.releasesOf(), world.releasesOf('db')]).toEqual([{ 2: 3 }, { 3: 1 }]);
});

test('services that wait for each other are refused, and run on as they are', () => {
  const world = whole()
    .put('db', wanted('good:1', {}, { deploy: { waitsFor: ['web'] } }))
    .run(10_000);
  world.put('web', wanted('good:2', {}, { deploy: { waitsFor: ['db'] } })).run(10_000);
  const message =
    'web waits for db, db waits for web: none of them could ever begin. Let one of them wait by service_started, or for nothing';
  expect(world.status()).toMatchObject({ accepted: false, currentRelease: 1, problems: [{ rule: 'cycle', message }] });
  expect([world.releasesOf(), world.releasesOf('db')]).toEqual([{ 1: 3 }, { 1: 3 }]);
});

test('so many rollouts at once, in the order of their releases; first releases are not counted', () => {
  const world = new RolloutWorld();
  world.clusterIntent = { document: { ...emptyDocument('ClusterIntent'), maxRollouts: 2 }, modRevision: 1 };
  const names = ['a', 'b', 'c', 'd', 'e'];
  for (const name of names) world.put(name, wanted('good:1', {}, { replicas: 1 }));
  world.run(1000);
  expect(names.map((name) => world.move(name)!.phase)).toEqual(names.map(() => 'moving'));
  world.run(20_000);
  world.put('e', wanted('good:2', {}, { replicas: 1 })).run(1000);
  for (const name of names.slice(0, 4)) world.put(name, wanted('good:2', {}, { replicas: 1 }));
  let most = 0;
  // It was there first.
  const order = ['e'];
  world.run(60_000, () => {
    const moving = names.filter((name) => ['prefetching', 'moving'].includes(world.move(name)?.phase ?? ''));
    most = Math.max(most, moving.length);
    for (const name of moving) if (!order.includes(name)) order.push(name);
  });
  expect([most, order]).toEqual([2, ['e', 'a', 'b', 'c', 'd']]);
  expect(names.map((name) => world.status(name).currentRelease)).toEqual([2, 2, 2, 2, 2]);
});

test.each<[string, (world: RolloutWorld, isOn: boolean) => void, RegExp]>([
  [
    'a service',
    (world, isOn) => {
      const before = world.serviceIntents.get('web')?.document ?? emptyDocument('ServiceIntent');
      const document = isOn ? { ...before, freeze: FREEZE } : emptyDocument('ServiceIntent');
      world.serviceIntents.set('web', { document, modRevision: 1 });
    },
    /^frozen by ann@desk: black friday; "berth unfreeze web" ends it$/,
  ],
  [
    'the cluster',
    (world, isOn) => {
      const document = { ...emptyDocument('ClusterIntent'), ...(isOn && { freeze: FREEZE }) };
      world.clusterIntent = { document, modRevision: 1 };
    },
    /^the cluster is frozen by ann@desk: black friday; "berth unfreeze" ends it$/,
  ],
])('while %s is frozen nothing changes but repairs, and afterwards it goes on', (_, freeze, reason) => {
  const deploy = { rolloutDeadlineMs: 60_000 };
  const world = whole()
    .put('web', wanted('good:2', {}, { deploy }))
    .run(7000);
  freeze(world, true);
  world.run(1000);
  const before = world.placements().map(({ id, release }) => [id, release]);
  world.put('web', wanted('good:3', {}, { deploy, replicas: 9 })).run(600_000);
  expect(world.placements().map(({ id, release }) => [id, release])).toEqual(before);
  expect(world.status()).toMatchObject({ frozen: expect.stringMatching(reason) as string, currentRelease: 1 });
  expect(world.releases.get('web')!.size).toBe(2);
  // What is lost is replaced all the same, of the release that its slot had.
  world.drain('h2').set('h1', { isLive: false });
  world.run(10_000);
  expect(world.placements().filter(({ host }) => host === 'h1')).toEqual([]);
  expect(world.placements().some(({ host }) => host === 'h2')).toBe(true);
  expect(new Set(world.placements().map(({ slot }) => slot)).size).toBe(3);
  freeze(world, false);
  world.run(120_000);
  expect([world.releasesOf(), world.status().rollout, world.status().frozen]).toEqual([{ 3: 9 }, 'steady', '']);
});

test('an operator’s rollback goes to the very release, and holds until another one is cut', () => {
  const world = whole().put('web', wanted('good:2')).run(60_000);
  const release = world.releases.get('web')!.get(1);
  world.intend('web', { rollback: { release: 1, insteadOf: 2, by: 'ann@desk', atMs: 0 } }).run(60_000);
  expect([world.releasesOf(), world.releases.get('web')!.get(1)]).toEqual([{ 1: 3 }, release]);
  expect(world.status()).toMatchObject({ currentRelease: 1, targetRelease: 1, rollout: 'steady' });
  world.put('web', wanted('good:3')).run(60_000);
  expect([world.releasesOf(), world.status().currentRelease]).toEqual([{ 3: 3 }, 3]);
});

test('an operator’s rollback of a rollout that stopped takes back what was made', () => {
  const world = whole()
    .put('web', wanted('bad:2', { failureAction: 'pause' }))
    .run(60_000);
  world.intend('web', { rollback: { release: 1, insteadOf: 2, by: 'ann@desk', atMs: 0 } }).run(60_000);
  expect([world.releasesOf(), world.status().rollout, world.move()]).toEqual([{ 1: 3 }, 'steady', undefined]);
});
