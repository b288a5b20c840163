/** What is remembered of one instance. */
import type { LastExit } from '../../lib/documents/types';
import { limitsToUpdate, wantedLimits } from '../plan/limits';
import { runOf, type Actual, type ActualContainer, type DesiredInstance } from '../plan/types';
import type { Failure, InstanceMemory, LostPort, StepKind } from '../plan/types';

export interface Entry extends InstanceMemory {
  inFlight: boolean;
  /** What is in flight is a start or restart: an attempt, once it has succeeded. */
  isRestarting: boolean;
  pulling: string | undefined;
  failedPull: string | undefined;
  restarts: number;
  notBeforeMs: number;
  restartNotBeforeMs: number;
  /** How long the next start waits from the last exit on. */
  restartDelayMs: number;
  lostPort: LostPort | undefined;
  wantedSinceMs: number;
  /** Until when it may wait for what it depends on, monotonic; 0 when it does not wait. */
  patientUntilMs: number;
  pulledFor: string | undefined;
  hookedRun: string | undefined;
  drained: string | undefined;
  toldLimits: string | undefined;
  isBegun: boolean;
  mayStillStart: boolean;
  /** When this agent first knew that it is begun; monotonic. */
  begunSinceMs: number;
  cutOff: InstanceMemory['cutOff'];
  cutRun: string | undefined;
  /** Since when the host is cut off, where that matters to it: monotonic, and on the wall clock. */
  cutSinceMs: number | undefined;
  cutAtMs: number | undefined;
  /** When it is stopped for that; monotonic, 0 when it is not. */
  stopsAtMs: number;
  /** Run that was healthy, or had nothing to be it by. */
  goodRun: string | undefined;
  /** Run whose ill health was taken into account, so that a pass does not count it twice. */
  seenUnhealthy: string | undefined;
  /** How far the step in flight has come. */
  progress: string;
  /** Failures in a row, of each kind of step: that a removal works says nothing about the next creation. */
  readonly failures: Map<StepKind, number>;
  /** Of the last failed step, until one succeeds or it is not needed any more. */
  error: string | undefined;
  /** Kind of the step that `error` is of. */
  failedKind: StepKind | undefined;
  /** Restarts since this agent first saw the instance: for status and metrics. */
  restartsTotal: number;
  /** Why the last of them; empty before the first. */
  lastRestartReason: string;
  /** Docker forgets it when the container is started again. */
  lastExit: LastExit | undefined;
  /** Last exit that was taken into account (exitKey), so that a pass does not count it twice. */
  seenExit: string | undefined;
  /** It has run since that exit, or may have: the next one is another one. */
  hasRunSince: boolean;
  /** No line of the present or last run is older than this, as far as the agent knows; Docker's wall clock. */
  logSinceMs: number;
}

/** A container that runs needs none of these any more: how they went says nothing about it. */
const ONCE_RUNNING: readonly StepKind[] = ['pull', 'create', 'start', 'drain', 'stop', 'remove'];
/** These are for a container that is there. */
const ONCE_GONE: readonly StepKind[] = ['start', 'post_start', 'update', 'restart', 'drain', 'stop', 'remove'];

export function newEntry(): Entry {
  return {
    ...{ inFlight: false, isRestarting: false, pulling: undefined, restarts: 0, notBeforeMs: 0, restartNotBeforeMs: 0 },
    ...{ restartDelayMs: 0, failedPull: undefined, lostPort: undefined },
    ...{ failures: new Map<StepKind, number>(), error: undefined, failedKind: undefined },
    ...{ restartsTotal: 0, lastRestartReason: '', lastExit: undefined, seenExit: undefined, hasRunSince: false },
    ...{ logSinceMs: 0, progress: '', wantedSinceMs: 0, patientUntilMs: 0 },
    ...{ pulledFor: undefined, hookedRun: undefined, drained: undefined, toldLimits: undefined },
    ...{ goodRun: undefined, seenUnhealthy: undefined },
    ...{ cutOff: 'none', cutRun: undefined, cutSinceMs: undefined, cutAtMs: undefined, stopsAtMs: 0 },
    ...{ isBegun: false, mayStillStart: false, begunSinceMs: 0 },
    get isFailing() {
      return this.failures.size > 0;
    },
  };
}

/** Restarts that count, the one in flight among them: it may have no end that this agent sees. */
export function attemptsOf({ restarts, isRestarting }: Entry): number {
  return restarts + Number(isRestarting);
}

export function failureIn({ error, failedKind, failures }: Entry): Failure | undefined {
  if (error === undefined || failedKind === undefined) return undefined;
  return { error, tries: failures.get(failedKind) ?? 1 };
}

export function forgetError(entry: Entry): void {
  entry.error = undefined;
  entry.failedKind = undefined;
  entry.lostPort = undefined;
  entry.failedPull = undefined;
}

export function forgetFailures(entry: Entry): void {
  entry.failures.clear();
  forgetError(entry);
  entry.notBeforeMs = 0;
}

/**
 * Failures of steps that are not needed any more say nothing about the instance. Not to be asked while a step is in
 * flight: what was seen may be older than it.
 * @param containers of the instance; the first one is as it is wanted
 */
export function endNeedless(
  entry: Entry,
  containers: readonly ActualContainer[],
  wanted: DesiredInstance,
  actual: Actual,
): void {
  if (entry.failures.size === 0) return;
  const [container, another] = containers;
  const end = (kind: StepKind): void => {
    entry.failures.delete(kind);
    if (entry.failedKind === kind) forgetError(entry);
  };
  if (container === undefined) ONCE_GONE.forEach(end);
  else {
    if (container.state === 'running' && another === undefined) ONCE_RUNNING.forEach(end);
    if (container.health !== 'unhealthy') end('restart');
    if (isApplied(container, wanted, actual)) end('update');
    if (areHooksDone(entry, container, wanted)) end('post_start');
  }
  if (entry.failures.size === 0) forgetFailures(entry);
}

/** Whether the container's limits are known to be as they are wanted. */
export function isApplied({ limits }: ActualContainer, { spec }: DesiredInstance, { capacity }: Actual): boolean {
  if (spec === undefined || limits === undefined) return false;
  return limitsToUpdate(wantedLimits(spec), limits, capacity) === undefined;
}

function areHooksDone({ hookedRun }: Entry, container: ActualContainer, { spec }: DesiredInstance): boolean {
  return (spec?.container.postStart.length ?? 0) === 0 || hookedRun === runOf(container);
}
