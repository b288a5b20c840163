/** What has to be so of a cluster that has come right: nothing happens any more, and agents that start again do nothing. */
import type { SimulatedCluster } from './simulated-cluster';

/** Many slow ticks and renewals. */
const REST_MS = 3 * 60_000;
const RESTARTED_MS = 60_000;

/** @returns what moved; empty when all is at rest (G2) */
export async function whatStirs(cluster: SimulatedCluster): Promise<readonly string[]> {
  const before = snapshot(cluster);
  await cluster.clock.advance(REST_MS);
  if (snapshot(cluster) !== before) return [`not at rest: ${before} became ${snapshot(cluster)}`];
  const containers = containersOf(cluster);
  const calls = mutatingCalls(cluster);
  for (const host of cluster.hosts) {
    host.killAgent();
    host.startAgent();
  }
  await cluster.clock.advance(RESTARTED_MS);
  return containersOf(cluster) === containers && mutatingCalls(cluster) === calls
    ? []
    : [`G2: agents that started again touched containers: ${containers} became ${containersOf(cluster)}`];
}

function containersOf({ hosts }: SimulatedCluster): string {
  return hosts
    .flatMap(({ name, docker }) =>
      [...docker.containers.values()].map(
        ({ id, request, state }) => `${name}/${request.instance}/${id.slice(0, 8)}=${state}`,
      ),
    )
    .sort()
    .join(' ');
}

function mutatingCalls({ hosts }: SimulatedCluster): number {
  return hosts.reduce((sum, { docker }) => sum + docker.mutatingCalls, 0);
}

/** What stays the same while nothing happens. */
function snapshot(cluster: SimulatedCluster): string {
  return `revision ${cluster.etcd.revision}, ${mutatingCalls(cluster)} changing calls, ${containersOf(cluster)}`;
}
