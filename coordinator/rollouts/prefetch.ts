/** Pure: images that are to be on the hosts before anything is replaced there. */
import { isPinned } from '../schedule/pauses';
import type { Placement } from '../view';
import { isOutdated, type Course } from './course';

const MAX_HOSTS_TOLD = 3;

/** Live hosts that have an instance to replace, sorted. */
export function hostsToPrefetch(course: Course, instances: readonly Placement[]): readonly string[] {
  const { kind, target, view, pauses } = course;
  if (kind === 'return' || kind === 'refresh' || target.container.pullPolicy === 'never') return [];
  const names = instances
    .filter((one) => !isPinned(pauses, one) && isOutdated(course, one))
    .map(({ host }) => host)
    .filter((host) => view.hosts.get(host)?.isLive === true);
  return [...new Set(names)].sort();
}

/** @returns what the rollout waits for, for people; empty: nothing more */
export function whyNotPrefetched({ view, target }: Course, hosts: readonly string[]): string {
  const name = `${target.service}@${target.number}`;
  const states = hosts.map((host) => ({ host, ...view.hosts.get(host)?.status?.prefetch[name] }));
  const missing = states.filter(({ done }) => done !== true);
  if (missing.length === 0) return '';
  const failed = missing.filter((one) => one.failed === true);
  const told = failed.slice(0, MAX_HOSTS_TOLD).map(({ host, message }) => `${host}: ${message ?? ''}`);
  const more = failed.length > told.length ? `; and ${failed.length - told.length} more` : '';
  const why = failed.length === 0 ? '' : `; it can not be pulled on ${told.join('; ')}${more}`;
  return `the image is on ${hosts.length - missing.length} of ${hosts.length} hosts${why}`;
}
