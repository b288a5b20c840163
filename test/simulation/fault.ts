import type { SimulatedHost } from './simulated-host';
import type { SimulatedCluster } from './simulated-cluster';

/** What happens to a simulated cluster once in a while, by chance. */
export interface Fault {
  readonly name: string;
  /** How often, beside the others. */
  readonly weight: number;
  /** @returns what exactly, for the trace */
  readonly act: (cluster: SimulatedCluster) => Promise<string> | string;
}

/** One that befalls one host. */
export function toHost(
  name: string,
  weight: number,
  act: (host: SimulatedHost, cluster: SimulatedCluster) => Promise<string | void> | string | void,
): Fault {
  return {
    name,
    weight,
    act: async (cluster) => {
      const host = cluster.chance.pick(cluster.hosts);
      return `${host.name} ${(await act(host, cluster)) ?? ''}`;
    },
  };
}

/** Picks one by its weight and lets it happen. @returns a line for the trace */
export async function actByChance(faults: readonly Fault[], cluster: SimulatedCluster): Promise<string> {
  let turn = cluster.chance.below(faults.reduce((sum, { weight }) => sum + weight, 0));
  const fault = faults.find(({ weight }) => (turn -= weight) < 0)!;
  return `${fault.name}: ${await fault.act(cluster)}`;
}
