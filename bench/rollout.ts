/** A start-first rollout of twenty instances over three hosts, beside Docker Swarm's with the same parallelism. */
import { until } from '../test/support/wait';
import type { Benchmark } from './benchmark';
import { median } from './figure';
import type { LabHost, Maker } from './lab-host';
import { summarise } from './statistics';

const BUDGET_RATIO = 0.5;
const SERVICE = 'rollout';
const REPLICAS = 20;
const PARALLELISM = 2;
const PATIENCE_MS = 180_000;
/** Swarm does not wait for its monitor before it goes on; neither does Berth with none. */
const UPDATE = `{ parallelism: ${PARALLELISM}, order: start-first, delay: 0s, monitor: 0s }`;

export const rollout: Benchmark<LabHost> = {
  name: 'rollout',
  async run(host, { rounds }, say) {
    await host.apply(SERVICE, REPLICAS, 0, UPDATE);
    const durations: Record<Maker, number[]> = { berth: [], swarm: [] };
    const through = async (maker: Maker, version: number, change: Promise<void>): Promise<void> => {
      const startedMs = performance.now();
      await change;
      const isThrough = async (): Promise<boolean> =>
        (await host.countOf(maker, SERVICE, version)) === REPLICAS &&
        (await host.countOf(maker, SERVICE, version - 1)) === 0;
      await until(`${maker}'s rollout`, isThrough, PATIENCE_MS);
      durations[maker].push(performance.now() - startedMs);
    };
    for (let round = 1; round <= rounds; round++) {
      say(`rollout: round ${round} of ${rounds}`);
      await through('berth', round, host.apply(SERVICE, REPLICAS, round, UPDATE));
    }
    await host.lab.berth(['rm', SERVICE]);
    await until('the end of the first', async () => (await host.countOf('berth', SERVICE, rounds)) === 0, PATIENCE_MS);
    const options = ['--update-parallelism', `${PARALLELISM}`, '--update-order', 'start-first', '--update-delay', '0s'];
    await host.swarmCreate(SERVICE, REPLICAS, ...options);
    for (let round = 1; round <= rounds; round++) {
      say(`rollout: Swarm's round ${round} of ${rounds}`);
      await through('swarm', round, host.swarmUpdate(SERVICE, round));
    }
    await host.swarmRemove(SERVICE);
    return [
      {
        what: `start-first rollout of ${REPLICAS}, ${PARALLELISM} at a time, p50 of ${rounds}`,
        unit: 'ms',
        measured: median(summarise(durations.berth)),
        against: { ...median(summarise(durations.swarm)), what: 'Docker Swarm, the same parallelism' },
        budget: { of: 'ratio', max: BUDGET_RATIO },
      },
    ];
  },
};
