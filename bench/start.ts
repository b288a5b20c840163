/** From the write to etcd until one container runs, beside Docker's API, in turn. */
import type { Benchmark } from './benchmark';
import type { EmptyHost } from './empty-host';
import { median } from './figure';
import { summarise } from './statistics';

const BUDGET_RATIO = 1.1;
/** The first ones of a process pay for code that is compiled. */
const WARM_UP_PAIRS = 3;

export const start: Benchmark<EmptyHost> = {
  name: 'start',
  async run(host, { starts }, say) {
    const berthMs: number[] = [];
    const rawMs: number[] = [];
    let { twins } = await host.runByBerth(1);
    const byBerth = async (): Promise<number> => {
      const { durationMs, twins: latest } = await host.runByBerth(1);
      twins = latest;
      return durationMs;
    };
    const raw = (): Promise<number> => host.runRaw(twins, 1, 1);
    for (let pair = -WARM_UP_PAIRS; pair < starts; pair++) {
      if (pair % 10 === 0) say(`start ${Math.max(pair, 0)} of ${starts}, twice each`);
      // Who goes first alternates, so that neither side has the other's leavings every time.
      const rawFirst = pair % 2 === 0 ? await raw() : undefined;
      const berth = await byBerth();
      const rawTime = rawFirst ?? (await raw());
      if (pair < 0) continue;
      berthMs.push(berth);
      rawMs.push(rawTime);
    }
    return [
      {
        what: `etcd put → running, p50 of ${starts}`,
        unit: 'ms',
        measured: median(summarise(berthMs)),
        against: { ...median(summarise(rawMs)), what: 'Docker API create+start' },
        budget: { of: 'ratio', max: BUDGET_RATIO },
      },
    ];
  },
};
