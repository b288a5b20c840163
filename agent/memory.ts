/**
 * What the agent remembers of its instances between passes: who is busy, who has to wait, what went wrong last.
 * Losing it costs backoff and nothing else; the truth is Docker's list.
 */
import { backoffMs } from '../lib/backoff';
import type { LastExit } from '../lib/documents/types';
import type { Actual, ActualContainer, Desired, InstanceMemory, Memory } from './plan/types';

/** An instance that keeps exiting is started again at most so often; the first restart waits only for the operator's delay. */
const RESTART_BACKOFF = { baseMs: 1000, capMs: 60_000 };
/** A step that keeps failing (no such image, a bad mount, a taken port). */
const FAILURE_BACKOFF = { baseMs: 1000, capMs: 60_000 };

interface Entry {
  inFlight: boolean;
  restarts: number;
  notBeforeMs: number;
  /** Failed steps in a row. */
  failures: number;
  /** Of the last failed step, until one succeeds. */
  error: string | undefined;
  /** Restarts since this agent first saw the instance: for status and metrics. */
  restartsTotal: number;
  /** Docker forgets it when the container is started again. */
  lastExit: LastExit | undefined;
  /** Last exit that was taken into account, so that a pass does not count it twice. */
  seenExit: string | undefined;
}

export class AgentMemory implements Memory {
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly random: () => number) {}

  get instances(): ReadonlyMap<string, InstanceMemory> {
    return this.entries;
  }

  errorOf(instance: string): string | undefined {
    return this.entries.get(instance)?.error;
  }

  restartsOf(instance: string): number {
    return this.entries.get(instance)?.restartsTotal ?? 0;
  }

  lastExitOf(instance: string): LastExit | undefined {
    return this.entries.get(instance)?.lastExit;
  }

  /** Earliest time after `nowMs` at which an instance that waits may be planned again. */
  nextWakeMs(nowMs: number): number | undefined {
    let next: number | undefined;
    for (const { notBeforeMs, inFlight } of this.entries.values())
      if (!inFlight && notBeforeMs > nowMs && (next === undefined || notBeforeMs < next)) next = notBeforeMs;
    return next;
  }

  /** Takes in what the pass saw: new exits start their delay, long runs end their backoff, gone instances are forgotten. */
  observe(actual: Actual, desired: Desired, nowMs: number): void {
    for (const [instance, containers] of actual.containers) {
      const container = containers[0];
      const policy = desired.instances.get(instance)?.spec?.deploy.restartPolicy;
      if (container === undefined || policy === undefined) continue;
      const entry = this.entry(instance);
      if (container.ranForMs >= policy.windowMs && (container.state === 'running' || isNewExit(container, entry)))
        entry.restarts = 0;
      if (!isNewExit(container, entry)) continue;
      entry.seenExit = exitKey(container);
      entry.lastExit = container.exit;
      const backoff = entry.restarts === 0 ? 0 : backoffMs(entry.restarts, RESTART_BACKOFF, this.random);
      entry.notBeforeMs = nowMs + Math.max(policy.delayMs, backoff);
    }
    for (const [instance, entry] of this.entries)
      if (!entry.inFlight && !actual.containers.has(instance) && !desired.instances.has(instance))
        this.entries.delete(instance);
  }

  begin(instance: string): void {
    this.entry(instance).inFlight = true;
  }

  succeed(instance: string, isRestart: boolean): void {
    const entry = this.entry(instance);
    entry.inFlight = false;
    entry.failures = 0;
    entry.error = undefined;
    entry.notBeforeMs = 0;
    if (isRestart) {
      entry.restarts++;
      entry.restartsTotal++;
    }
  }

  fail(instance: string, error: string, nowMs: number): void {
    const entry = this.entry(instance);
    entry.inFlight = false;
    entry.failures++;
    entry.error = error;
    entry.notBeforeMs = nowMs + backoffMs(entry.failures, FAILURE_BACKOFF, this.random);
  }

  /** The operator changed what is wanted: an old failure says nothing about it. */
  forgive(instance: string): void {
    const entry = this.entries.get(instance);
    if (entry === undefined) return;
    entry.failures = 0;
    entry.notBeforeMs = 0;
  }

  private entry(instance: string): Entry {
    let entry = this.entries.get(instance);
    if (entry === undefined) {
      entry = {
        inFlight: false,
        restarts: 0,
        notBeforeMs: 0,
        failures: 0,
        error: undefined,
        restartsTotal: 0,
        seenExit: undefined,
        lastExit: undefined,
      };
      this.entries.set(instance, entry);
    }
    return entry;
  }
}

function exitKey(container: ActualContainer): string {
  return `${container.id} ${container.exit?.atMs ?? 0}`;
}

function isNewExit(container: ActualContainer, entry: Entry): boolean {
  return container.state === 'exited' && entry.seenExit !== exitKey(container);
}
