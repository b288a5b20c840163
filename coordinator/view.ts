/** The cluster as the planner reads it: decoded documents, and nothing that is not in etcd. */
import type {
  Assignment,
  ClusterIntent,
  ClusterStatus,
  HostIntent,
  HostLoss,
  HostRecord,
  HostStatus,
  InstanceStatus,
  Pause,
  Problem,
  Release,
  ServiceIntent,
  ServiceStatus,
} from '../lib/documents/types';
import type { PlacementIndex } from './schedule/placement-index';

/** A document and the revision to compare when it is replaced; 0 when it is not in etcd. */
export interface Versioned<T> {
  readonly document: T;
  readonly modRevision: number;
}

export interface ServiceDocument {
  readonly text: string;
  readonly modRevision: number;
}

/** What stands under one key of <prefix>/pauses/. */
export interface PauseView {
  /** The last that could be read; undefined when there never was one. */
  readonly pause: Pause | undefined;
  readonly modRevision: number;
  /** What stands there now can't be read. */
  readonly isGarbage: boolean;
}

/** One layer of config: flat text by key. */
export interface ConfigLayer {
  /** Of the last text that could be read; undefined when there is none since this coordinator reads. */
  readonly values: ReadonlyMap<string, string> | undefined;
  readonly modRevision: number;
}

/** By name of the service or host. */
export interface ConfigLayers {
  readonly cluster: ConfigLayer | undefined;
  readonly services: ReadonlyMap<string, ConfigLayer>;
  readonly hosts: ReadonlyMap<string, ConfigLayer>;
}

export interface HostView {
  readonly name: string;
  /** Its agent's lease lives. */
  readonly isLive: boolean;
  readonly record?: HostRecord;
  readonly intent?: HostIntent;
  readonly status?: HostStatus;
  /** Undefined when there is none that can be read, and never was. */
  readonly assignment?: Assignment;
  /** Revision of what is in etcd under the assignment's key, readable or not. */
  readonly assignmentRevision: number;
  /** What stands under the assignment's key can't be read. */
  readonly isAssignmentGarbage: boolean;
  /** Since when its lease has ended, as the leader noted it. */
  readonly loss?: Versioned<HostLoss>;
  /** Of the host itself and in force, where a plan is made; nobody else asks. */
  readonly pause?: Pause | undefined;
}

export interface ClusterView {
  readonly services: ReadonlyMap<string, ServiceDocument>;
  /** By service, then by number. */
  readonly releases: ReadonlyMap<string, ReadonlyMap<number, Release>>;
  /** Numbers whose documents are there and can't be read, by service: taken all the same. Absent: none. */
  readonly unreadableReleases?: ReadonlyMap<string, ReadonlySet<number>>;
  readonly hosts: ReadonlyMap<string, HostView>;
  readonly serviceStatuses: ReadonlyMap<string, Versioned<ServiceStatus | undefined>>;
  /** By key; those that have ended among them. */
  readonly pauses: ReadonlyMap<string, PauseView>;
  readonly config: ConfigLayers;
  readonly serviceIntents: ReadonlyMap<string, Versioned<ServiceIntent>>;
  readonly clusterIntent: Versioned<ClusterIntent>;
  readonly clusterStatus: Versioned<ClusterStatus>;
  /** Documents that can't be read, with their keys. */
  readonly problems: readonly Problem[];
  /** Services that have releases and no key, kept up with both. Absent: whoever asks looks at all. */
  readonly keyless?: ReadonlySet<string>;
  /** Of `hosts` and `releases`, kept up with them. Absent: a plan makes its own, which costs work for the whole fleet. */
  readonly index?: PlacementIndex;
}

/** One instance in its place, as an assignment names it or, without one, as its host reports it. */
export interface Placement {
  readonly id: string;
  readonly host: string;
  readonly service: string;
  readonly slot: number;
  /** 0 when it can't be told: no release has that number. */
  readonly release: number;
  /** Named by no assignment that is in force. */
  readonly isReported: boolean;
  /** What its host's config layer said when it was placed, of the keys that the service takes. */
  readonly config: Readonly<Record<string, string>>;
  /** The release's `before` job: no instance of the service, and in no slot. */
  readonly isBefore: boolean;
}

/** @param releases of one service, by number */
export function newestOf(releases: ReadonlyMap<number, Release> | undefined): Release | undefined {
  return releases?.get(Math.max(0, ...releases.keys()));
}

/** A host that can be given an assignment: its agent has said what it is and what it runs. */
export function isUsable(host: HostView): boolean {
  return host.isLive && host.record !== undefined && host.status !== undefined;
}

/**
 * The host has obeyed a newer assignment than the one that is there: etcd was restored from a backup, or somebody
 * wrote the document by hand. The agent obeys no older one, so it has to be written anew.
 */
export function isBehind({ assignment, status }: HostView): boolean {
  return assignment !== undefined && status !== undefined && assignment.revision < status.assignmentRevision;
}

/**
 * Where every instance is. A host without a readable assignment, or with one that is behind, is taken at its word:
 * what it reports stays in place, so that an emptied or restored etcd is filled again from what runs, and nothing
 * stops. Whether it calls them held is not asked: its report may be older than the loss of its assignment.
 */
export function placementsOf(host: HostView): readonly Placement[] {
  const { status } = host;
  const assignment = isBehind(host) ? undefined : host.assignment;
  const held = new Set(assignment?.held);
  const reported = Object.entries(status?.instances ?? {}).filter(([id, report]) =>
    // Held ones count as well: their service may be known again by now.
    assignment === undefined
      ? report.held || report.phase !== 'STOPPING'
      : held.has(id) && !(id in assignment.instances),
  );
  return [
    ...Object.entries(assignment?.instances ?? {}).map(([id, { service, slot, release, config, before }]) => ({
      ...{ id, host: host.name, service, slot, release, isReported: false, config, isBefore: before },
    })),
    ...reported.map(([id, { service, slot, release }]) => ({
      ...{ id, host: host.name, service, slot, release, isReported: true, config: {}, isBefore: false },
    })),
  ];
}

/** What a lost host said last counts for nothing. */
export function liveReportOf(view: ClusterView, placement: Placement): InstanceStatus | undefined {
  return view.hosts.get(placement.host)?.isLive === true ? reportOf(view, placement) : undefined;
}

/** As its host said last, whether or not that lives. */
export function reportOf(view: ClusterView, placement: Placement): InstanceStatus | undefined {
  return view.hosts.get(placement.host)?.status?.instances[placement.id];
}
