import { World } from '../../test/support/world';
import { BRAKE_WINDOW_MS, DELETED_SERVICES, LOST_HOSTS } from './brakes';

const HOSTS = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'h7', 'h8', 'h9'];

function worldOf(hosts: number): World {
  const world = new World();
  for (const name of HOSTS.slice(0, hosts)) world.addHost(name);
  world.put('web', { replicas: hosts }).settle();
  return world;
}

function lose(world: World, ...names: readonly string[]): void {
  for (const name of names) world.set(name, { isLive: false });
  world.plan();
}

const alarms = (world: World): readonly string[] =>
  world.clusterStatus.document.alarms.map(({ kind, names }) => `${kind}: ${names.join(' ')}`);

test.each([
  ['one of three', 3, 1, false],
  ['two of three', 3, 2, false],
  ['three of three', 3, 3, true],
  ['three of eight', 8, 3, true],
  ['three of nine: a third, not more', 9, 3, false],
  ['four of nine', 9, 4, true],
])('%s hosts lost at once', (_, hosts, lost, isBraked) => {
  const world = worldOf(hosts);
  const names = HOSTS.slice(0, lost);
  lose(world, ...names);
  expect(alarms(world)).toEqual(isBraked ? [`lost-hosts: ${names.join(' ')}`] : []);
  for (const name of names) expect(world.hosts.get(name)!.loss!.document.sinceMs).toBe(world.wallMs);
});

test('hosts that are lost one after another, each after the window of the last, are no alarm', () => {
  const world = worldOf(5);
  for (const name of ['h1', 'h2', 'h3']) {
    lose(world, name);
    world.wallMs += BRAKE_WINDOW_MS + 1;
    world.plan();
  }
  expect(alarms(world)).toEqual([]);
});

test('the brake ends when so many are back that it would not have been pulled', () => {
  const world = worldOf(5);
  lose(world, 'h1', 'h2', 'h3');
  world.wallMs += 10 * BRAKE_WINDOW_MS;
  world.plan();
  expect(alarms(world)).toHaveLength(1);
  world.set('h2', { isLive: true });
  world.plan();
  expect(alarms(world)).toEqual([]);
  expect(world.hosts.get('h2')!.loss).toBeUndefined();
});

test('an operator releases what they saw, and what is lost later is another alarm', () => {
  const world = worldOf(9);
  lose(world, 'h1', 'h2', 'h3', 'h4');
  const [alarm] = world.clusterStatus.document.alarms;
  expect(alarm!.message).toContain('4 of 9 hosts were lost at once, at 2027-01-15T08:00:00Z');
  world.wallMs += 1000;
  const document = { ...world.clusterIntent.document, released: { [LOST_HOSTS]: alarm!.id } };
  world.clusterIntent = { document, modRevision: 1 };
  world.plan();
  expect(alarms(world)).toEqual([]);
  lose(world, 'h5', 'h6', 'h7');
  expect(alarms(world)).toEqual(['lost-hosts: h5 h6 h7']);
});

test('a loss that is noted in the time to come counts as now', () => {
  const world = worldOf(5);
  lose(world, 'h1', 'h2', 'h3');
  const loss = { document: { sinceMs: world.wallMs + 1e9 }, modRevision: 5 };
  world.set('h1', { loss });
  world.plan();
  expect(alarms(world)).toEqual(['lost-hosts: h1 h2 h3']);
});

function withServices(count: number): World {
  const world = new World().addHost('h1').addHost('h2');
  for (let index = 1; index <= count; index++) world.put(`s${index}`, {});
  world.settle();
  return world;
}

function remove(world: World, ...names: readonly string[]): void {
  for (const name of names) world.services.delete(name);
  world.plan();
  world.act();
}
const running = (world: World, count: number): number =>
  Array.from({ length: count }, (_, index) => world.running(`s${index + 1}`)).reduce((sum, one) => sum + one, 0);

test.each([
  ['two of two', 2, 2, false],
  ['three of three', 3, 3, true],
  ['three of six: half, not more', 6, 3, false],
  ['three of five', 5, 3, true],
])('%s services deleted at once', (_, services, deleted, isHeld) => {
  const world = withServices(services);
  remove(world, ...Array.from({ length: deleted }, (__, index) => `s${index + 1}`));
  expect(alarms(world).length).toBe(isHeld ? 1 : 0);
  expect(running(world, services)).toBe(isHeld ? services : services - deleted);
  if (isHeld) expect(world.serviceStatuses.get('s1')!.document!.rollout).toBe('held');
});

test('services whose deletion is confirmed stop', () => {
  const world = withServices(4);
  remove(world, 's1', 's2', 's3');
  expect(running(world, 4)).toBe(4);
  world.wallMs += 1000;
  const { id } = world.clusterStatus.document.alarms[0]!;
  const document = { ...world.clusterIntent.document, released: { [DELETED_SERVICES]: id } };
  world.clusterIntent = { document, modRevision: 1 };
  world.settle();
  expect(running(world, 4)).toBe(1);
  expect([...world.serviceStatuses.keys()]).toEqual(['s4']);
  expect(alarms(world)).toEqual([]);
});

test('services that are written again were never gone', () => {
  const world = withServices(4);
  const before = ['s1', 's2', 's3', 's4'].map((service) => world.ids(service));
  remove(world, 's1', 's2', 's3');
  for (const service of ['s1', 's2', 's3']) world.put(service, {});
  world.settle();
  expect(['s1', 's2', 's3', 's4'].map((service) => world.ids(service))).toEqual(before);
  expect(world.serviceStatuses.get('s1')!.document).toMatchObject({ rollout: 'steady', deletedAtMs: 0 });
  expect(alarms(world)).toEqual([]);
});

test('the clock of who noted the losses was ahead: they begin now, and the alarm can be released all the same', () => {
  const world = worldOf(4);
  lose(world, 'h1', 'h2', 'h3');
  world.wallMs -= 3_600_000;
  world.plan();
  const [alarm] = world.clusterStatus.document.alarms;
  world.wallMs += 1000;
  world.plan();
  expect(world.clusterStatus.document.alarms).toEqual([alarm]);
  world.clusterIntent = {
    document: { ...world.clusterIntent.document, released: { [LOST_HOSTS]: alarm!.id } },
    modRevision: 1,
  };
  world.plan();
  expect(alarms(world)).toEqual([]);
  expect(world.counts('web')).toEqual([1, 1, 1, 4]);
});

test('what is replaced some time after a loss does not wait for a clock that was ahead', () => {
  const world = worldOf(2);
  const deploy = { onDisconnect: { stopAfterMs: 0, replaceAfterMs: 30_000 } };
  world.put('web', { replicas: 2, deploy }).settle();
  lose(world, 'h1');
  world.wallMs -= 3_600_000;
  world.plan();
  world.wallMs += 29_000;
  world.plan();
  expect(world.counts('web')).toEqual([1, 1]);
  world.wallMs += 1000;
  world.plan();
  expect(world.counts('web')).toEqual([1, 2]);
});
