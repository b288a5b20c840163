/** Pure: services that have to be whole before another one's rollout begins (depends_on: service_healthy). */
import type { Release } from '../../lib/documents/types';
import type { PlannedStatus } from '../releases/whole-releases';
import type { ClusterView } from '../view';

type StatusOf = (service: string) => PlannedStatus | undefined;

/** @returns for which services the release waits, and why, for people; empty: for none */
export function whyWaits(view: ClusterView, release: Release, statusOf: StatusOf): string {
  const circle = circleFrom(view, release.service, release.deploy.waitsFor);
  if (circle !== undefined) return textOfCircle(circle);
  const reasons = release.deploy.waitsFor.flatMap((service) => whyNotWhole(view, service, statusOf(service)) ?? []);
  return reasons.length === 0 ? '' : `waits for ${reasons.join(', ')}`;
}

/** @param circle as circleFrom finds it */
export function textOfCircle(circle: readonly string[]): string {
  const links = circle.map((service, at) => `${service} waits for ${circle[(at + 1) % circle.length]}`);
  return `${links.join(', ')}: none of them could ever begin. Let one of them wait by service_started, or for nothing`;
}

/**
 * By what the newest releases of the others say.
 * @returns the services on the way from this one back to itself, this one first; undefined when none waits for it
 */
export function circleFrom(
  view: ClusterView,
  service: string,
  waitsFor: readonly string[],
): readonly string[] | undefined {
  const seen = new Set<string>();
  const search = (from: readonly string[], way: readonly string[]): readonly string[] | undefined => {
    for (const next of from) {
      if (next === service) return way;
      if (seen.has(next)) continue;
      seen.add(next);
      const found = search(waitsForOf(view, next), [...way, next]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return search(waitsFor, [service]);
}

function waitsForOf({ releases }: ClusterView, service: string): readonly string[] {
  const known = releases.get(service);
  const newest = known && Math.max(...known.keys());
  return (newest === undefined ? undefined : known?.get(newest))?.deploy.waitsFor ?? [];
}

function whyNotWhole(
  { services }: ClusterView,
  service: string,
  status: PlannedStatus | undefined,
): string | undefined {
  const document = services.get(service);
  if (document === undefined) return `${service}, which is not there`;
  // What was asked of it last is not known to be so yet.
  if (status === undefined || status.serviceRevision !== document.modRevision)
    return `${service}, which is not planned yet`;
  const { rollout, currentRelease, targetRelease, running, wanted } = status;
  if (rollout !== 'steady') return `${service}, which is ${rollout}`;
  if (currentRelease === 0 || currentRelease !== targetRelease) return `${service}, which is not whole`;
  return running < wanted ? `${service}, of which ${running} of ${wanted} are running` : undefined;
}

/** Those that others wait for come before them; else by name. */
export function dependenciesFirst(
  services: Iterable<string>,
  waitsFor: (service: string) => readonly string[],
): readonly string[] {
  const all = new Set([...services].sort());
  const order = new Set<string>();
  const seen = new Set<string>();
  const visit = (service: string): void => {
    if (seen.has(service)) return;
    seen.add(service);
    for (const needed of waitsFor(service)) if (all.has(needed)) visit(needed);
    order.add(service);
  };
  for (const service of all) visit(service);
  return [...order];
}
