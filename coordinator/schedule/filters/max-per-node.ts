import type { Candidate, Filter } from '../types';

export const maxPerNode: Filter = {
  name: 'max-replicas-per-node',
  check: (candidate, { service, deploy }) =>
    deploy.maxReplicasPerNode === 0 || countOf(candidate, service) < deploy.maxReplicasPerNode,
  explain: (candidate, { service, deploy }) =>
    `has ${countOf(candidate, service)} of ${service} already, and max_replicas_per_node is ${deploy.maxReplicasPerNode}`,
};

/** Without those of the slot in hand, which leave when it is filled. */
export function countOf({ usage, ofSlot = 0 }: Candidate, service: string): number {
  return (usage.ofService.get(service) ?? 0) - ofSlot;
}
