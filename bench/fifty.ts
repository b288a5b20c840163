/** Fifty instances assigned at once, beside the best that Docker's API does with any number at a time. */
import type { Benchmark } from './benchmark';
import type { EmptyHost } from './empty-host';
import { median } from './figure';
import { summarise } from './statistics';

const BUDGET_RATIO = 1.1;
const INSTANCES = 50;
const PARALLEL = [4, 8, 16, 50] as const;

export const fifty: Benchmark<EmptyHost> = {
  name: 'fifty',
  async run(host, { rounds }, say) {
    const berthMs: number[] = [];
    const rawMs = PARALLEL.map((): number[] => []);
    let { twins } = await host.runByBerth(1);
    for (let round = 0; round < rounds; round++) {
      say(`fifty: round ${round + 1} of ${rounds}`);
      const turns = [
        async (): Promise<void> => {
          const done = await host.runByBerth(INSTANCES);
          twins = done.twins;
          berthMs.push(done.durationMs);
        },
        ...PARALLEL.map((parallel, index) => async (): Promise<void> => {
          rawMs[index]!.push(await host.runRaw(twins, INSTANCES, parallel));
        }),
      ];
      // Each round begins with another one: who comes first finds a machine that has rested.
      for (let turn = 0; turn < turns.length; turn++) await turns[(turn + round) % turns.length]!();
    }
    const raw = rawMs.map((samples, index) => ({ parallel: PARALLEL[index]!, series: summarise(samples) }));
    for (const { parallel, series } of raw)
      say(`fifty: Docker API, ${parallel} at a time: ${series.p50.toFixed(0)} ms`);
    const best = raw.reduce((a, b) => (b.series.p50 < a.series.p50 ? b : a));
    return [
      {
        what: `${INSTANCES} instances at once until all run, p50 of ${rounds}`,
        unit: 'ms',
        measured: median(summarise(berthMs)),
        against: { ...median(best.series), what: `Docker API, ${best.parallel} at a time` },
        budget: { of: 'ratio', max: BUDGET_RATIO },
      },
    ];
  },
};
