/** What the agent's planner reads and what it answers. Plain values: no I/O, no clock. */
import type {
  AssignedInstance,
  Hook,
  LastExit,
  Limits,
  Pause,
  PublishedPort,
  Release,
} from '../../lib/documents/types';
import type { Config } from '../../lib/release/config';

/** What etcd, or the copy on disk, says that this host should run. */
export interface Desired {
  /** False while no readable assignment document is there: nothing that it does not name is stopped then. */
  readonly isComplete: boolean;
  /** Revision of the assignment document; 0 without one. */
  readonly assignmentRevision: number;
  readonly instances: ReadonlyMap<string, DesiredInstance>;
  /** Ids that the coordinator holds: left exactly as they are. */
  readonly held: ReadonlySet<string>;
  /** Releases whose images are to be there ahead of need, by name: "web@8". */
  readonly prefetch: ReadonlyMap<string, PrefetchWish>;
  /** Pauses that concern this host. Those that have ended are among them until the coordinator writes the next assignment. */
  readonly pauses: readonly Pause[];
}

export interface DesiredInstance extends AssignedInstance {
  /** Undefined when the release document is missing or unreadable: then the instance is left as it is. Of a `before` job,
   * what it is run as. */
  readonly spec?: Release;
  /** Hash of `spec.container` and the config that it takes; there when `spec` is. */
  readonly specHash?: string;
  /** Why `spec` is missing, for people. */
  readonly specProblem?: string;
}

export interface PrefetchWish extends Pick<DesiredInstance, 'spec' | 'specProblem'> {
  readonly service: string;
}

/** What Docker says that this host has: containers with our labels and our host name. */
export interface Actual {
  /** By instance id; more than one container for an id is possible after a crash. Sorted: the one to keep comes first. */
  readonly containers: ReadonlyMap<string, readonly ActualContainer[]>;
  /** Image references of the desired releases that are on the host. */
  readonly images: ReadonlySet<string>;
  readonly capacity: Capacity;
}

export const NOTHING_SEEN: Actual = {
  ...{ containers: new Map(), images: new Set(), capacity: { nanoCpus: 0, memoryBytes: 0 } },
};

export type ContainerState = 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'dead' | 'removing';

export interface ActualContainer {
  readonly id: string;
  readonly instance: string;
  readonly service: string;
  readonly slot: number;
  readonly release: number;
  /** Label berth.spec: versioned hash of the ContainerSpec. */
  readonly spec: string;
  /** Label berth.image: as the release names it, with its digest. Absent of containers that an older agent made. */
  readonly image?: string;
  readonly state: ContainerState;
  /** Of the probe or, without one, of Docker's health check. */
  readonly health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  /** What the last probe or health check that failed said; empty when there is nothing to say. */
  readonly healthReason: string;
  readonly ports: readonly BoundPort[];
  readonly stopGracePeriodMs: number;
  /** What is done before it is stopped. */
  readonly leave: Leave;
  /** As Docker applies them, 0 meaning none; undefined while Docker does not say. */
  readonly limits: AppliedLimits | undefined;
  /** Where the agent reaches its ports: its address on a bridge, 127.0.0.1 on the host's network; empty when nowhere. */
  readonly address: string;
  /** Of the present or last run, on Docker's wall clock; 0 before the first. With the id, it names the run. */
  readonly startedAtMs: number;
  /** When the run before the present one ended, Docker's wall clock; 0 when there was none, or it does not run now. */
  readonly previousExitMs: number;
  /** Of the last run, when it has exited. */
  readonly exit?: LastExit;
  /** When Docker told last that it ran out of memory, Docker's wall clock; absent: it has not. */
  readonly outOfMemoryMs?: number;
  /** How long the present or the last run lasted, milliseconds. */
  readonly ranForMs: number;
}

export interface BoundPort extends PublishedPort {
  /** Address of the host that it is bound to; absent or empty: to all. */
  readonly hostIp?: string;
}

/** Written on the container when it is made: its release may be forgotten by the time that it goes. */
export interface Leave {
  /** Milliseconds between leaving discovery and the stop signal. */
  readonly drainMs: number;
  readonly preStop: readonly Hook[];
  /** Services that it needs: it goes before them. */
  readonly dependsOn: readonly string[];
}

export const NOTHING_TO_LEAVE: Leave = { drainMs: 0, preStop: [], dependsOn: [] };

/** Of the host: a limit of as much is none. */
export interface Capacity {
  readonly nanoCpus: number;
  readonly memoryBytes: number;
}

/** Limits that Docker can change while the container runs. */
export interface AppliedLimits extends Limits {
  readonly memoryReservationBytes: number;
}

/** The host is cut off from etcd: its lease is lost, or what is assigned to it by now is not known. */
export interface Cut {
  /** When its lease can last have been renewed, or when this agent began without one; monotonic. */
  readonly sinceMs: number;
  /** The same moment on the wall clock, for the next agent. */
  readonly atMs: number;
  /** This agent had a lease before. */
  readonly hadLease: boolean;
  /** It has one again, and has not read what is assigned to it by now. */
  readonly isLeaseBack: boolean;
}

/** What the agent remembers between passes. It may be lost at any time: then only backoff is forgotten. */
export interface Memory {
  readonly instances: ReadonlyMap<string, InstanceMemory>;
}

/** Of the last step of an instance, as long as none has succeeded. */
export interface Failure {
  /** For people. */
  readonly error: string;
  /** In a row. */
  readonly tries: number;
}

export interface InstanceMemory {
  /** A worker is busy with the instance: no step for it. */
  readonly inFlight: boolean;
  /** Image that the worker pulls. */
  readonly pulling: string | undefined;
  /** Image whose pull failed last: until `notBeforeMs`, nobody on this host tries it again. */
  readonly failedPull: string | undefined;
  /** Starts after exits since the last success; not the one in flight. */
  readonly restarts: number;
  /** Monotonic time before which no step is tried, since the last one failed. */
  readonly notBeforeMs: number;
  /** Monotonic time before which an exited container is not started again. Nothing else waits for it. */
  readonly restartNotBeforeMs: number;
  /** Docker refused to start a container because somebody else has its host port by now. */
  readonly lostPort: LostPort | undefined;
  /** The last step failed, and none has succeeded since. */
  readonly isFailing: boolean;
  /** Monotonic time at which the agent first saw that it is wanted. */
  readonly wantedSinceMs: number;
  /** Spec hash for which an image was pulled that is to be pulled before every creation. */
  readonly pulledFor: string | undefined;
  /** Run (runOf) whose post_start hooks are done. */
  readonly hookedRun: string | undefined;
  /** Id of the container that has run its pre_stop hooks and waited for its drain time. */
  readonly drained: string | undefined;
  /** Container and limits (toldLimits) of the last update that Docker took. */
  readonly toldLimits: string | undefined;
  /** Of a `before` job: Docker was told to start it, or was about to be. Outlives the agent. */
  readonly isBegun: boolean;
  /** That was so lately that it may start yet. */
  readonly mayStillStart: boolean;
  /** What becomes of it since the host is cut off: it is not started, or stopped, too. */
  readonly cutOff: 'none' | 'unstarted' | 'stopped';
  /** Run (runOf) that was stopped for that: it is started again, whatever its restart policy says. Outlives the agent. */
  readonly cutRun: string | undefined;
}

export interface LostPort {
  readonly containerId: string;
  /** Undefined when Docker did not say which. */
  readonly port: number | undefined;
}

export const NOTHING_REMEMBERED: InstanceMemory = {
  ...{ inFlight: false, pulling: undefined, restarts: 0, notBeforeMs: 0, restartNotBeforeMs: 0, lostPort: undefined },
  ...{
    isFailing: false,
    failedPull: undefined,
    wantedSinceMs: 0,
    pulledFor: undefined,
    hookedRun: undefined,
    drained: undefined,
    toldLimits: undefined,
    isBegun: false,
    mayStillStart: false,
    cutOff: 'none',
    cutRun: undefined,
  },
};

/** One run of a container: from a start to the exit. */
export function runOf({ id, startedAtMs }: Pick<ActualContainer, 'id' | 'startedAtMs'>): string {
  return `${id} ${startedAtMs}`;
}

export type Step =
  PullStep | CreateStep | StartStep | PostStartStep | UpdateStep | RestartStep | DrainStep | StopStep | RemoveStep;
export type StepKind = Step['kind'];

interface StepBase {
  /** Its id; of a pull ahead of need, the name of the release. */
  readonly instance: string;
  readonly reason: string;
}
export interface PullStep extends StepBase {
  readonly kind: 'pull';
  readonly release: Release;
  /** Empty of one ahead of need. */
  readonly specHash: string;
}
/** Create and start, in one: a container that was created and never started is removed by a later pass. */
export interface CreateStep extends StepBase {
  readonly kind: 'create';
  readonly release: Release;
  readonly slot: number;
  readonly specHash: string;
  /** Values for its placeholders, and for its environment if it takes them all. */
  readonly config: Config;
  /** It is a `before` job: that it was begun is on disk before it is started. */
  readonly isJob: boolean;
}
/** Of a container that ran and exited. */
export interface StartStep extends StepBase {
  readonly kind: 'start';
  readonly containerId: string;
  /** After a cut, and not after an exit: no attempt of its restart policy. */
  readonly isReturn?: true;
}
/** The hooks that follow a start. */
export interface PostStartStep extends StepBase {
  readonly kind: 'post_start';
  readonly containerId: string;
  readonly run: string;
  readonly hooks: readonly Hook[];
}
/** Other limits for a container that runs on. */
export interface UpdateStep extends StepBase {
  readonly kind: 'update';
  readonly containerId: string;
  readonly limits: AppliedLimits;
}
/** Stop and start, in one call: Docker finishes it even if the agent dies. */
export interface RestartStep extends StepBase {
  readonly kind: 'restart';
  readonly containerId: string;
  readonly graceMs: number;
}
/** What comes before a stop: out of discovery, the pre_stop hooks, the drain time. */
export interface DrainStep extends StepBase {
  readonly kind: 'drain';
  readonly containerId: string;
  readonly leave: Leave;
}
export interface StopStep extends StepBase {
  readonly kind: 'stop';
  readonly containerId: string;
  readonly graceMs: number;
  /** Run that is to be started again: it is stopped since the host is cut off. */
  readonly cutRun?: string;
}
export interface RemoveStep extends StepBase {
  readonly kind: 'remove';
  readonly containerId: string;
  /** Of a `before` job: it was never started, and can be made anew. */
  readonly hasNotRun?: true;
}
