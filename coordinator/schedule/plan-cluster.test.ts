/** The coordinator's plan, against a model of hosts that do what they are told. */
import * as fc from 'fast-check';
import { emptyDocument } from '../../lib/documents/codec';
import { GIB, World } from '../../test/support/world';
import { placementsOf } from '../view';

const three = (): World =>
  new World().addHost('h1', { zone: 'a' }).addHost('h2', { zone: 'b' }).addHost('h3', { zone: 'b' });

test('replicas are spread, and a plan of the outcome changes nothing', () => {
  const world = three().put('web', { replicas: 5 });
  world.settle();
  expect(world.counts('web')).toEqual([2, 2, 1]);
  expect(world.serviceStatuses.get('web')!.document).toMatchObject({
    currentRelease: 1,
    targetRelease: 1,
    rollout: 'steady',
    wanted: 5,
    placed: 5,
    running: 5,
  });
});

test('scaling keeps what is there, in both directions', () => {
  const world = three().put('web', { replicas: 3 });
  world.settle();
  const before = world.ids('web');
  world.put('web', { replicas: 6 }).settle();
  expect(world.ids('web')).toEqual(expect.arrayContaining([...before]));
  world.put('web', { replicas: 3 }).settle();
  expect(world.ids('web')).toEqual(before);
});

test('G7: a new image replaces one by one and never goes below the count', () => {
  const world = three().put('web', { replicas: 3 });
  world.settle();
  const before = world.ids('web');
  expect(world.put('web', { replicas: 3, image: 'a:2' }).settle('web')).toBe(3);
  expect(world.ids('web').filter((id) => before.includes(id))).toEqual([]);
});

test('with a fixed port it is one less on the way, on the same hosts', () => {
  const world = three().put('web', { replicas: 3, port: 80 });
  world.settle();
  expect(world.counts('web')).toEqual([1, 1, 1]);
  expect(world.put('web', { replicas: 3, port: 80, image: 'a:2' }).settle('web')).toBeGreaterThanOrEqual(2);
  expect(world.counts('web')).toEqual([1, 1, 1]);
});

test('a release that never becomes ready ends at its first instance, by itself; the next edit moves on', () => {
  const world = three().put('web', { replicas: 3 });
  world.broken.add('bad:1');
  world.settle();
  const before = world.ids('web');
  expect(world.put('web', { replicas: 3, image: 'bad:1' }).settle('web')).toBe(3);
  expect(world.ids('web')).toEqual(before);
  expect(world.serviceStatuses.get('web')!.document).toMatchObject({
    ...{ currentRelease: 1, targetRelease: 1, rollout: 'rolled-back', running: 3 },
  });
  world.put('web', { replicas: 3, image: 'a:3' }).settle('web');
  expect(world.ids('web')).toHaveLength(3);
  expect(world.serviceStatuses.get('web')!.document).toMatchObject({ currentRelease: 3, running: 3 });
});

test('G5: a bad document leaves the last release in force', () => {
  const world = three().put('web', { replicas: 2 });
  world.settle();
  const before = world.ids('web');
  world.put('web', 'bad').settle();
  expect(world.ids('web')).toEqual(before);
  expect(world.serviceStatuses.get('web')!.document).toMatchObject({
    accepted: false,
    currentRelease: 1,
    problems: [{ rule: 'unknown-key' }],
  });
});

test('a deleted service stops, and its releases go when no host runs it any more', () => {
  const world = three().put('web', { replicas: 2 });
  world.settle();
  world.services.delete('web');
  world.plan();
  expect(world.ids('web')).toEqual([]);
  expect(world.releases.has('web')).toBe(true);
  world.act();
  world.plan();
  expect([world.releases.has('web'), world.serviceStatuses.has('web')]).toEqual([false, false]);
});

test('a service whose key is deleted while it is frozen runs on until it is not', () => {
  const world = three().put('web', { replicas: 3 });
  world.settle();
  const before = world.ids('web');
  const freeze = { reason: 'audit', by: 'ann@ops', atMs: 1 };
  world.serviceIntents.set('web', { document: { ...emptyDocument('ServiceIntent'), freeze }, modRevision: 1 });
  world.services.delete('web');
  world.settle();
  expect(world.ids('web')).toEqual(before);
  const frozen = 'frozen by ann@ops: audit; "berth unfreeze web" ends it';
  expect(world.serviceStatuses.get('web')!.document).toMatchObject({ rollout: 'held', frozen });
  world.serviceIntents.clear();
  world.settle();
  expect([world.ids('web'), world.releases.has('web'), world.serviceStatuses.has('web')]).toEqual([[], false, false]);
});

test('global: one on every host that fits, also on those that come later, and none leaves a lost one', () => {
  const world = three().put('log', { mode: 'global', constraints: ['node.labels.zone == b'] });
  world.settle();
  expect(world.counts('log')).toEqual([0, 1, 1]);
  world.set('h2', { isLive: false });
  world.addHost('h4', { zone: 'b' }).settle();
  expect(world.counts('log')).toEqual([0, 1, 1, 1]);
});

test('every host that refuses says why', () => {
  const world = three().put('web', { memoryBytes: 2 * GIB });
  world.addHost('h4', {}, 4 * GIB).set('h4', { intent: { ...emptyDocument('HostIntent'), schedulable: false } });
  world.set('h1', { isLive: false });
  world.settle();
  expect(world.serviceStatuses.get('web')!.document!.unplaced).toEqual([
    { host: 'h1', reason: 'lost: its agent does not renew its lease' },
    { host: 'h2', reason: '2048 MiB of memory are wanted and 1024 MiB are not reserved yet' },
    { host: 'h3', reason: '2048 MiB of memory are wanted and 1024 MiB are not reserved yet' },
    { host: 'h4', reason: 'cordoned' },
  ]);
});

test('G3: after etcd was emptied, services are adopted as they are applied again, and the others held', () => {
  const world = three().put('web', { replicas: 3 }).put('api', { replicas: 2 }).put('db', { port: 5432 });
  world.settle();
  const before = { web: world.ids('web'), api: world.ids('api'), db: world.ids('db') };
  world.wipe();
  expect(world.plan()).toBe(0);
  world.put('web', { replicas: 3 }).settle();
  expect({ web: world.ids('web'), api: world.ids('api'), db: world.ids('db') }).toEqual(before);
  expect(world.releases.get('web')!.has(2)).toBe(true);
  world.put('api', { replicas: 2, image: 'a:2' }).settle('api');
  expect(world.ids('web')).toEqual(before.web);
  expect(world.ids('db')).toEqual(before.db);
  expect(world.ids('api').filter((id) => before.api.includes(id))).toEqual([]);
  expect(world.running('db')).toBe(1);
});

test('a host is given nothing before it has said what it runs', () => {
  const world = new World().addHost('h1').put('web', {});
  world.hosts.set('h1', { name: 'h1', isLive: true, assignmentRevision: 0, isAssignmentGarbage: false });
  expect(world.plan()).toBe(1);
  expect(world.hosts.get('h1')!.assignment).toBeUndefined();
  expect(world.serviceStatuses.get('web')!.document!.unplaced[0]!.reason).toBe('its agent has not reported yet');
});

test('G9: any services on any hosts: never over capacity, never a port twice, spread within one, stable', () => {
  const service = fc.record({
    replicas: fc.integer({ min: 0, max: 6 }),
    memoryBytes: fc.constantFrom(0, GIB / 4, GIB / 2),
    port: fc.constantFrom(undefined, 80, 81),
    image: fc.constantFrom('a:1', 'a:2'),
  });
  const edits = fc.array(fc.tuple(fc.constantFrom('w', 'x', 'y'), fc.option(service)), { maxLength: 8 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), edits, (hosts, changes) => {
      const world = new World();
      for (let i = 0; i < hosts; i++) world.addHost(`h${i}`);
      for (const [name, wanted] of changes) {
        if (wanted === null) world.services.delete(name);
        else world.put(name, wanted);
        world.settle();
        for (const host of world.hosts.values()) {
          const releases = placementsOf(host).map((one) => world.releases.get(one.service)!.get(one.release)!);
          expect(releases.reduce((sum, one) => sum + one.deploy.reservations.memoryBytes, 0)).toBeLessThanOrEqual(GIB);
          const ports = releases.flatMap((one) => one.container.ports.map(({ published }) => published));
          expect(new Set(ports).size).toBe(ports.length);
        }
      }
      for (const [name] of world.services) {
        const status = world.serviceStatuses.get(name)!.document!;
        if (status.placed < status.wanted) expect(status.unplaced).toHaveLength(hosts);
      }
    }),
    { numRuns: 300 },
  );
});

test('spread is within one of even when nothing forbids it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 4 }),
      (hosts, replicas) => {
        const world = new World();
        for (let i = 0; i < hosts; i++) world.addHost(`h${i}`);
        replicas.forEach((count, index) => world.put(`s${index}`, { replicas: count }));
        world.settle();
        replicas.forEach((_, index) =>
          expect(Math.max(...world.counts(`s${index}`)) - Math.min(...world.counts(`s${index}`))).toBeLessThanOrEqual(
            1,
          ),
        );
      },
    ),
  );
});
