/** How many of a count of replicas are there: for what judges a coordinator, whatever it plans by. */
import type { HostView, Placement } from '../../coordinator/view';

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
