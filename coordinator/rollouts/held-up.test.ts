/** What an operator reads of a rollout that does not go on; and that what does not move holds up nobody else. */
import { RolloutWorld, wanted } from '../../test/support/rollout-world';

const LARGE = { memoryBytes: 400 * 1024 * 1024, replicas: 2 };
const VOLUME = {
  ...{ type: 'volume', source: 'data', target: '/data', readOnly: false, tmpfsSizeBytes: 0, tmpfsMode: 0 },
  ...{ noCopy: false, createHostPath: false, propagation: '', nonRecursive: false, volumeExternal: false },
  ...{ volumeDriver: '', volumeDriverOptions: {}, volumeLabels: {}, volumeSubpath: '' },
};

test('a canary for which no host has room is not said to be watched', () => {
  const world = new RolloutWorld(1).put('web', wanted('good:1', {}, LARGE)).run(10_000);
  world.put('web', wanted('good:2', {}, { ...LARGE, deploy: { canary: 1 } })).run(10_000);
  expect(world.move()).toMatchObject({ phase: 'canary', watched: {} });
  expect(world.move()!.reason).toMatch(/^no host takes another one: h1: 400 MiB of memory are wanted/);
});

test('a canary that fails, where failures are no reason to go back, is told of', () => {
  const world = new RolloutWorld().put('web', wanted('good:1')).run(10_000);
  world.put('web', wanted('bad:2', { failureAction: 'continue' }, { deploy: { canary: 1 } })).run(10_000);
  expect(world.move()!.phase).toBe('canary');
  expect(world.move()!.reason).toMatch(/^web-1-\w+ on h\d: exited with code 3/);
});

test('a host that refuses what another one takes is no reason', () => {
  const world = new RolloutWorld(1).put('web', wanted('good:1', {}, LARGE)).run(10_000);
  world.addHost('h2').put('web', wanted('good:2', {}, LARGE));
  const told = new Set<string>();
  world.run(60_000, () => told.add(`${world.move()?.reason ?? ''}${JSON.stringify(world.status().unplaced)}`));
  expect([...told]).toEqual(['the image is on 0 of 1 hosts[]', '[]']);
  expect(world.status()).toMatchObject({ rollout: 'steady', currentRelease: 2 });
});

test('what is bound to a lost host is told of, and so is the deadline that it lets pass', () => {
  const [container, deploy] = [{ mounts: [VOLUME] }, { rolloutDeadlineMs: 60_000 }];
  const world = new RolloutWorld(2).put('db', wanted('good:1', {}, { replicas: 1, container })).run(10_000);
  const { id, host } = world.placements('db')[0]!;
  world.set(host, { isLive: false });
  world.put('db', wanted('good:2', {}, { replicas: 1, container, deploy })).run(30_000);
  const reason = `${id} on ${host} can not be replaced now: its host is lost; let it come back, or remove it`;
  expect(world.move('db')).toMatchObject({ phase: 'moving', reason });
  world.run(60_000);
  expect(world.move('db')!.reason).toBe(`db@2 failed: not through within 60 s: ${reason}`);
});

test('a deadline that passes says what was not ready', () => {
  const world = new RolloutWorld().put('web', wanted('good:1')).run(10_000);
  world.put('web', wanted('never:2', {}, { deploy: { rolloutDeadlineMs: 60_000 } })).run(90_000);
  expect(world.move()!.reason).toMatch(
    /^web@2 failed: not through within 60 s: web-1-\w+ on h\d is not ready: its health is starting$/,
  );
});

test.each<[string, (world: RolloutWorld, names: readonly string[]) => unknown]>([
  ['is paused', (world, names) => world.pause(...names.map((name) => ['service', name] as const))],
  ['is frozen', (world, names) => names.map((name) => world.intend(name, { freeze: { reason: '', by: '', atMs: 1 } }))],
  ['was deleted with many others, and is held', (world, names) => names.map((name) => world.services.delete(name))],
])('a rollout that %s keeps nobody from moving', (_, stop) => {
  const world = new RolloutWorld();
  const names = ['a1', 'a2', 'a3', 'a4', 'a5'];
  for (const name of [...names, 'web']) world.put(name, wanted('good:1'));
  world.run(10_000);
  for (const name of names) world.put(name, wanted('never:2'));
  world.run(10_000).put('web', wanted('good:2')).run(10_000);
  expect(world.move()!.reason).toMatch(/^waits for its turn/);
  stop(world, names);
  world.run(60_000);
  expect(world.status()).toMatchObject({ rollout: 'steady', currentRelease: 2 });
  expect(names.map((name) => world.move(name)!.phase)).toEqual(names.map(() => 'moving'));
});
