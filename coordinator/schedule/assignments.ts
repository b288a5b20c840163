/** Pure: each host's next document, from where all instances are and what services ask of hosts. */
import type { Assignment, Pause, Release } from '../../lib/documents/types';
import { releaseHash } from '../../lib/release/release-hash';
import { isBehind, isUsable, placementsOf, type ClusterView, type HostView, type Placement } from '../view';
import { pausesOfHost } from './pauses';
import type { ServicePlan } from './plan-service';

export interface Planned {
  readonly view: ClusterView;
  /** By service; of those that were not planned, as they are. */
  readonly placements: ReadonlyMap<string, readonly Placement[]>;
  /** By service: those that were planned. */
  readonly plans: ReadonlyMap<string, ServicePlan>;
  readonly pauses: readonly Pause[];
}

/** @returns whole new documents, by host: of those hosts whose document changes */
export function assignmentsFrom(planned: Planned): ReadonlyMap<string, Assignment> {
  const byHost = new Map<string, Placement[]>();
  for (const placement of [...planned.placements.values()].flat()) {
    const known = byHost.get(placement.host);
    if (known === undefined) byHost.set(placement.host, [placement]);
    else known.push(placement);
  }
  const assignments = new Map<string, Assignment>();
  for (const host of planned.view.hosts.values()) {
    const assignment = assignmentOf(host, byHost.get(host.name) ?? [], planned);
    if (assignment !== undefined) assignments.set(host.name, assignment);
  }
  return assignments;
}

/** @returns the host's next document, or undefined when it stays as it is */
function assignmentOf(host: HostView, placements: readonly Placement[], planned: Planned): Assignment | undefined {
  const before = host.assignment;
  const isKnown = ({ service }: Placement): boolean =>
    planned.view.services.has(service) ||
    planned.view.releases.has(service) ||
    planned.plans.get(service)?.newRelease !== undefined;
  const named = placements.filter(isKnown);
  const pauses = pausesOfHost(host, placements, planned.pauses);
  const prefetch = prefetchOf(host, planned.plans);
  const resolve = resolveOf(host, planned.plans);
  const isNothingAsked = pauses.length === 0 && prefetch.length === 0 && Object.keys(resolve).length === 0;
  const isSameSet = named.length === 0 && placements.length === placementsOf(host).length;
  const isLeft = isSameSet && isNothingAsked && !host.isAssignmentGarbage;
  // No document is written before the host has said what it runs: it could leave out what nobody here knows of.
  if (before === undefined && (isLeft || !isUsable(host))) return undefined;
  const instances = Object.fromEntries(named.map((placement) => [placement.id, assigned(placement, before, planned)]));
  const held = placements
    .filter((placement) => !isKnown(placement))
    .map(({ id }) => id)
    .sort();
  const isSame =
    before !== undefined &&
    sameInstances(before.instances, instances) &&
    before.held.join() === held.join() &&
    before.prefetch.join() === prefetch.join() &&
    sameJson(before.pauses, pauses) &&
    sameJson(before.resolve, resolve);
  if (isSame && !host.isAssignmentGarbage && !isBehind(host)) return undefined;
  const revision = Math.max(before?.revision ?? 0, host.status?.assignmentRevision ?? 0) + 1;
  return { revision, instances, prefetch, held, pauses, resolve };
}

function assigned(
  placement: Placement,
  before: Assignment | undefined,
  { view, plans }: Planned,
): Assignment['instances'][string] {
  const { id, service, slot, release, config, isBefore } = placement;
  const cut = plans.get(service)?.newRelease;
  const content: Release | undefined = cut?.number === release ? cut : view.releases.get(service)?.get(release);
  const same = before?.instances[id]?.release === release ? before.instances[id].hash : '';
  const hash = content === undefined ? same : releaseHash(content);
  return { service, slot, release, hash, config, before: isBefore };
}

/** What services that were not planned asked for stays as it is. Sorted. */
function prefetchOf({ name, assignment }: HostView, plans: ReadonlyMap<string, ServicePlan>): readonly string[] {
  const others = (assignment?.prefetch ?? []).filter((release) => !plans.has(release.split('@')[0]!));
  const asked = [...plans].flatMap(([service, { prefetch }]) => {
    const number = prefetch?.get(name);
    return number === undefined ? [] : [`${service}@${number}`];
  });
  return [...others, ...asked].sort();
}

/** Sorted by service, as the document is when it is read again. */
function resolveOf({ name, assignment }: HostView, plans: ReadonlyMap<string, ServicePlan>): Assignment['resolve'] {
  const others = Object.entries(assignment?.resolve ?? {}).filter(([service]) => !plans.has(service));
  const asked = [...plans].flatMap(([service, { resolve }]) =>
    resolve?.host === name ? [[service, { image: resolve.image, question: resolve.question }] as const] : [],
  );
  return Object.fromEntries([...others, ...asked].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function sameInstances(a: Assignment['instances'], b: Assignment['instances']): boolean {
  const ids = Object.keys(a);
  return (
    ids.length === Object.keys(b).length &&
    ids.every((id) => {
      const [left, right] = [a[id]!, b[id]];
      return (
        right !== undefined &&
        left.service === right.service &&
        left.slot === right.slot &&
        left.release === right.release &&
        left.hash === right.hash &&
        left.before === right.before &&
        sameConfig(left.config, right.config)
      );
    })
  );
}

function sameConfig(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
