/**
 * What the agent remembers of its instances between passes: who is busy, who has to wait, what went wrong last.
 * The truth is Docker's list; of this, what a restart of the agent must not forget is kept on disk (memory-copy.ts).
 */
import { backoffMs } from '../../lib/backoff';
import type { LastExit } from '../../lib/documents/types';
import type { EngineError } from '../docker/engine';
import { observeCut } from './cuts';
import type { KeptInstance } from './memory-copy';
import {
  attemptsOf,
  endNeedless,
  failureIn,
  forgetError,
  forgetFailures,
  isApplied,
  newEntry,
  type Entry,
} from './entry';
import { observeRun, type Crash } from './runs';
import { toldLimits } from '../plan/limits';
import { PATIENCE_MS } from '../plan/order';
import { isCurrent } from '../plan/plan-instance';
import type { Actual, Cut, Desired, Failure, InstanceMemory, Memory, Step } from '../plan/types';

/** A step that keeps failing (no such image, a bad mount, a taken port). */
const FAILURE_BACKOFF = { baseMs: 1000, capMs: 60_000 };

/** Longer than a start that the agent gives up (agent/docker/dockerode-engine.ts), and whatever comes of it after that. */
const LATE_START_MS = 90_000;

export class AgentMemory implements Memory {
  private readonly entries = new Map<string, Entry>();
  /** Release and spec of each wanted instance, as last observed. */
  private lastSpecs: ReadonlyMap<string, string> = new Map();

  constructor(private readonly random: () => number) {}

  /** What an agent before this one kept. @param nowMs monotonic @param wallMs the same moment, on the wall clock */
  restore(kept: ReadonlyMap<string, KeptInstance>, nowMs: number, wallMs: number): void {
    for (const [instance, one] of kept) {
      const { restartDelayMs, lastExit, cutAtMs } = one;
      const leftMs = lastExit === undefined ? 0 : lastExit.atMs + restartDelayMs - wallMs;
      // A wall clock that jumped prolongs no wait.
      const restartNotBeforeMs = nowMs + Math.min(restartDelayMs, Math.max(0, leftMs));
      // Nor does it make the host seem connected for longer.
      const cutSinceMs = cutAtMs === undefined ? undefined : nowMs - Math.max(0, wallMs - cutAtMs);
      Object.assign(this.entry(instance), one, { restartNotBeforeMs, begunSinceMs: nowMs, cutSinceMs });
    }
  }

  /** What the next agent has to know: nothing of instances that run as at first. */
  get kept(): ReadonlyMap<string, KeptInstance> {
    const kept = new Map<string, KeptInstance>();
    for (const [instance, entry] of this.entries) {
      const { restartsTotal, lastRestartReason, restartDelayMs, lastExit } = entry;
      const { seenExit, hookedRun, isBegun, cutRun, cutAtMs } = entry;
      const restarts = attemptsOf(entry);
      const isNews = [seenExit, hookedRun, cutRun, cutAtMs].some((one) => one !== undefined) || isBegun;
      if (restarts === 0 && restartsTotal === 0 && !isNews) continue;
      const told = { restarts, restartsTotal, lastRestartReason, restartDelayMs, lastExit };
      kept.set(instance, { ...told, seenExit, hookedRun, isBegun, cutRun, cutAtMs });
    }
    return kept;
  }

  get instances(): ReadonlyMap<string, InstanceMemory> {
    return this.entries;
  }

  failureOf(instance: string): Failure | undefined {
    const entry = this.entries.get(instance);
    return entry && failureIn(entry);
  }

  pullFailureOf(image: string): Failure | undefined {
    for (const entry of this.entries.values()) if (entry.failedPull === image) return failureIn(entry);
    return undefined;
  }

  restartsOf(instance: string): number {
    return this.entries.get(instance)?.restartsTotal ?? 0;
  }

  lastRestartReasonOf(instance: string): string {
    return this.entries.get(instance)?.lastRestartReason ?? '';
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

  /** It is a `before` job, and Docker is about to be told to start it. */
  beginJob(instance: string, nowMs: number): void {
    Object.assign(this.entry(instance), { isBegun: true, begunSinceMs: nowMs });
  }

  /** It was not started, and never will be. */
  forgetJob(instance: string): void {
    this.entry(instance).isBegun = false;
  }

  /** Earliest time after `nowMs` at which an instance that waits may be planned again. */
  nextWakeMs(nowMs: number): number | undefined {
    let next: number | undefined;
    for (const entry of this.entries.values()) {
      const { notBeforeMs, restartNotBeforeMs, patientUntilMs, stopsAtMs, inFlight } = entry;
      for (const dueMs of [notBeforeMs, restartNotBeforeMs, patientUntilMs, stopsAtMs, startsUntilMs(entry)])
        if (!inFlight && dueMs > nowMs && (next === undefined || dueMs < next)) next = dueMs;
    }
    return next;
  }

  /**
   * Takes in what the pass saw: new exits start their delay, long runs end their backoff, gone instances are forgotten.
   * @param cut undefined when the host is not cut off
   * @returns the runs that ended since the last pass
   */
  observe(actual: Actual, desired: Desired, nowMs: number, cut?: Cut): readonly Crash[] {
    this.forgiveChanged(desired);
    const crashes: Crash[] = [];
    for (const [instance, wanted] of desired.instances) {
      const containers = actual.containers.get(instance) ?? [];
      const [container] = containers;
      const entry = this.entry(instance);
      if (entry.wantedSinceMs === 0) entry.wantedSinceMs = nowMs;
      const mayWait = container === undefined && (wanted.spec?.deploy.dependsOn.length ?? 0) > 0;
      entry.patientUntilMs = mayWait ? entry.wantedSinceMs + PATIENCE_MS : 0;
      entry.mayStillStart = container?.state === 'created' && nowMs < startsUntilMs(entry);
      observeCut(entry, wanted, container, nowMs, cut);
      if (container !== undefined) {
        // What is on its way out exits because we stop it.
        if (!isCurrent(container, wanted)) continue;
        // It stays after all: should it go later, it drains anew.
        if (entry.drained === container.id && entry.cutOff !== 'stopped') entry.drained = undefined;
        // Applied after all: should somebody change them, they are put right anew.
        if (entry.toldLimits !== undefined && isApplied(container, wanted, actual)) entry.toldLimits = undefined;
        const crash = observeRun(container, entry, wanted, { nowMs, random: this.random });
        if (crash !== undefined) crashes.push(crash);
      }
      if (!entry.inFlight) endNeedless(entry, containers, wanted, actual);
    }
    for (const [instance, entry] of this.entries)
      if (!entry.inFlight && !actual.containers.has(instance) && !isWanted(instance, desired))
        this.entries.delete(instance);
    return crashes;
  }

  /** @param wallMs now, on the wall clock */
  begin(step: Step, wallMs: number): void {
    const entry = this.entry(step.instance);
    entry.inFlight = true;
    entry.pulling = step.kind === 'pull' ? step.release.container.image : undefined;
    if (step.kind === 'stop' && step.cutRun !== undefined) entry.cutRun = step.cutRun;
    // Now, since the container may exit before Docker has said that it runs.
    entry.isRestarting = isRestart(step) && !(step.kind === 'start' && step.isReturn === true);
    if (isRestart(step)) entry.logSinceMs = wallMs;
  }

  succeed(step: Step): void {
    const { isRestarting } = this.entry(step.instance);
    const entry = this.end(step);
    entry.failures.delete(step.kind);
    forgetError(entry);
    if (isRestarting) entry.restarts++;
    if (isRestart(step)) {
      entry.restartsTotal++;
      entry.lastRestartReason = step.reason;
      entry.hasRunSince = true;
    } else if (step.kind === 'pull') entry.pulledFor = step.specHash;
    else if (step.kind === 'create') entry.pulledFor = undefined;
    else if (step.kind === 'post_start') entry.hookedRun = step.run;
    else if (step.kind === 'drain') entry.drained = step.containerId;
    else if (step.kind === 'remove' && step.hasNotRun === true) entry.isBegun = false;
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
    entry.failedKind = step.kind;
    entry.failedPull = step.kind === 'pull' ? step.release.container.image : undefined;
    if (step.kind === 'start') {
      entry.lostPort = error.code === 'port-taken' ? { containerId: step.containerId, port: error.port } : undefined;
    }
    // Somebody removed it after the pass had looked: the next pass pulls it. Once; then something else is wrong.
    const isImageGone = step.kind === 'create' && error.code === 'no-such-image' && failures === 1;
    entry.notBeforeMs = isImageGone ? nowMs : nowMs + backoffMs(failures, FAILURE_BACKOFF, this.random);
  }

  /** A new release for an instance, or the end of it, ends the waiting that the old one earned. */
  private forgiveChanged(desired: Desired): void {
    const specs = new Map<string, string>();
    for (const [instance, { release, specHash }] of desired.instances) {
      if (specHash === undefined) continue;
      const spec = `${release} ${specHash}`;
      specs.set(instance, spec);
      if ((this.lastSpecs.get(instance) ?? spec) !== spec) this.forgive(instance);
    }
    for (const instance of this.lastSpecs.keys()) if (!desired.instances.has(instance)) this.forgive(instance);
    this.lastSpecs = specs;
  }

  /** The operator changed what is wanted: what went wrong before says nothing about it. */
  forgive(instance: string): void {
    const entry = this.entries.get(instance);
    if (entry === undefined) return;
    forgetFailures(entry);
    entry.restarts = 0;
    entry.isRestarting = false;
    entry.restartDelayMs = 0;
    entry.restartNotBeforeMs = 0;
  }

  private end({ instance }: Step): Entry {
    const entry = this.entry(instance);
    entry.inFlight = false;
    entry.isRestarting = false;
    entry.pulling = undefined;
    entry.progress = '';
    return entry;
  }

  private entry(instance: string): Entry {
    let entry = this.entries.get(instance);
    if (entry === undefined) {
      entry = newEntry();
      this.entries.set(instance, entry);
    }
    return entry;
  }
}

/** Until when a job that Docker was told to start may do so yet; 0 when it was not. Monotonic. */
function startsUntilMs({ isBegun, begunSinceMs }: Pick<Entry, 'isBegun' | 'begunSinceMs'>): number {
  return isBegun ? begunSinceMs + LATE_START_MS : 0;
}

function isWanted(name: string, { instances, prefetch }: Desired): boolean {
  return instances.has(name) || prefetch.has(name);
}

function isRestart({ kind }: Step): boolean {
  return kind === 'start' || kind === 'restart';
}
