/** A host that is killed: how long until what ran on it runs elsewhere, with the defaults of Berth and of Docker Swarm. */
import type { Benchmark } from './benchmark';
import { median } from './figure';
import type { LabHost } from './lab-host';
import { summarise } from './statistics';

const BUDGET_RATIO = 0.3;
/** The swarm's leader is another one, so that its election is not in it. */
const VICTIM = 'h3';
const SERVICE = 'failover';
const REPLICAS = 3;

export const failover: Benchmark<LabHost> = {
  name: 'failover',
  async run(host, { rounds }, say) {
    const berthMs: number[] = [];
    const swarmMs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      say(`failover: round ${round + 1} of ${rounds}`);
      // Anew for each round: neither goes back by itself to a host that is there again.
      await host.apply(SERVICE, REPLICAS, round, '{}');
      await host.swarmCreate(SERVICE, REPLICAS);
      const sinceMs = performance.now();
      await host.lab.kill('host', VICTIM);
      const waits = (['berth', 'swarm'] as const).map((maker) => host.startsElsewhere(maker, SERVICE, VICTIM, sinceMs));
      const [berth, swarm] = await Promise.all(waits);
      berthMs.push(berth!);
      swarmMs.push(swarm!);
      say(`failover: ${(berth! / 1000).toFixed(1)} s, and Swarm ${(swarm! / 1000).toFixed(1)} s`);
      await host.bringBack(VICTIM);
      await host.swarmRemove(SERVICE);
      await host.lab.berth(['rm', SERVICE]);
    }
    return [
      {
        what: `host killed until its instance runs elsewhere, p50 of ${rounds}`,
        unit: 'ms',
        measured: median(summarise(berthMs)),
        against: { ...median(summarise(swarmMs)), what: 'Docker Swarm, the same kill' },
        budget: { of: 'ratio', max: BUDGET_RATIO },
      },
    ];
  },
};
