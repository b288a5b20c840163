/** The coordinator's plan when something is in the way: lost hosts, stale reports, releases that fit nowhere. */
import { emptyDocument } from '../../lib/documents/codec';
import { GIB, World } from '../../test/support/world';

const three = (): World =>
  new World().addHost('h1', { zone: 'a' }).addHost('h2', { zone: 'b' }).addHost('h3', { zone: 'b' });

/** Every id that hosts report and that their assignment, now that there is one, leaves out: it would be stopped. */
function stopped(world: World): readonly string[] {
  return [...world.hosts.values()].flatMap(({ name, status, assignment }) =>
    assignment === undefined
      ? []
      : Object.keys(status?.instances ?? {})
          .filter((id) => !(id in assignment.instances) && !assignment.held.includes(id))
          .map((id) => `${name}/${id}`),
  );
}

test('G3: a host whose assignment is gone is taken at its word, even when its report is from before', () => {
  const world = three().put('web', { replicas: 3 }).put('api', { replicas: 2 });
  world.settle();
  const before = world.ids('web');
  // etcd was emptied, the operator's keys are back first, and agents put their last status before they
  // notice that their assignment is gone: nothing in it says "held" yet.
  for (const name of [...world.hosts.keys()]) world.loseAssignment(name);
  for (const map of [world.releases, world.serviceStatuses]) map.clear();
  world.services.delete('api');
  world.plan();
  expect(stopped(world)).toEqual([]);
  expect(world.ids('web')).toEqual(before);
});

test('what was on its way out when its assignment went missing is not taken back in', () => {
  const world = new World().addHost('h1').put('web', { replicas: 2 });
  world.settle();
  const { status } = world.hosts.get('h1')!;
  const [leaving, staying] = Object.keys(status!.instances) as [string, string];
  const instances = { ...status!.instances, [leaving]: { ...status!.instances[leaving]!, phase: 'STOPPING' as const } };
  world.loseAssignment('h1', instances);
  world.plan();
  const assigned = Object.keys(world.hosts.get('h1')!.assignment!.instances);
  expect(assigned).toHaveLength(2);
  expect(assigned).toContain(staying);
  expect(assigned).not.toContain(leaving);
});

test('G7: a stop-first release that fits nowhere takes nothing away', () => {
  const world = three().put('web', { replicas: 2, port: 80 });
  world.settle();
  const before = world.ids('web');
  world.put('web', { replicas: 2, port: 80, image: 'a:2', memoryBytes: 2 * GIB });
  expect(world.settle('web')).toBe(2);
  expect(world.ids('web')).toEqual(before);
  expect(world.serviceStatuses.get('web')!.document).toMatchObject({ rollout: 'rolling', running: 2 });
  expect(world.serviceStatuses.get('web')!.document!.unplaced).toHaveLength(3);
});

test.each<[string, (world: World) => void]>([
  ['lost', (world) => world.set('h1', { isLive: false })],
  ['cordoned', (world) => world.set('h1', { intent: { ...emptyDocument('HostIntent'), schedulable: false } })],
])('a global service is updated on the other hosts while the first is %s', (_, fault) => {
  const world = three().put('log', { mode: 'global' });
  world.settle();
  fault(world);
  world.put('log', { mode: 'global', image: 'a:2' }).settle();
  const releases = [...world.hosts.values()].map(({ assignment }) =>
    Object.values(assignment!.instances).map(({ release }) => release),
  );
  expect(releases).toEqual([[1], [2], [2]]);
});

test('a constraint that is added moves those that break it, one by one, and none that keeps it', () => {
  const world = three().put('web', { replicas: 3 });
  world.settle();
  const kept = world.ids('web').filter((id) => !id.startsWith('h1/'));
  expect(world.put('web', { replicas: 3, constraints: ['node.labels.zone == b'] }).settle('web')).toBe(3);
  expect(world.counts('web')[0]).toBe(0);
  expect(world.ids('web')).toEqual(expect.arrayContaining([...kept]));
});

test('a constraint that no host keeps moves nothing', () => {
  const world = three().put('web', { replicas: 3 });
  world.settle();
  const before = world.ids('web');
  expect(world.put('web', { replicas: 3, constraints: ['node.labels.zone == mars'] }).settle('web')).toBe(3);
  expect(world.ids('web')).toEqual(before);
});

test('G9: a host port that an unknown service holds is not given out', () => {
  const world = new World().addHost('h1').addHost('h2');
  const ports = [{ name: '', target: 80, published: 80, protocol: 'tcp' }];
  const report = { service: 'ghost', slot: 1, release: 4, phase: 'RUNNING' as const, containerId: 'c', health: 'none' };
  const idle = { progress: '', pausedUntilMs: 0, lastRestartReason: '', failedTries: 0 };
  const instances = { 'ghost-1-aaaa': { ...report, ports, restarts: 0, reason: '', held: true, spec: 'x', ...idle } };
  world.set('h1', { status: { ...emptyDocument('HostStatus'), instances } });
  world.put('web', { replicas: 2, port: 80 }).settle();
  expect(world.counts('web')).toEqual([0, 1]);
  expect(world.serviceStatuses.get('web')!.document!.unplaced).toContainEqual({
    host: 'h1',
    reason: 'host port 80/tcp is taken by ghost-1-aaaa',
  });
});

test('G9: what is not made yet keeps its host port when the assignment of its host is deleted', () => {
  const world = new World().addHost('h1').put('job', { port: 80 });
  world.settle();
  const { status } = world.hosts.get('h1')!;
  const [id] = Object.keys(status!.instances) as [string];
  const failed = { ...status!.instances[id]!, containerId: '', spec: '', phase: 'FAILED' as const };
  world.loseAssignment('h1', { [id]: failed });
  // Planned before it, by name.
  world.put('api', { port: 80 }).plan();
  expect(world.ids('job')).toEqual([`h1/${id}`]);
  expect(world.ids('api')).toEqual([]);
});

test('G9: a container that turns out to be as wanted is not pointed to a release whose port another has by now', () => {
  const world = new World().addHost('h1').put('job', { port: 80 });
  world.settle();
  const [id] = Object.keys(world.hosts.get('h1')!.assignment!.instances) as [string];
  // Its release can't be told from its number, and its host reports no port of it.
  const assignment = world.hosts.get('h1')!.assignment!;
  world.set('h1', {
    assignment: { ...assignment, instances: { [id]: { ...assignment.instances[id]!, release: 0 } } },
  });
  world.put('api', { port: 80 }).plan();
  expect(world.ids('api')).toHaveLength(1);
  expect(world.hosts.get('h1')!.assignment!.instances[id]?.release).not.toBe(1);
});

test('G9: a port that two of a slot have, the old one and one that is not made yet, stays taken when the old one goes', () => {
  const world = new World().addHost('h1').put('job', { port: 80, replicas: 2 });
  world.settle();
  const { status } = world.hosts.get('h1')!;
  const [old] = Object.keys(status!.instances) as [string];
  world.put('job', { port: 80, replicas: 2, image: 'a:2' }).plan();
  const [next] = Object.keys(world.hosts.get('h1')!.assignment!.instances) as [string];
  // While the old one was on its way out, etcd was restored from a backup: all that there is is what the host reports.
  const known = status!.instances[old]!;
  const ports = [{ name: '', target: 80, published: 80, protocol: 'tcp' }];
  const instances = {
    [next]: { ...known, release: 2, containerId: '', spec: '', phase: 'PENDING' as const, held: true },
    [old]: { ...known, ports, phase: 'STOPPING' as const, held: true },
  };
  world.loseAssignment('h1', instances);
  world.plan();
  expect(world.ids('job')).toEqual([`h1/${next}`]);
});

test('a garbage assignment is written anew even on a host that runs nothing', () => {
  const world = new World().addHost('h1');
  world.set('h1', { isAssignmentGarbage: true, assignmentRevision: 7 });
  world.put('web', { replicas: 0 }).plan();
  expect(world.hosts.get('h1')!.assignment).toEqual({ ...emptyDocument('Assignment'), revision: 1 });
});

test('G3: a backup of etcd that is restored stops nothing that it does not know of', () => {
  const world = three().put('web', { replicas: 3 });
  world.settle();
  const restore = world.backUp();
  world.put('api', { replicas: 3 }).settle();
  world.put('web', { replicas: 3, image: 'a:2' }).settle();
  const web = world.ids('web');
  const api = world.ids('api');
  restore();
  world.plan();
  expect(world.ids('web')).toEqual(expect.arrayContaining([...web]));
  expect(world.ids('api')).toEqual(api);
  // The service that the restored etcd knows goes back to what it says there, under the limits of a rollout.
  expect(world.settle('web')).toBe(3);
  expect(world.ids('api')).toEqual(api);
  expect([...world.hosts.values()].flatMap(({ assignment }) => assignment!.held)).toHaveLength(3);
  expect(world.serviceStatuses.get('web')!.document).toMatchObject({ currentRelease: 1, rollout: 'steady' });
  world.put('api', { replicas: 3 }).settle();
  expect(world.ids('api')).toEqual(api);
});

test('a count that nobody can have meant fills hosts up to a bound, at little cost', () => {
  const world = three().put('web', { replicas: 100_000 });
  const startedMs = performance.now();
  world.plan();
  expect(world.counts('web')).toEqual([1000, 1000, 1000]);
  expect(world.serviceStatuses.get('web')!.document!.unplaced[0]!.reason).toBe(
    'has 1000 instances, and 1000 are as many as a host gets',
  );
  // The leader renews its lease between plans.
  expect(performance.now() - startedMs).toBeLessThan(4000);
  world.put('web', { replicas: 3 });
  world.plan();
  expect(world.counts('web')).toEqual([1, 1, 1]);
});

test('a count that no host can hold is refused without asking every host for every instance', () => {
  const world = three().put('web', { replicas: 100_000, memoryBytes: GIB / 2 });
  let asked = 0;
  const capacity = { nanoCpus: 4e9, memoryBytes: GIB };
  for (const { name, record } of [...world.hosts.values()])
    world.set(name, { record: Object.defineProperty({ ...record! }, 'capacity', { get: () => (asked++, capacity) }) });
  world.plan();
  expect(world.counts('web')).toEqual([2, 2, 2]);
  expect(asked).toBeLessThan(100);
});
