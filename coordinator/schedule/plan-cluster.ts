/** Pure: from the cluster as it is and the services that something happened to, to the documents that change. */
import type { Assignment, ClusterStatus, HostLoss, Pause, Release, ServiceStatus } from '../../lib/documents/types';
import { releaseHash } from '../../lib/release/release-hash';
import { isMadeFrom } from '../../lib/release/spec-hash';
import { isBehind, isUsable, placementsOf, reportOf, type ClusterView, type HostView, type Placement } from '../view';
import { endedPauses, indexPauses, pausesOfHost, withPausedHosts } from './pauses';
import { brakesIn, lossesToNote } from './brakes';
import { fatesIn } from './fates';
import { planService } from './plan-service';
import { staticPort } from './filters/static-port';
import type { CompiledService, HostUsage } from './types';
import { emptyUsage, take } from './usage';

export interface ClusterInput {
  readonly view: ClusterView;
  /** Services to plan, in any order. */
  readonly services: Iterable<string>;
  /** Those of the view that are in force; the others have ended. Sorted. */
  readonly pauses: readonly Pause[];
  readonly compile: (service: string, text: string) => CompiledService;
  readonly random: () => number;
  readonly wallMs: number;
}

export interface ClusterChanges {
  readonly releases: readonly Release[];
  /** Whole new documents, by host. */
  readonly assignments: ReadonlyMap<string, Assignment>;
  /** By service; undefined: delete. Only those that differ from what is there. */
  readonly statuses: ReadonlyMap<string, ServiceStatus | undefined>;
  readonly dropReleases: readonly { readonly service: string; readonly number: number }[];
  /** Keys of pauses that have ended. */
  readonly dropPauses: readonly string[];
  /** By host; undefined: delete. */
  readonly losses: ReadonlyMap<string, HostLoss | undefined>;
  readonly clusterStatus: ClusterStatus;
}

export function planCluster(input: ClusterInput): ClusterChanges {
  const pauses = indexPauses(input.pauses);
  const view = withPausedHosts(input.view, pauses);
  const placements = new Map<string, Placement[]>();
  const usage = new Map([...view.hosts.keys()].map((host) => [host, emptyUsage()]));
  for (const host of view.hosts.values())
    for (const found of placementsOf(host)) {
      const taken = usage.get(host.name)!;
      const placement = withTrueRelease(found, view, taken);
      const release = view.releases.get(placement.service)?.get(placement.release);
      take(taken, placement, release, host.status?.instances[placement.id]);
      const known = placements.get(placement.service);
      if (known === undefined) placements.set(placement.service, [placement]);
      else known.push(placement);
    }
  const brakes = brakesIn(view, input.wallMs);
  const fates = fatesIn(view, brakes.hosts, input.wallMs);
  const releases: Release[] = [];
  const statuses = new Map<string, ServiceStatus | undefined>();
  const dropReleases: { service: string; number: number }[] = [];
  for (const service of [...new Set(input.services)].sort()) {
    const document = view.services.get(service);
    const plan = planService({
      ...{ service, view, usage, pauses, fates, brakes, random: input.random, wallMs: input.wallMs },
      document: document && { compiled: input.compile(service, document.text), modRevision: document.modRevision },
      placements: placements.get(service) ?? [],
    });
    placements.set(service, [...plan.placements]);
    if (plan.newRelease !== undefined) releases.push(plan.newRelease);
    statuses.set(service, plan.status);
    dropReleases.push(...plan.dropReleases.map((number) => ({ service, number })));
  }
  const assignments = assignmentsFrom(view, placements, releases, input.pauses);
  return {
    ...{ releases, assignments, statuses, dropReleases, dropPauses: endedPauses(view, input.pauses) },
    ...{ losses: lossesToNote(view, input.wallMs), clusterStatus: { alarms: brakes.alarms } },
  };
}

/**
 * Numbers begin anew after etcd was emptied: an instance that nothing but its host's report names may be of another
 * release than the one that has its number now. Its container tells; where none was made yet, the number is believed,
 * so that its ports stay its own (G9), unless another one has them.
 */
function withTrueRelease(placement: Placement, view: ClusterView, usage: HostUsage): Placement {
  const release = view.releases.get(placement.service)?.get(placement.release);
  const host = view.hosts.get(placement.host);
  if (!placement.isReported || release === undefined || host === undefined) return placement;
  const report = reportOf(view, placement);
  const isSame = report?.containerId === '' || isMadeFrom(report?.spec ?? '', release.container);
  return isSame && staticPort.check({ host, usage }, release) ? placement : { ...placement, release: 0 };
}

function assignmentsFrom(
  view: ClusterView,
  placements: ReadonlyMap<string, readonly Placement[]>,
  newReleases: readonly Release[],
  pauses: readonly Pause[],
): ReadonlyMap<string, Assignment> {
  const byHost = new Map<string, Placement[]>();
  for (const placement of [...placements.values()].flat()) {
    const known = byHost.get(placement.host);
    if (known === undefined) byHost.set(placement.host, [placement]);
    else known.push(placement);
  }
  const known = new Set([
    ...view.services.keys(),
    ...view.releases.keys(),
    ...newReleases.map(({ service }) => service),
  ]);
  const cut = new Map(newReleases.map((release) => [release.service, release]));
  const releaseOf = ({ service, release }: Placement): Release | undefined =>
    cut.get(service)?.number === release ? cut.get(service) : view.releases.get(service)?.get(release);
  const assignments = new Map<string, Assignment>();
  for (const host of view.hosts.values()) {
    const placed = byHost.get(host.name) ?? [];
    const assignment = assignmentOf(host, placed, known, releaseOf, pausesOfHost(host, placed, pauses));
    if (assignment !== undefined) assignments.set(host.name, assignment);
  }
  return assignments;
}

/** @returns the host's next document, or undefined when it stays as it is */
function assignmentOf(
  host: HostView,
  placements: readonly Placement[],
  knownServices: ReadonlySet<string>,
  releaseOf: (placement: Placement) => Release | undefined,
  pauses: readonly Pause[],
): Assignment | undefined {
  const before = host.assignment;
  const named = placements.filter(({ service }) => knownServices.has(service));
  const isSameSet = named.length === 0 && placements.length === placementsOf(host).length;
  const isLeft = isSameSet && pauses.length === 0 && !host.isAssignmentGarbage;
  // No document is written before the host has said what it runs: it could leave out what nobody here knows of.
  if (before === undefined && (isLeft || !isUsable(host))) return undefined;
  const instances = Object.fromEntries(
    named.map((placement) => {
      const { id, service, slot, release, config, isBefore } = placement;
      const content = releaseOf(placement);
      const same = before?.instances[id]?.release === release ? before.instances[id].hash : '';
      return [
        id,
        {
          service,
          slot,
          release,
          hash: content === undefined ? same : releaseHash(content),
          config,
          before: isBefore,
        },
      ];
    }),
  );
  const held = placements
    .filter(({ service }) => !knownServices.has(service))
    .map(({ id }) => id)
    .sort();
  const isSame =
    before !== undefined &&
    sameInstances(before.instances, instances) &&
    before.held.join() === held.join() &&
    JSON.stringify(before.pauses) === JSON.stringify(pauses);
  if (isSame && !host.isAssignmentGarbage && !isBehind(host)) return undefined;
  const revision = Math.max(before?.revision ?? 0, host.status?.assignmentRevision ?? 0) + 1;
  return { revision, instances, prefetch: [], held, pauses, resolve: {} };
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
        JSON.stringify(left.config) === JSON.stringify(right.config)
      );
    })
  );
}
