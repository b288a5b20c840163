/** Where instances go: whatever is wanted of whatever hosts, no rule is broken, nothing moves without a reason. */
import * as fc from 'fast-check';
import { emptyDocument } from '../../lib/documents/codec';
import type { DeploySpec, Mount, Release } from '../../lib/documents/types';
import type { Wanted } from '../../test/support/wanted';
import { GIB, World } from '../../test/support/world';
import { placementsOf, type HostView, type Placement } from '../view';
import { HostQueue } from './choose-host';
import { isPlain, Ladder } from './ladder';
import { fits } from './filters';
import { NO_USAGE, Usage } from './usage';

const empty = emptyDocument('Release');
const SERVICES = ['w', 'x', 'y'];

function volume(source: string, change: Partial<Mount> = {}): Mount {
  const none = { readOnly: false, tmpfsSizeBytes: 0, tmpfsMode: 0, noCopy: false, createHostPath: false };
  const plain = { propagation: '', nonRecursive: false, volumeDriver: '', volumeDriverOptions: {}, volumeLabels: {} };
  return {
    ...none,
    ...plain,
    volumeSubpath: '',
    volumeExternal: false,
    type: 'volume',
    source,
    target: '/v',
    ...change,
  };
}

const hostsOf = (world: World, service: string): readonly string[] =>
  world.ids(service).map((placed) => placed.split('/')[0]!);

/** @returns instances of the service by value of a label */
function byLabel(world: World, service: string, label: string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { record } of world.hosts.values()) counts[record!.labels[label]!] = 0;
  for (const host of hostsOf(world, service)) counts[world.hosts.get(host)!.record!.labels[label]!]! += 1;
  return counts;
}

const deploys: fc.Arbitrary<Partial<DeploySpec>> = fc.record({
  maxReplicasPerNode: fc.constantFrom(0, 0, 1, 2),
  keepAwayFrom: fc.constantFrom<readonly string[]>([], [], ['w'], ['x', 'y']),
  spread: fc.constantFrom<readonly string[]>([], ['zone'], ['zone', 'rack']),
  reservations: fc.record({
    nanoCpus: fc.constantFrom(0, 1e9),
    memoryBytes: fc.constantFrom(0, GIB / 4),
    resources: fc.constantFrom<Record<string, number>>({}, { licence: 1 }),
  }),
});
const wanted: fc.Arbitrary<Wanted> = fc.record({
  replicas: fc.integer({ min: 0, max: 6 }),
  image: fc.constantFrom('a:1', 'a:2'),
  deploy: deploys,
  container: fc.constantFrom({}, {}, { mounts: [volume('shared', { volumeExternal: true })] }),
});

function worldOf(count: number): World {
  const world = new World();
  for (let at = 0; at < count; at++) {
    world.addHost(`h${at}`, { zone: at % 2 === 0 ? 'a' : 'b', rack: `r${at % 3}` });
    const { record, status } = world.hosts.get(`h${at}`)!;
    const capacity = { ...record!.capacity, resources: { licence: 2 } };
    const volumes = at % 2 === 0 ? ['shared'] : [];
    world.set(`h${at}`, { record: { ...record!, capacity }, status: { ...status!, volumes } });
  }
  return world;
}

/** Of what is to move and can't yet, too, nothing can be said: it goes when there is room. */
const isAtRest = (world: World, service: string): boolean => {
  const status = world.serviceStatuses.get(service)?.document;
  return status?.rollout === 'steady' && Object.keys(status.stuck).length === 0;
};

function expectNoRuleBroken(world: World): void {
  for (const host of world.hosts.values()) {
    const placed = placementsOf(host).map((one) => world.releases.get(one.service)!.get(one.release)!);
    const sum = (of: (release: Release) => number): number => placed.reduce((total, one) => total + of(one), 0);
    const { nanoCpus, memoryBytes, resources } = host.record!.capacity;
    expect(sum(({ deploy }) => deploy.reservations.nanoCpus)).toBeLessThanOrEqual(nanoCpus);
    expect(sum(({ deploy }) => deploy.reservations.memoryBytes)).toBeLessThanOrEqual(memoryBytes);
    expect(sum(({ deploy }) => deploy.reservations.resources.licence ?? 0)).toBeLessThanOrEqual(resources.licence!);
  }
}

/** Of what the operator wants now, where nothing stands in the way of it. */
function expectAsWanted(world: World, service: string): void {
  const status = world.serviceStatuses.get(service)!.document!;
  const reasons = [...status.unplaced.map(({ reason }) => reason), ...Object.values(status.stuck)];
  const isThere = status.rollout === 'steady' && status.placed >= status.wanted && reasons.length === 0;
  if (!isThere) {
    expect(reasons).not.toEqual([]);
    expect(reasons).not.toContain('');
    return;
  }
  const { deploy, container } = world.releases.get(service)!.get(status.targetRelease)!;
  for (const host of world.hosts.values()) {
    const there = placementsOf(host);
    const own = there.filter((one) => one.service === service).length;
    if (own === 0) continue;
    if (deploy.maxReplicasPerNode > 0) expect(own).toBeLessThanOrEqual(deploy.maxReplicasPerNode);
    if (deploy.keepAwayFrom.includes(service)) expect(own).toBe(1);
    const others = new Set(there.map((one) => one.service).filter((name) => name !== service));
    expect([...others].filter((name) => deploy.keepAwayFrom.includes(name))).toEqual([]);
    if (container.mounts.length > 0) expect(host.name).toMatch(/[02468]$/);
  }
}

test('G9: whatever is wanted, no host has more than it holds, no rule is broken, and what is refused is explained', () => {
  const edits = fc.array(fc.tuple(fc.constantFrom(...SERVICES), wanted), { maxLength: 6 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), edits, (count, changes) => {
      const world = worldOf(count);
      for (const [name, document] of changes) {
        const others = SERVICES.filter((other) => other !== name && isAtRest(world, other));
        const before = others.flatMap((other) => world.ids(other));
        world.put(name, document);
        let isStill = false;
        for (let round = 0; round < 100 && !isStill; round++) {
          isStill = world.plan() + world.plan() === 0;
          world.act();
          expectNoRuleBroken(world);
        }
        world.settle();
        expectAsWanted(world, name);
        // Others may come for room that was left; none that was at rest moves or goes.
        expect(others.flatMap((other) => world.ids(other))).toEqual(expect.arrayContaining(before));
      }
    }),
    { numRuns: 50 },
  );
});

test('the best host is the best of all, whatever is taken and given back meanwhile', () => {
  const step = fc.tuple(fc.nat({ max: 5 }), fc.constantFrom('w', 'x'), fc.boolean());
  const options = fc.record({ isBinpack: fc.boolean(), deploy: deploys });
  fc.assert(
    fc.property(options, fc.array(step, { maxLength: 40 }), ({ isBinpack, deploy }, steps) => {
      const world = worldOf(6);
      const placement = isBinpack ? 'binpack' : '';
      world.clusterIntent = { document: { ...emptyDocument('ClusterIntent'), placement }, modRevision: 0 };
      const release = { ...empty, service: 'w', number: 1, deploy: { ...empty.deploy, ...deploy } };
      const other = { ...release, service: 'x' };
      const usage = new Usage(() => NO_USAGE);
      const queue = new HostQueue(world.view, usage, release);
      const ladder = isPlain(world.view, release) ? new Ladder(world.view, usage) : undefined;
      const taken: Placement[] = [];
      steps.forEach(([at, service, isTaken], index) => {
        const placed = { id: `${service}-${index}`, host: `h${at}`, service, slot: 1, release: 1, ...PLAIN };
        const gone = taken.findIndex((one) => one.host === placed.host && one.service === service);
        if (isTaken) taken.push(placed);
        if (isTaken) usage.take(placed, service === 'w' ? release : other);
        else if (gone >= 0) usage.giveBack(taken.splice(gone, 1)[0]!, service === 'w' ? release : other);
        const avoid = index % 3 === 0 ? 'h0' : undefined;
        const able = [...world.hosts.values()].filter((host) => fits({ host, usage: usage.of(host.name) }, release));
        const best = able.filter(({ name }) => name !== avoid).sort(order(world, usage, release, isBinpack))[0];
        expect(queue.best(avoid)?.name).toBe(best?.name);
        const isFresh = best !== undefined && !usage.of(best.name).ofService.has('w');
        if (ladder !== undefined) expect(ladder.best(release, avoid)?.name).toBe(isFresh ? best.name : undefined);
        expect(queue.refusals().size).toBe(world.hosts.size - able.length);
      });
    }),
    { numRuns: 300 },
  );
});

const PLAIN = { isReported: false, config: {}, isBefore: false };

/** As docs/rollouts.md says it, without being clever. */
function order(world: World, usage: Usage, { service, deploy }: Release, isBinpack: boolean) {
  const own = ({ name }: HostView): number => usage.of(name).ofService.get(service) ?? 0;
  const ofGroup = (host: HostView, label: string): number =>
    [...world.hosts.values()]
      .filter(({ record }) => record!.labels[label] === host.record!.labels[label])
      .reduce((sum, other) => sum + own(other), 0);
  const fullness = ({ name, record }: HostView): number => {
    const { nanoCpus, memoryBytes } = usage.of(name);
    return nanoCpus / record!.capacity.nanoCpus + memoryBytes / record!.capacity.memoryBytes;
  };
  return (a: HostView, b: HostView): number =>
    deploy.spread.reduce((known, label) => known || ofGroup(a, label) - ofGroup(b, label), 0) ||
    (isBinpack ? fullness(b) - fullness(a) : own(a) - own(b)) ||
    (usage.of(a.name).instances - usage.of(b.name).instances) * (isBinpack ? -1 : 1) ||
    (a.name < b.name ? -1 : 1);
}

test('spread over a label is within one of even, on zones of any size, and over hosts within each', () => {
  const zones = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(zones, fc.integer({ min: 0, max: 12 }), (sizes, replicas) => {
      const world = new World();
      sizes.forEach((size, zone) => {
        for (let at = 0; at < size; at++) world.addHost(`h${zone}${at}`, { zone: `z${zone}` });
      });
      world.put('web', { replicas, deploy: { spread: ['zone'] } }).settle();
      const counts = Object.values(byLabel(world, 'web', 'zone'));
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      sizes.forEach((size, zone) => {
        const there = Array.from({ length: size }, (_, at) => `h${zone}${at}`);
        const own = there.map((name) => hostsOf(world, 'web').filter((host) => host === name).length);
        expect(Math.max(...own) - Math.min(...own)).toBeLessThanOrEqual(1);
      });
    }),
  );
});

test('binpack fills one host before it begins another', () => {
  const world = worldOf(4);
  world.clusterIntent = { document: { ...emptyDocument('ClusterIntent'), placement: 'binpack' }, modRevision: 0 };
  world.put('w', { replicas: 6, memoryBytes: GIB / 4 }).settle();
  expect(world.counts('w')).toEqual([4, 2, 0, 0]);
  world.put('x', { replicas: 2, memoryBytes: GIB / 4 }).settle();
  expect(world.counts('x')).toEqual([0, 2, 0, 0]);
});

test('one per host rolls out on hosts that are all full, and a lower limit moves what is too much', () => {
  const world = worldOf(3).put('w', { replicas: 3, deploy: { maxReplicasPerNode: 1 } });
  world.settle();
  expect(world.put('w', { replicas: 3, image: 'a:2', deploy: { maxReplicasPerNode: 1 } }).settle('w')).toBe(3);
  expect(world.counts('w')).toEqual([1, 1, 1]);
  const wide = worldOf(1).put('w', { replicas: 3 });
  wide.settle();
  wide
    .addHost('h1')
    .addHost('h2')
    .put('w', { replicas: 3, deploy: { maxReplicasPerNode: 1 } })
    .settle();
  expect(wide.counts('w')).toEqual([1, 1, 1]);
});

test('what has data goes back to it, and nowhere else', () => {
  const world = worldOf(3);
  const document = { replicas: 2, container: { mounts: [volume('pg')] } };
  world.put('w', document).settle();
  const homes = hostsOf(world, 'w');
  world.put('w', { ...document, image: 'a:2' }).settle();
  expect(hostsOf(world, 'w')).toEqual(homes);
  // Scaled away, and back: the volumes are where they were.
  world.put('w', { ...document, replicas: 0 }).settle();
  world.put('x', { deploy: { constraints: [`node.hostname == ${homes[0]!}`] } }).settle();
  for (const name of homes) world.set(name, { status: { ...world.hosts.get(name)!.status!, volumes: ['pg'] } });
  world.put('w', document).plan();
  expect([...hostsOf(world, 'w')].sort()).toEqual([...homes].sort());
});

test('what has data does not leave a host that drains, and says why', () => {
  const world = worldOf(3);
  world.put('w', { container: { mounts: [volume('pg')] } }).settle();
  const [placed] = world.ids('w');
  const [host, id] = placed!.split('/') as [string, string];
  world.set(host, { intent: { ...emptyDocument('HostIntent'), drain: true } });
  world.settle();
  expect(world.ids('w')).toEqual([placed]);
  expect(world.serviceStatuses.get('w')!.document!.stuck[id]).toContain(
    `${host}: its data is there, in the volume pg, and does not move by itself`,
  );
});

test('whoever keeps away from another goes elsewhere, whichever comes first', () => {
  const world = worldOf(2).put('w', { replicas: 1 });
  world.settle();
  const [host] = hostsOf(world, 'w');
  world.put('x', { replicas: 2, deploy: { keepAwayFrom: ['w'] } }).settle();
  expect(hostsOf(world, 'x')).toEqual(['h0', 'h1', 'h1'].filter((name) => name !== host));
  world.put('w', { replicas: 3 }).settle();
  expect(new Set(hostsOf(world, 'w'))).toEqual(new Set([host]));
});
