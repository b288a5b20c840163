/** One simulated life by chance: the seed says of which kind it is, and all that happens in it. */
import { CLUSTER_LIFE } from './cluster-life';
import { HOST_LIFE } from './host-life';
import { chanceOf } from './seeded-random';
import { wrongEndpoints } from './endpoint-witness';
import { keys, SimulatedCluster, type ClusterOptions } from './simulated-cluster';

export interface Life {
  readonly hosts: number;
  readonly coordinators: number;
  /** @returns what is wrong in the end, apart from what the witness saw; empty when all is well */
  readonly live: (cluster: SimulatedCluster, trace: (line: string) => void) => Promise<readonly string[]>;
}

const LIVES: readonly Life[] = [CLUSTER_LIFE, HOST_LIFE];

export interface Outcome {
  /** What went against the guarantees; empty when all is well. */
  readonly breaches: readonly string[];
  /** What happened, line by line, and, when something is wrong, what stands in etcd at the end. */
  readonly trace: readonly string[];
}

export async function runSeed(seed: number, { sabotage }: Pick<ClusterOptions, 'sabotage'> = {}): Promise<Outcome> {
  const { hosts, coordinators, live } = LIVES[seed % LIVES.length]!;
  // Every other cluster has one more that stands by.
  const spare = coordinators > 0 ? Math.floor(seed / LIVES.length) % 2 : 0;
  const size = { hosts, coordinators: coordinators + spare };
  const cluster = new SimulatedCluster({ chance: chanceOf(seed), ...size, sabotage });
  const trace: string[] = [];
  const wrong = await live(cluster, (line) => trace.push(`${cluster.clock.monotonicMs().toFixed(0)} ms: ${line}`));
  const isWhole = cluster.witness.breaches.length === 0 && wrong.length === 0;
  const breaches = [...cluster.witness.breaches, ...wrong, ...(isWhole ? await wrongEndpoints(cluster, keys) : [])];
  if (breaches.length > 0) for (const { key, value } of await cluster.everything()) trace.push(`${key}: ${value}`);
  cluster.end();
  return { breaches, trace };
}

/** What a developer needs of a seed that failed. */
export function report(seed: number, { breaches, trace }: Outcome): string {
  return `seed ${seed} (npm run simulate -- --seed ${seed} runs it alone)\n${trace.join('\n')}\n\n${breaches.join('\n')}`;
}
