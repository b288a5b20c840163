import { report, runSeed } from './run-seed';

/** Of each kind of life; BERTH_SEEDS changes it. */
const SEEDS = Number(process.env['BERTH_SEEDS'] ?? 500);
const BATCH = 10;

/** One test for every few seeds of one kind of life. @param offset of its seeds, which are every other one */
export function testSeeds(what: string, offset: 0 | 1): void {
  const firsts = Array.from({ length: Math.ceil(SEEDS / BATCH) }, (_, batch) => 2 * batch * BATCH + 2 - offset);
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
