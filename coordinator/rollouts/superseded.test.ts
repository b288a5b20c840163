/** A move to another mode that an edit back supersedes, where room is scarce: at no moment do plans go on without an end. */
import * as fc from 'fast-check';
import type { UpdateConfig } from '../../lib/documents/types';
import { RolloutWorld, wanted } from '../../test/support/rollout-world';
import type { Wanted } from '../../test/support/wanted';

const MIB = 2 ** 20;
const RUNS = Number(process.env['BERTH_RUNS'] ?? 60);

const update: fc.Arbitrary<Partial<UpdateConfig>> = fc.record({
  order: fc.constantFrom('', 'start-first', 'stop-first'),
  parallelism: fc.constantFrom(0, 0, 1),
  monitorMs: fc.constantFrom(0, 5000),
  failureAction: fc.constantFrom('continue', 'rollback'),
});
const size = fc.record({ replicas: fc.integer({ min: 1, max: 5 }), mib: fc.constantFrom(0, 200, 350, 600) });
const picks = fc.array(fc.nat({ max: 9 }), { maxLength: 4 });
const life = fc.record({
  isGlobal: fc.boolean(),
  sizes: fc.tuple(size, size, size),
  images: fc.tuple(fc.constantFrom('good', 'slow'), fc.constantFrom('good', 'slow', 'never', 'late', 'bad')),
  updates: fc.tuple(update, update),
  supersededAfterMs: fc.constantFrom(0, 0, 1000, 4000),
  crashes: fc.tuple(picks, picks),
  hasJob: fc.boolean(),
  port: fc.constantFrom(undefined, 80),
  isDrained: fc.boolean(),
});

function sized({ replicas, mib }: { replicas: number; mib: number }, isGlobal: boolean): Partial<Wanted> {
  return { ...(isGlobal ? { mode: 'global' } : { replicas }), memoryBytes: mib * MIB };
}

function crash(world: RolloutWorld, some: readonly number[]): void {
  const all = world.placements();
  for (const pick of some) if (all.length > 0) world.crashed.add(all[pick % all.length]!.id);
}

test('plans come to an end, whatever a superseded move to another mode left', () => {
  fc.assert(
    fc.property(life, ({ isGlobal, sizes, images, updates, supersededAfterMs, crashes, hasJob, port, isDrained }) => {
      const world = new RolloutWorld(0)
        .addHost('h1')
        .addHost('h2', {}, 700 * MIB)
        .addHost('h3');
      world.put('web', wanted(`${images[0]}:1`, {}, sized(sizes[0], isGlobal))).run(20_000);
      world.put('web', wanted(`${images[1]}:2`, updates[0], sized(sizes[1], !isGlobal)));
      for (let looks = 0; looks < 3; looks++) {
        world.plan();
        world.act();
      }
      world.run(supersededAfterMs);
      crash(world, crashes[0]);
      world.job = 'hangs';
      const before = hasJob && { before: { command: ['migrate'], timeoutMs: 600_000 } };
      const deploy = { canary: 1, autoPromote: true, rolloutDeadlineMs: 60_000, ...before };
      const back = { ...sized(sizes[2], isGlobal), ...(port !== undefined && { port }), deploy };
      world.put('web', wanted('good:3', updates[1], back)).run(5000);
      crash(world, crashes[1]);
      world.run(5000).drain('h1', isDrained);
      world.crashed.clear();
      // It throws when there is no end.
      world.run(30_000);
      expect(world.plan()).toBe(0);
    }),
    { numRuns: RUNS },
  );
});
