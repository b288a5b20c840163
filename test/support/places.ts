/** How many of a count of replicas are there: for what judges a coordinator, whatever it plans by. */
import { isExclusive } from '../../coordinator/rollouts/limits';
import type { HostView, Placement } from '../../coordinator/view';
import type { Release, Rollout } from '../../lib/documents/types';

/** Whether a placement is of a release that is on every host. */
type IsFromEveryHost = (placement: Placement) => boolean;

/**
 * What is from when the service was on every host has no slot of its own among a count, and has the place of one.
 * @returns no more than `replicas`
 */
export function placesOf(placements: readonly Placement[], replicas: number, isFromEveryHost: IsFromEveryHost): number {
  const places = new Set<string | number>();
  for (const one of placements)
    if (isFromEveryHost(one)) places.add(one.id);
    else if (one.slot <= replicas) places.add(one.slot);
  return Math.min(replicas, places.size);
}

/** @returns the placements without what is to leave its host, and was made to be on every one: it has nowhere else to be */
export function stayingOf(
  placements: readonly Placement[],
  hosts: ReadonlyMap<string, HostView>,
  isFromEveryHost: IsFromEveryHost,
): readonly Placement[] {
  return placements.filter((one) => !isFromEveryHost(one) || hosts.get(one.host)?.intent?.drain !== true);
}

/**
 * How many of a count may be missing at once, by the release that it goes to; on the way back, by the one that failed.
 * @param move of the service's status; undefined: it is at rest
 * @param releaseOf the service's, by number
 */
export function mayMiss(
  target: Release,
  move: Rollout | undefined,
  releaseOf: (number: number) => Release | undefined,
): number {
  const isWayBack = move?.isRollback === true && move.phase !== 'rolled-back';
  const { updateConfig } = target.deploy;
  const said = isWayBack ? (releaseOf(move.failedRelease) ?? target).deploy.rollbackConfig : updateConfig;
  const isStopFirst = said.order === 'stop-first' || (said.order === '' && isExclusive(target));
  if (!isStopFirst) return 0;
  return said.parallelism === 0 ? Infinity : said.parallelism;
}
