import { report, runSeed } from './run-seed';

const BATCH = 10;

/**
 * One test for every few seeds of one kind of life.
 * @param offset of its seeds, which are every other one
 * @param seeds unless BERTH_SEEDS says how many
 */
export function testSeeds(what: string, offset: 0 | 1, seeds: number): void {
  const count = Number(process.env['BERTH_SEEDS'] ?? seeds);
  const firsts = Array.from({ length: Math.ceil(count / BATCH) }, (_, batch) => 2 * batch * BATCH + 2 - offset);
  test.each(firsts)(
    `${what} (seeds from %d)`,
    async (first) => {
      for (let seed = first; seed < first + 2 * BATCH; seed += 2) {
        const outcome = await runSeed(seed);
        if (outcome.breaches.length > 0) throw new Error(report(seed, outcome));
      }
    },
    300_000,
  );
}
