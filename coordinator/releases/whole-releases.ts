/** Pure: which releases of a service were whole once. */
import type { Release, ServiceStatus } from '../../lib/documents/types';

/** A status as it is planned, before it says that. */
export type PlannedStatus = Omit<ServiceStatus, 'wholeReleases'>;

/**
 * `currentRelease` is the last one that was whole: each that it ever was, and that is still there, counts.
 * @param before what the service's status says now
 */
export function withWholeReleases(
  status: PlannedStatus,
  before: ServiceStatus | undefined,
  releases: ReadonlyMap<number, Release> | undefined,
): ServiceStatus {
  const was = [...(before?.wholeReleases ?? []), before?.currentRelease ?? 0, status.currentRelease];
  const kept = (number: number): boolean => number === status.currentRelease || releases?.has(number) === true;
  const wholeReleases = [...new Set(was)].filter((number) => number > 0 && kept(number)).sort((a, b) => a - b);
  return { ...status, wholeReleases };
}
