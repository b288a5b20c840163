/** How many of those that are wanted are there, and may be missing: for what judges a coordinator, whatever it plans by. */
import { isExclusive } from '../../coordinator/rollouts/limits';
import type { HostView, Placement } from '../../coordinator/view';
import type { Release, Rollout } from '../../lib/documents/types';

/** Whether a placement is of a release that is on every host. */
type IsFromEveryHost = (placement: Placement) => boolean;

/**
 * A host is a place of what is to be on every one. Of a count, what is from when the service was on every host has no slot of
 * its own, and has the place of one.
 * @returns no more than are wanted of a count
 */
export function placesOf(
  placements: readonly Placement[],
  { deploy: { mode, replicas } }: Release,
  isFromEveryHost: IsFromEveryHost,
): number {
  const places = new Set<string | number>();
  for (const one of placements)
    if (mode === 'global') places.add(one.host);
    else if (isFromEveryHost(one)) places.add(one.id);
    else if (one.slot <= replicas) places.add(one.slot);
  return mode === 'global' ? places.size : Math.min(replicas, places.size);
}

/**
 * @returns the placements without those that are nobody's loss: what is or was to be on every host has nowhere else to be when
 * it is to leave its own, and of a service of every host nothing is waited for on one that is lost or takes nothing new
 */
export function stayingOf(
  placements: readonly Placement[],
  target: Release,
  hosts: ReadonlyMap<string, HostView>,
  isFromEveryHost: IsFromEveryHost,
): readonly Placement[] {
  const isPlace = (one: Placement): boolean => {
    const { isLive, intent } = hosts.get(one.host)!;
    if (target.deploy.mode === 'global') return isLive && intent?.drain !== true && intent?.schedulable !== false;
    return !isFromEveryHost(one) || intent?.drain !== true;
  };
  return placements.filter(isPlace);
}

/**
 * How many may be missing at once, by the release that it goes to; on the way back, by the one that failed.
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
