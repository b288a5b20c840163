/** Pure: from the cluster as it is and the services that something happened to, to the documents that change. */
import type { Assignment, ClusterStatus, HostLoss, Pause, Release, ServiceStatus } from '../../lib/documents/types';
import { isMadeFrom } from '../../lib/release/spec-hash';
import { placementsOf, reportOf, type ClusterView, type Placement } from '../view';
import { assignmentsFrom } from './assignments';
import { endedPauses, indexPauses, withPausedHosts } from './pauses';
import { brakesIn, lossesToNote } from './brakes';
import { fatesIn } from './fates';
import { planService, type ServicePlan } from './plan-service';
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
  /** Services that are to be planned again after so many milliseconds, if nothing happens before. */
  readonly againInMs: ReadonlyMap<string, number>;
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
  const plans = new Map<string, ServicePlan>();
  for (const service of [...new Set(input.services)].sort()) {
    const document = view.services.get(service);
    const plan = planService({
      ...{ service, view, usage, pauses, fates, brakes, random: input.random, wallMs: input.wallMs },
      document: document && { compiled: input.compile(service, document.text), modRevision: document.modRevision },
      placements: placements.get(service) ?? [],
    });
    placements.set(service, [...plan.placements]);
    plans.set(service, plan);
  }
  const all = [...plans];
  return {
    releases: all.flatMap(([, { newRelease }]) => (newRelease === undefined ? [] : [newRelease])),
    assignments: assignmentsFrom({ view, placements, plans, pauses: input.pauses }),
    statuses: new Map(all.map(([service, { status }]) => [service, status])),
    dropReleases: all.flatMap(([service, plan]) => plan.dropReleases.map((number) => ({ service, number }))),
    dropPauses: endedPauses(view, input.pauses),
    againInMs: new Map(
      all.flatMap(([service, { againInMs }]) => (againInMs === undefined ? [] : [[service, againInMs]])),
    ),
    losses: lossesToNote(view, input.wallMs),
    clusterStatus: { alarms: brakes.alarms },
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
