/** Pure: from the cluster as it is and the services that something happened to, to the documents that change. */
import type { Assignment, ClusterStatus, HostLoss, Pause, Release, ServiceStatus } from '../../lib/documents/types';
import type { ClusterView } from '../view';
import { assignmentsInSteps } from './assignments';
import { withWholeReleases, type PlannedStatus } from '../releases/whole-releases';
import { endedPauses, indexPauses, withPausedHosts } from './pauses';
import { brakesIn, lossesToNote } from './brakes';
import { fatesIn } from './fates';
import { PlacementIndex } from './placement-index';
import { Turns } from '../rollouts/turns';
import { dependenciesFirst } from '../rollouts/waits-for';
import { planService, type ServicePlan } from './plan-service';
import type { CompiledService, ServiceInput } from './types';
import { Usage } from './usage';

/** What reading a document is worth, in instances; most are known from the last time. */
const COMPILING = 10;

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
  const steps = planInSteps(input);
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}

/**
 * As planCluster. What it is given must not change before it is through.
 * @returns yields how many instances it has looked at since the last time: a plan of the whole fleet takes so long that
 * whoever makes it has to do something else in between
 */
export function* planInSteps(input: ClusterInput): Generator<number, ClusterChanges, undefined> {
  const pauses = indexPauses(input.pauses);
  const view = withPausedHosts(input.view, pauses);
  const index = view.index ?? new PlacementIndex(view.hosts, view.releases);
  const usage = new Usage((host) => index.usageOf(host));
  const brakes = brakesIn(view, index.troubledHosts, input.wallMs);
  const fates = fatesIn(view, brakes.hosts, input.wallMs);
  const turns = new Turns(view);
  const documents = new Map<string, ServiceInput['document']>();
  for (const service of input.services) {
    const document = view.services.get(service);
    const compiled = document && input.compile(service, document.text);
    documents.set(service, compiled && { compiled, modRevision: document.modRevision });
    yield COMPILING;
  }
  const waitsFor = (service: string): readonly string[] => {
    const compiled = documents.get(service)?.compiled;
    return compiled?.ok === true ? compiled.deploy.waitsFor : [];
  };
  const planned = new Map<string, ServicePlan>();
  for (const service of dependenciesFirst(documents.keys(), waitsFor)) {
    const plan = planService({
      ...{ service, view, usage, pauses, fates, brakes, turns, random: input.random, wallMs: input.wallMs },
      document: documents.get(service),
      placements: index.ofService(service),
      reports: () => index.reportsOf(service),
    });
    planned.set(service, plan);
    turns.note(service, plan.status);
    yield 1 + plan.placements.length;
  }
  const plans = new Map([...planned].sort(([a], [b]) => (a < b ? -1 : 1)));
  const all = [...plans];
  const assignments = yield* assignmentsInSteps({ view, index, plans, pauses: input.pauses });
  return {
    releases: all.flatMap(([, { newRelease }]) => (newRelease === undefined ? [] : [newRelease])),
    assignments,
    statuses: new Map(all.map(([service, { status }]) => [service, status && whole(view, service, status)])),
    dropReleases: all.flatMap(([service, plan]) => plan.dropReleases.map((number) => ({ service, number }))),
    dropPauses: endedPauses(view, input.pauses),
    againInMs: new Map(
      all.flatMap(([service, { againInMs }]) => (againInMs === undefined ? [] : [[service, againInMs]])),
    ),
    losses: lossesToNote(index.troubledHosts, input.wallMs),
    clusterStatus: { alarms: brakes.alarms },
  };
}

function whole(view: ClusterView, service: string, status: PlannedStatus): ServiceStatus {
  return withWholeReleases(status, view.serviceStatuses.get(service)?.document, view.releases.get(service));
}
