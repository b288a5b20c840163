/** What the loop is given. */
import type { Clock } from '../lib/clock';
import type { HostStatus, Problem } from '../lib/documents/types';
import type { Logger } from '../lib/log';
import type { Pauses } from '../lib/pauses';
import type { OnBoundary } from './boundaries';
import type { Engine } from './docker/engine';
import type { ExecutorTools } from './executor';
import type { HostPorts } from './host-ports';
import type { MemoryCopy } from './memory/memory-copy';
import type { Cut, Desired, Step } from './plan/types';
import type { Probes } from './probes/probes';
import type { Besides } from './status';

export interface LoopOptions {
  readonly engine: Engine;
  readonly ports: HostPorts;
  readonly probes: Probes;
  readonly memoryCopy: MemoryCopy;
  readonly onBoundary: OnBoundary;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly desired: () => Desired;
  readonly pauses: Pauses;
  /** False while the host's name is known to be another agent's: then nothing is begun. */
  readonly mayAct: () => boolean;
  /** Undefined when the host is not cut off from etcd. */
  readonly cut: () => Cut | undefined;
  /** What is wrong apart from Docker: goes into the status. */
  readonly problems: () => readonly Problem[];
  /** Goes into the status, too: `tell` says when it has changed. */
  readonly besides: () => Besides;
  readonly withdraw: ExecutorTools['withdraw'];
  /** A probe has found that a container is well, or ill: known at once, also while Docker does not answer. */
  readonly onHealth: () => void;
  /** After every pass, from the first list of containers on: before, nothing true can be said of them. */
  readonly onStatus: (status: HostStatus) => void;
  readonly onPass: (pass: PassReport) => void;
}

export interface PassReport {
  readonly durationMs: number;
  /** Those that were begun. */
  readonly steps: readonly Step[];
  readonly engineAnswers: boolean;
  readonly restartsTotal: number;
}
