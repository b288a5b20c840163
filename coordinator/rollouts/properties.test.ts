/** Whatever is edited, lost, drained, frozen or crashes, and wherever a leader dies: the floor holds, and it comes right. */
import * as fc from 'fast-check';
import { emptyDocument } from '../../lib/documents/codec';
import type { Release, UpdateConfig } from '../../lib/documents/types';
import type { Placement } from '../view';
import { mayMiss, placesOf, stayingOf } from '../../test/support/places';
import { RolloutWorld, wanted } from '../../test/support/rollout-world';
import type { Wanted } from '../../test/support/wanted';

const PEACE_MS = 900_000;
const RUNS = Number(process.env['BERTH_RUNS'] ?? 60);

const update: fc.Arbitrary<Partial<UpdateConfig>> = fc.record({
  order: fc.constantFrom('', 'start-first', 'stop-first'),
  parallelism: fc.integer({ min: 0, max: 3 }),
  delayMs: fc.constantFrom(0, 3000),
  monitorMs: fc.constantFrom(0, 5000),
  maxFailurePerMille: fc.constantFrom(0, 0, 300),
  failureAction: fc.constantFrom('rollback', 'rollback', 'pause', 'continue'),
});
const BEFORE = { command: ['migrate'], timeoutMs: 20_000 };
const document: fc.Arbitrary<Wanted> = fc
  .record({
    image: fc.constantFrom('good:1', 'good:2', 'slow:1', 'bad:1', 'late:1', 'never:1', 'done:1'),
    replicas: fc.integer({ min: 0, max: 5 }),
    port: fc.constantFrom(undefined, undefined, undefined, 80),
    isGlobal: fc.constantFrom(false, false, false, true),
    update,
    canary: fc.constantFrom(0, 0, 0, 1, 2),
    before: fc.constantFrom(undefined, undefined, BEFORE),
  })
  .map(({ image, replicas, port, isGlobal, update: config, canary, before }) =>
    wanted(image, config, {
      ...(isGlobal ? { mode: 'global' } : { replicas }),
      ...(port !== undefined && { port }),
      deploy: { canary, autoPromote: true, rolloutDeadlineMs: 60_000, ...(before && { before }) },
    }),
  );

const HOSTS = ['h1', 'h2', 'h3'];
const SERVICES = ['web', 'api'];
const service = fc.constantFrom(...SERVICES);
const host = fc.constantFrom(...HOSTS);

/** Data, so that a counterexample can be read. */
const edit = fc.record({ kind: fc.constant('edit' as const), service, document });
const fault = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const), service, pick: fc.nat({ max: 9 }) }) },
  fc.record({ kind: fc.constant('recover' as const) }),
  fc.record({ kind: fc.constant('host' as const), host, isLive: fc.boolean() }),
  fc.record({ kind: fc.constant('drain' as const), host, isOn: fc.boolean() }),
  fc.record({ kind: fc.constant('freeze' as const), service, isOn: fc.boolean() }),
  fc.record({ kind: fc.constant('rollback' as const), service, release: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('jobs' as const), end: fc.constantFrom('succeeds', 'fails', 'hangs') }),
  // Of a leader, after so many writes of its plan.
  fc.record({ kind: fc.constant('death' as const), writes: fc.nat({ max: 8 }) }),
);
type Happening = typeof edit | typeof fault extends fc.Arbitrary<infer One> ? One : never;

function happen(world: RolloutWorld, one: Happening): void {
  switch (one.kind) {
    case 'edit':
      return void world.put(one.service, one.document);
    case 'crash': {
      const all = world.placements(one.service);
      return all.length === 0 ? undefined : void world.crashed.add(all[one.pick % all.length]!.id);
    }
    case 'recover':
      return world.crashed.clear();
    case 'host':
      return world.set(one.host, { isLive: one.isLive });
    case 'drain':
      return void world.drain(one.host, one.isOn);
    case 'freeze':
      return freeze(world, one.service, one.isOn);
    case 'rollback': {
      const insteadOf = Math.max(0, ...(world.releases.get(one.service)?.keys() ?? []));
      return void world.intend(one.service, { rollback: { release: one.release, insteadOf, by: '', atMs: 0 } });
    }
    case 'jobs':
      return void (world.job = one.end);
    case 'death':
      return void world.plan(one.writes);
  }
}

function freeze(world: RolloutWorld, name: string, isOn: boolean): void {
  const intent = emptyDocument('ServiceIntent');
  const frozen = { ...intent, freeze: { reason: '', by: '', atMs: 0 } };
  world.serviceIntents.set(name, { document: isOn ? frozen : intent, modRevision: 1 });
}

const passing = fc.constantFrom(0, 1000, 6000, 30_000);
const history: fc.Arbitrary<readonly (readonly [Happening, number])[]> = fc.array(
  fc.tuple(fc.oneof<fc.Arbitrary<Happening>[]>(edit, fault), passing),
  { minLength: 1, maxLength: 8 },
);

function wantedOf(world: RolloutWorld, name: string): Wanted {
  return JSON.parse(world.services.get(name)!.text) as Wanted;
}

/** @returns what a plan took away beyond what it might; undefined when nothing */
function overstepped(world: RolloutWorld, name: string, act: () => void): string | undefined {
  const instances = (): readonly Placement[] => world.placements(name).filter(({ isBefore }) => !isBefore);
  const before = instances();
  act();
  const { targetRelease, move } = world.status(name);
  const releaseOf = (number: number): Release | undefined => world.releases.get(name)?.get(number);
  const target = releaseOf(targetRelease);
  if (target === undefined) return undefined;
  const isFromEveryHost = ({ release }: Placement): boolean => releaseOf(release)?.deploy.mode === 'global';
  const isWell = (one: Placement): boolean => world.isWell(one);
  const placesIn = (placements: readonly Placement[]): number => placesOf(placements, target, isFromEveryHost);
  const staying = stayingOf(before, target, world.hosts, isFromEveryHost);
  const was = placesIn(staying.filter(isWell));
  // A slot that has never had an instance, for want of room, is not missed.
  const there = placesIn(staying);
  const is = placesIn(instances().filter(isWell));
  const floor = Math.min(was, there - mayMiss(target, move, releaseOf));
  return is < floor ? `${name}: ${was} were well, ${is} are, and no fewer than ${floor} may be` : undefined;
}

function live(world: RolloutWorld, events: readonly (readonly [Happening, number])[]): void {
  for (const [one, forMs] of events) {
    happen(world, one);
    // Each plan is checked on its own: between two of them the world may do what it likes.
    const untilMs = world.wallMs + forMs;
    for (;;) {
      for (const name of [...world.services.keys()]) {
        let oversteps: string | undefined;
        const act = (): void => void world.plan();
        if (world.serviceStatuses.has(name)) oversteps = overstepped(world, name, act);
        else act();
        expect(oversteps).toBeUndefined();
      }
      world.act();
      if (world.wallMs >= untilMs) break;
      world.wallMs += Math.min(1000, untilMs - world.wallMs);
    }
  }
}

function makePeace(world: RolloutWorld): void {
  for (const name of HOSTS) world.set(name, { isLive: true });
  for (const name of HOSTS) world.drain(name, false);
  world.job = 'succeeds';
  world.crashed.clear();
  for (const name of SERVICES) {
    world.serviceIntents.delete(name);
    const { port, ...last } = wantedOf(world, name);
    // Something that can run, as it was wanted otherwise; one port on three hosts has room for three.
    const isBeside = last.deploy?.updateConfig?.order === 'start-first';
    const fits = !isBeside && (last.mode === 'global' || (last.replicas ?? 1) <= 3);
    world.put(name, { ...last, image: 'good:9', ...(port !== undefined && fits && name === 'web' && { port }) });
  }
}

function expectRight(world: RolloutWorld): void {
  for (const name of SERVICES) {
    const { mode, replicas } = wantedOf(world, name);
    const count = mode === 'global' ? HOSTS.length : replicas!;
    const newest = Math.max(...world.releases.get(name)!.keys());
    expect({ name, ...world.status(name) }).toMatchObject({
      ...{ rollout: 'steady', currentRelease: newest, placed: count, running: count, stuck: {}, unplaced: [] },
    });
    expect(world.releasesOf(name)).toEqual(count === 0 ? {} : { [newest]: count });
  }
}

function started(): RolloutWorld {
  const world = new RolloutWorld();
  for (const name of SERVICES) world.put(name, wanted('good:1'));
  return world.run(10_000);
}

test('G7: no plan takes more away than the limits allow, and in peace it comes right', () => {
  fc.assert(
    fc.property(history, (events) => {
      const world = started();
      live(world, events);
      makePeace(world);
      world.run(PEACE_MS);
      expectRight(world);
      // And it stays so.
      expect(world.plan()).toBe(0);
    }),
    { numRuns: RUNS },
  );
});

test('G4: wherever leaders die, it comes to the same', () => {
  // What fails after its watch is over is whole or not as time goes by.
  const timeless = document.filter(
    ({ image, deploy }) => image !== 'late:1' || (deploy?.updateConfig?.monitorMs ?? 0) > 0,
  );
  fc.assert(
    fc.property(timeless, fc.array(fc.nat({ max: 8 }), { maxLength: 12 }), (what, deaths) => {
      const [calm, troubled] = [started(), started()];
      for (const world of [calm, troubled]) world.put('web', what);
      for (const upTo of deaths) {
        troubled.plan(upTo);
        troubled.act();
        troubled.wallMs += 500;
      }
      for (const world of [calm, troubled]) world.run(PEACE_MS);
      const end = (world: RolloutWorld) => {
        const { rollout, currentRelease, targetRelease, running } = world.status();
        // How many had been made, and stopped, when it stopped depends on who made them.
        const made = rollout === 'failed' ? {} : { running, releases: world.releasesOf() };
        return { rollout, currentRelease, targetRelease, ...made };
      };
      expect(end(troubled)).toEqual(end(calm));
    }),
    { numRuns: RUNS },
  );
});
