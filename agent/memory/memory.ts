/**
 * What the agent remembers of its instances between passes: who is busy, who has to wait, what went wrong last.
 * The truth is Docker's list; of this, what a restart of the agent must not forget is kept on disk (memory-copy.ts).
 */
import { backoffMs } from '../../lib/backoff';
import type { LastExit } from '../../lib/documents/types';
import type { EngineError } from '../docker/engine';
import type { KeptInstance } from './memory-copy';
import { limitsToUpdate, toldLimits, wantedLimits } from '../plan/limits';
import { isCurrent } from '../plan/plan-instance';
import { runOf, type Actual, type ActualContainer, type Desired, type DesiredInstance } from '../plan/types';
import type { InstanceMemory, LostPort, Memory, Step, StepKind } from '../plan/types';

/** An instance that keeps exiting is started again at most so often; the first restart waits only for the operator's delay. */
const RESTART_BACKOFF = { baseMs: 1000, capMs: 60_000 };
/** A step that keeps failing (no such image, a bad mount, a taken port). */
const FAILURE_BACKOFF = { baseMs: 1000, capMs: 60_000 };
/** A window of nothing would make every start a success, and restarts would never slow down. */
const MIN_WINDOW_MS = 1000;

/** A container that runs needs none of these any more: how they went says nothing about it. */
const ONCE_RUNNING: readonly StepKind[] = ['pull', 'create', 'start', 'drain', 'stop', 'remove'];

interface Entry extends InstanceMemory {
  inFlight: boolean;
  pulling: string | undefined;
  failedPull: string | undefined;
  restarts: number;
  notBeforeMs: number;
  restartNotBeforeMs: number;
  /** How long the next start waits from the last exit on. */
  restartDelayMs: number;
  lostPort: LostPort | undefined;
  wantedSinceMs: number;
  pulledFor: string | undefined;
  hookedRun: string | undefined;
  drained: string | undefined;
  toldLimits: string | undefined;
  /** Run that was healthy, or had nothing to be it by. */
  goodRun: string | undefined;
  /** Run whose ill health was taken into account, so that a pass does not count it twice. */
  seenUnhealthy: string | undefined;
  /** How far the step in flight has come. */
  progress: string;
  /** Failures in a row, of each kind of step: that a removal works says nothing about the next creation. */
  readonly failures: Map<StepKind, number>;
  /** Of the last failed step, until one succeeds or is not needed any more. */
  error: string | undefined;
  /** Restarts since this agent first saw the instance: for status and metrics. */
  restartsTotal: number;
  /** Docker forgets it when the container is started again. */
  lastExit: LastExit | undefined;
  /** Last exit that was taken into account, so that a pass does not count it twice. */
  seenExit: string | undefined;
}

/** A run that ended: whose log is worth reading. */
export interface Crash {
  readonly container: ActualContainer;
  readonly exit: LastExit;
  /** Of the run before, wall clock; 0 when there was none that the agent knows of. */
  readonly previousExitMs: number;
}

export class AgentMemory implements Memory {
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly random: () => number) {}

  /** What an agent before this one kept. @param nowMs monotonic @param wallMs the same moment, on the wall clock */
  restore(kept: ReadonlyMap<string, KeptInstance>, nowMs: number, wallMs: number): void {
    for (const [instance, one] of kept) {
      const { restartDelayMs, lastExit } = one;
      const leftMs = lastExit === undefined ? 0 : lastExit.atMs + restartDelayMs - wallMs;
      // A wall clock that jumped prolongs no wait.
      const restartNotBeforeMs = nowMs + Math.min(restartDelayMs, Math.max(0, leftMs));
      Object.assign(this.entry(instance), one, { restartNotBeforeMs });
    }
  }

  /** What the next agent has to know: nothing of instances that run as at first. */
  get kept(): ReadonlyMap<string, KeptInstance> {
    const kept = new Map<string, KeptInstance>();
    for (const [instance, entry] of this.entries) {
      const { restarts, restartsTotal, restartDelayMs, lastExit, seenExit, hookedRun } = entry;
      if (restarts > 0 || restartsTotal > 0 || seenExit !== undefined || hookedRun !== undefined)
        kept.set(instance, { restarts, restartsTotal, restartDelayMs, lastExit, seenExit, hookedRun });
    }
    return kept;
  }

  get instances(): ReadonlyMap<string, InstanceMemory> {
    return this.entries;
  }

  errorOf(instance: string): string | undefined {
    return this.entries.get(instance)?.error;
  }

  pullErrorOf(image: string): string | undefined {
    for (const { failedPull, error } of this.entries.values()) if (failedPull === image) return error;
    return undefined;
  }

  restartsOf(instance: string): number {
    return this.entries.get(instance)?.restartsTotal ?? 0;
  }

  lastExitOf(instance: string): LastExit | undefined {
    return this.entries.get(instance)?.lastExit;
  }

  progressOf(instance: string): string {
    return this.entries.get(instance)?.progress ?? '';
  }

  setProgress(instance: string, progress: string): void {
    const entry = this.entries.get(instance);
    if (entry?.inFlight === true) entry.progress = progress;
  }

  /** The last lines that the run wrote. */
  setLog(instance: string, exit: LastExit, log: readonly string[]): void {
    const entry = this.entries.get(instance);
    if (entry?.lastExit?.atMs === exit.atMs) entry.lastExit = { ...entry.lastExit, log };
  }

  /** Earliest time after `nowMs` at which an instance that waits may be planned again. */
  nextWakeMs(nowMs: number): number | undefined {
    let next: number | undefined;
    for (const { notBeforeMs, restartNotBeforeMs, inFlight } of this.entries.values())
      for (const dueMs of [notBeforeMs, restartNotBeforeMs])
        if (!inFlight && dueMs > nowMs && (next === undefined || dueMs < next)) next = dueMs;
    return next;
  }

  /**
   * Takes in what the pass saw: new exits start their delay, long runs end their backoff, gone instances are forgotten.
   * @returns the runs that ended since the last pass
   */
  observe(actual: Actual, desired: Desired, nowMs: number): readonly Crash[] {
    const crashes: Crash[] = [];
    for (const [instance, wanted] of desired.instances) {
      const containers = actual.containers.get(instance) ?? [];
      const [container] = containers;
      const entry = this.entry(instance);
      if (entry.wantedSinceMs === 0) entry.wantedSinceMs = nowMs;
      // What is on its way out exits because we stop it.
      if (container === undefined || !isCurrent(container, wanted)) continue;
      // It stays after all: should it go later, it drains anew.
      if (entry.drained === container.id) entry.drained = undefined;
      // Applied after all: should somebody change them, they are put right anew.
      if (entry.toldLimits !== undefined && isApplied(container, wanted, actual)) entry.toldLimits = undefined;
      const previousExitMs = entry.lastExit?.atMs ?? 0;
      if (this.observeRun(container, entry, wanted, nowMs) && container.exit !== undefined)
        crashes.push({ container, exit: container.exit, previousExitMs });
      if (container.state === 'running' && containers.length === 1 && !entry.inFlight)
        for (const kind of ONCE_RUNNING) entry.failures.delete(kind);
      if (container.health !== 'unhealthy') entry.failures.delete('restart');
      if (entry.failures.size === 0 && !entry.inFlight) forgetFailures(entry);
    }
    for (const [instance, entry] of this.entries)
      if (!entry.inFlight && !actual.containers.has(instance) && !desired.instances.has(instance))
        this.entries.delete(instance);
    return crashes;
  }

  begin(step: Step): void {
    const entry = this.entry(step.instance);
    entry.inFlight = true;
    entry.pulling = step.kind === 'pull' ? step.release.container.image : undefined;
    // Now, since the container may exit before Docker has said that it runs.
    if (step.kind === 'start' || step.kind === 'restart') entry.restarts++;
  }

  succeed(step: Step): void {
    const entry = this.end(step);
    entry.failures.delete(step.kind);
    entry.error = undefined;
    entry.lostPort = undefined;
    entry.failedPull = undefined;
    if (step.kind === 'start' || step.kind === 'restart') entry.restartsTotal++;
    else if (step.kind === 'pull') entry.pulledFor = step.specHash;
    else if (step.kind === 'create') entry.pulledFor = undefined;
    else if (step.kind === 'post_start') entry.hookedRun = step.run;
    else if (step.kind === 'drain') entry.drained = step.containerId;
    else if (step.kind === 'update') entry.toldLimits = toldLimits(step.containerId, step.limits);
  }

  /** It was ended, since nobody wants it any more: no failure. */
  callOff(step: Step): void {
    this.end(step);
  }

  fail(step: Step, error: EngineError, nowMs: number): void {
    const entry = this.end(step);
    const failures = (entry.failures.get(step.kind) ?? 0) + 1;
    entry.failures.set(step.kind, failures);
    entry.error = `${step.kind} failed: ${error.message}`;
    entry.failedPull = step.kind === 'pull' ? step.release.container.image : undefined;
    if (step.kind === 'start' || step.kind === 'restart') entry.restarts = Math.max(0, entry.restarts - 1);
    if (step.kind === 'start') {
      entry.lostPort = error.code === 'port-taken' ? { containerId: step.containerId, port: error.port } : undefined;
    }
    // Somebody removed it after the pass had looked: the next pass pulls it. Once; then something else is wrong.
    const isImageGone = step.kind === 'create' && error.code === 'no-such-image' && failures === 1;
    entry.notBeforeMs = isImageGone ? nowMs : nowMs + backoffMs(failures, FAILURE_BACKOFF, this.random);
  }

  /** The operator changed what is wanted: what went wrong before says nothing about it. */
  forgive(instance: string): void {
    const entry = this.entries.get(instance);
    if (entry === undefined) return;
    forgetFailures(entry);
    entry.restarts = 0;
    entry.restartDelayMs = 0;
    entry.restartNotBeforeMs = 0;
  }

  /** @returns whether the run has ended since the last pass */
  private observeRun(container: ActualContainer, entry: Entry, { spec }: DesiredInstance, nowMs: number): boolean {
    const { windowMs = 0, delayMs = 0 } = spec?.deploy.restartPolicy ?? {};
    const run = runOf(container);
    const isRunning = container.state === 'running';
    if (isRunning && (container.health === 'healthy' || container.health === 'none')) entry.goodRun = run;
    // What nobody saw running, a run between two passes or before this agent, is judged by its length alone.
    const wasGood = entry.goodRun === run || (!isRunning && spec?.deploy.probe === undefined);
    const isExit = container.state === 'exited' && entry.seenExit !== exitKey(container);
    const isTurn = isRunning && container.health === 'unhealthy' && entry.seenUnhealthy !== run;
    const ranWell = wasGood && container.ranForMs >= Math.max(windowMs, MIN_WINDOW_MS);
    if (ranWell && (isRunning || isExit)) entry.restarts = 0;
    if (!isExit && !isTurn) return false;
    if (isTurn) entry.seenUnhealthy = run;
    else {
      entry.seenExit = exitKey(container);
      entry.lastExit = container.exit;
    }
    const backoff = entry.restarts === 0 ? 0 : backoffMs(entry.restarts, RESTART_BACKOFF, this.random);
    entry.restartDelayMs = Math.max(delayMs, backoff);
    entry.restartNotBeforeMs = nowMs + entry.restartDelayMs;
    return isExit;
  }

  private end({ instance }: Step): Entry {
    const entry = this.entry(instance);
    entry.inFlight = false;
    entry.pulling = undefined;
    entry.progress = '';
    return entry;
  }

  private entry(instance: string): Entry {
    let entry = this.entries.get(instance);
    if (entry === undefined) {
      entry = {
        ...{ inFlight: false, pulling: undefined, restarts: 0, notBeforeMs: 0, restartNotBeforeMs: 0 },
        restartDelayMs: 0,
        ...{ failedPull: undefined, lostPort: undefined, failures: new Map<StepKind, number>(), error: undefined },
        ...{ restartsTotal: 0, lastExit: undefined, seenExit: undefined, progress: '', wantedSinceMs: 0 },
        ...{ pulledFor: undefined, hookedRun: undefined, drained: undefined, toldLimits: undefined },
        ...{ goodRun: undefined, seenUnhealthy: undefined },
        get isFailing() {
          return this.failures.size > 0;
        },
      };
      this.entries.set(instance, entry);
    }
    return entry;
  }
}

function forgetFailures(entry: Entry): void {
  entry.failures.clear();
  entry.error = undefined;
  entry.lostPort = undefined;
  entry.failedPull = undefined;
  entry.notBeforeMs = 0;
}

function isApplied({ limits }: ActualContainer, { spec }: DesiredInstance, { capacity }: Actual): boolean {
  return spec === undefined || limitsToUpdate(wantedLimits(spec), limits, capacity) === undefined;
}

function exitKey(container: ActualContainer): string {
  return `${container.id} ${container.exit?.atMs ?? 0}`;
}
