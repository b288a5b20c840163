/** What the agent's planner reads and what it answers. Plain values: no I/O, no clock. */
import type { AssignedInstance, LastExit, PublishedPort, Release } from '../../lib/documents/types';

/** What etcd, or the copy on disk, says that this host should run. */
export interface Desired {
  /** False while no readable assignment document is there: nothing that it does not name is stopped then. */
  readonly isComplete: boolean;
  /** Revision of the assignment document; 0 without one. */
  readonly assignmentRevision: number;
  readonly instances: ReadonlyMap<string, DesiredInstance>;
  /** Ids that the coordinator holds: left exactly as they are. */
  readonly held: ReadonlySet<string>;
}

export interface DesiredInstance extends AssignedInstance {
  /** Undefined when the release document is missing or unreadable: then the instance is left as it is. */
  readonly spec?: Release;
  /** Hash of `spec.container`; there when `spec` is. */
  readonly specHash?: string;
  /** Why `spec` is missing, for people. */
  readonly specProblem?: string;
}

/** What Docker says that this host has: containers with our labels and our host name. */
export interface Actual {
  /** By instance id; more than one container for an id is possible after a crash. Sorted: the one to keep comes first. */
  readonly containers: ReadonlyMap<string, readonly ActualContainer[]>;
  /** Image references of the desired releases that are on the host. */
  readonly images: ReadonlySet<string>;
}

export type ContainerState = 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'dead' | 'removing';

export interface ActualContainer {
  readonly id: string;
  readonly instance: string;
  readonly service: string;
  readonly slot: number;
  readonly release: number;
  /** Label berth.spec: versioned hash of the ContainerSpec. */
  readonly spec: string;
  readonly state: ContainerState;
  readonly health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  readonly ports: readonly PublishedPort[];
  readonly stopGracePeriodMs: number;
  /** Of the last run, when it has exited. */
  readonly exit?: LastExit;
  /** How long the present or the last run lasted, milliseconds. */
  readonly ranForMs: number;
}

/** What the agent remembers between passes. It may be lost at any time: then only backoff is forgotten. */
export interface Memory {
  readonly instances: ReadonlyMap<string, InstanceMemory>;
}

export interface InstanceMemory {
  /** A worker is busy with the instance: no step for it. */
  readonly inFlight: boolean;
  /** Image that the worker pulls. */
  readonly pulling: string | undefined;
  /** Starts after exits since the last success. */
  readonly restarts: number;
  /** Monotonic time before which no step is tried, since the last one failed. */
  readonly notBeforeMs: number;
  /** Monotonic time before which an exited container is not started again. Nothing else waits for it. */
  readonly restartNotBeforeMs: number;
  /** Docker refused to start a container because somebody else has its host port by now. */
  readonly lostPort: LostPort | undefined;
}

export interface LostPort {
  readonly containerId: string;
  /** Undefined when Docker did not say which. */
  readonly port: number | undefined;
}

export const NOTHING_REMEMBERED: InstanceMemory = {
  ...{ inFlight: false, pulling: undefined, restarts: 0, notBeforeMs: 0, restartNotBeforeMs: 0, lostPort: undefined },
};

export type Step = PullStep | CreateStep | StartStep | StopStep | RemoveStep;
export type StepKind = Step['kind'];

interface StepBase {
  readonly instance: string;
  readonly reason: string;
}
export interface PullStep extends StepBase {
  readonly kind: 'pull';
  readonly release: Release;
}
/** Create and start, in one: a container that was created and never started is removed by a later pass. */
export interface CreateStep extends StepBase {
  readonly kind: 'create';
  readonly release: Release;
  readonly slot: number;
  readonly specHash: string;
}
/** Of a container that ran and exited. */
export interface StartStep extends StepBase {
  readonly kind: 'start';
  readonly containerId: string;
}
export interface StopStep extends StepBase {
  readonly kind: 'stop';
  readonly containerId: string;
  readonly graceMs: number;
}
export interface RemoveStep extends StepBase {
  readonly kind: 'remove';
  readonly containerId: string;
}
