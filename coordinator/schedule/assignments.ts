/** Pure: each host's next document, from what was planned for services and what they ask of hosts. */
import type { AssignedInstance, Assignment, Pause, Release } from '../../lib/documents/types';
import { releaseHash } from '../../lib/release/release-hash';
import { isBehind, isUsable, type ClusterView, type HostView, type Placement } from '../view';
import { pausesOfHost } from './pauses';
import type { PlacementIndex } from './placement-index';
import type { ServicePlan } from './plan-service';

export interface Planned {
  readonly view: ClusterView;
  readonly index: PlacementIndex;
  /** By service: those that were planned. */
  readonly plans: ReadonlyMap<string, ServicePlan>;
  /** In force. */
  readonly pauses: readonly Pause[];
}

/** What planned services want of one host. */
interface Wishes {
  readonly placements: Placement[];
  readonly prefetch: string[];
  readonly resolve: (readonly [string, Assignment['resolve'][string]])[];
}

/**
 * @returns whole new documents, by host: of those hosts whose document changes. Yields how many instances it has looked at
 * since the last time
 */
export function* assignmentsInSteps(planned: Planned): Generator<number, ReadonlyMap<string, Assignment>, undefined> {
  const wishes = wishesOf(planned);
  const changing = yield* hostsThatChange(planned, wishes);
  const hosts = new Set([...changing, ...planned.index.oddHosts, ...hostsOfPauses(planned)]);
  const assignments = new Map<string, Assignment>();
  for (const name of [...hosts].sort()) {
    const host = planned.view.hosts.get(name);
    const assignment = host && assignmentOf(host, wishes.get(name) ?? NO_WISHES, planned);
    if (assignment !== undefined) assignments.set(name, assignment);
    yield planned.index.onHost(name).length;
  }
  return assignments;
}

const NO_WISHES: Wishes = { placements: [], prefetch: [], resolve: [] };

function wishesOf({ plans }: Planned): ReadonlyMap<string, Wishes> {
  const wishes = new Map<string, Wishes>();
  const of = (host: string): Wishes => {
    let found = wishes.get(host);
    if (found === undefined) wishes.set(host, (found = { placements: [], prefetch: [], resolve: [] }));
    return found;
  };
  for (const [service, { placements, prefetch, resolve }] of plans) {
    for (const placement of placements) of(placement.host).placements.push(placement);
    for (const [host, number] of prefetch ?? []) of(host).prefetch.push(`${service}@${number}`);
    if (resolve !== undefined)
      of(resolve.host).resolve.push([service, { image: resolve.image, question: resolve.question }]);
  }
  return wishes;
}

/** Whose document does not say what planned services want of it, and nothing else of theirs. */
function* hostsThatChange(
  planned: Planned,
  wishes: ReadonlyMap<string, Wishes>,
): Generator<number, ReadonlySet<string>, undefined> {
  const { view, index, plans } = planned;
  const changing = new Set<string>();
  const left = new Map<string, number>();
  for (const service of plans.keys()) {
    for (const { host } of index.ofService(service)) left.set(host, (left.get(host) ?? 0) + 1);
    for (const host of index.askedBy(service)) if (!wishes.has(host)) changing.add(host);
    yield 1;
  }
  for (const [name, { placements, prefetch, resolve }] of wishes) {
    const host = view.hosts.get(name);
    const isAsWritten =
      placements.length === (left.get(name) ?? 0) &&
      placements.every((one) => isWritten(one, host?.assignment, planned));
    const isAsked =
      prefetch.join() === partOf(host?.assignment?.prefetch, plans).join() &&
      resolve.length === Object.keys(host?.assignment?.resolve ?? {}).filter((service) => plans.has(service)).length &&
      resolve.every(([service, question]) => sameJson(host?.assignment?.resolve[service], question));
    if (!isAsWritten || !isAsked) changing.add(name);
    left.delete(name);
    yield placements.length;
  }
  for (const host of left.keys()) changing.add(host);
  return changing;
}

/** In the order of the services, which is that of the plans too. */
function partOf(prefetch: readonly string[] | undefined, plans: Planned['plans']): readonly string[] {
  return (prefetch ?? []).filter((release) => plans.has(release.split('@')[0]!));
}

function isWritten(placement: Placement, assignment: Assignment | undefined, planned: Planned): boolean {
  if (!isKnown(placement, planned)) return placement.isReported;
  const written = assignment?.instances[placement.id];
  return written !== undefined && sameInstance(written, assigned(placement, assignment, planned));
}

/** Those that are named now, and those that are to be. */
function hostsOfPauses({ index, pauses }: Planned): readonly string[] {
  return [
    ...index.pausingHosts,
    ...pauses.flatMap(({ kind, name }) => {
      if (kind === 'host') return [name];
      return [...(kind === 'service' ? index.hostsOf(name) : index.hostsOfInstance(name))];
    }),
  ];
}

function isKnown({ service }: Placement, { view, plans }: Planned): boolean {
  return view.services.has(service) || view.releases.has(service) || plans.get(service)?.newRelease !== undefined;
}

/** @returns the host's next document, or undefined when it stays as it is */
function assignmentOf(host: HostView, wishes: Wishes, planned: Planned): Assignment | undefined {
  const before = host.assignment;
  const { index, plans } = planned;
  const placedBefore = index.onHost(host.name);
  const placements = [...placedBefore.filter(({ service }) => !plans.has(service)), ...wishes.placements];
  const named = placements.filter((placement) => isKnown(placement, planned));
  const pauses = pausesOfHost(host, placements, planned.pauses);
  const { prefetch, resolve } = asked(before, wishes, plans);
  const isNothingAsked = pauses.length === 0 && prefetch.length === 0 && Object.keys(resolve).length === 0;
  const isSameSet = named.length === 0 && placements.length === placedBefore.length;
  const isLeft = isSameSet && isNothingAsked && !host.isAssignmentGarbage;
  // No document is written before the host has said what it runs: it could leave out what nobody here knows of.
  if (before === undefined && (isLeft || !isUsable(host))) return undefined;
  const instances = Object.fromEntries(named.map((placement) => [placement.id, assigned(placement, before, planned)]));
  const held = placements
    .filter((placement) => !isKnown(placement, planned))
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

function assigned(placement: Placement, before: Assignment | undefined, { view, plans }: Planned): AssignedInstance {
  const { id, service, slot, release, config, isBefore } = placement;
  const plan = plans.get(service);
  const written = before?.instances[id];
  if (plan === undefined && written !== undefined && !placement.isReported) return written;
  const cut = plan?.newRelease;
  const content: Release | undefined = cut?.number === release ? cut : view.releases.get(service)?.get(release);
  const same = written?.release === release ? written.hash : '';
  const hash = content === undefined ? same : releaseHash(content);
  return { service, slot, release, hash, config, before: isBefore };
}

/** What services that were not planned asked for stays as it is. Sorted, as the document is when it is read again. */
function asked(
  before: Assignment | undefined,
  wishes: Wishes,
  plans: Planned['plans'],
): Pick<Assignment, 'prefetch' | 'resolve'> {
  const prefetch = (before?.prefetch ?? []).filter((release) => !plans.has(release.split('@')[0]!));
  const resolve = Object.entries(before?.resolve ?? {}).filter(([service]) => !plans.has(service));
  return {
    prefetch: [...prefetch, ...wishes.prefetch].sort(),
    resolve: Object.fromEntries([...resolve, ...wishes.resolve].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function sameInstances(a: Assignment['instances'], b: Assignment['instances']): boolean {
  const ids = Object.keys(a);
  return (
    ids.length === Object.keys(b).length &&
    ids.every((id) => {
      const other = b[id];
      return other !== undefined && sameInstance(a[id]!, other);
    })
  );
}

function sameInstance(a: AssignedInstance, b: AssignedInstance): boolean {
  return (
    a === b ||
    (a.service === b.service &&
      a.slot === b.slot &&
      a.release === b.release &&
      a.hash === b.hash &&
      a.before === b.before &&
      sameConfig(a.config, b.config))
  );
}

function sameConfig(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
