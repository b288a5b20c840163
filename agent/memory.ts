/**
 * What the agent remembers of its instances between passes: who is busy, who has to wait, what went wrong last.
 * Losing it costs backoff and nothing else; the truth is Docker's list.
 */
import { backoffMs } from '../lib/backoff';
import type { LastExit } from '../lib/documents/types';
import type { EngineError } from './docker/engine';
import type { Actual, ActualContainer, Desired, InstanceMemory, LostPort, Memory, Step, StepKind } from './plan/types';

/** An instance that keeps exiting is started again at most so often; the first restart waits only for the operator's delay. */
const RESTART_BACKOFF = { baseMs: 1000, capMs: 60_000 };
/** A step that keeps failing (no such image, a bad mount, a taken port). */
const FAILURE_BACKOFF = { baseMs: 1000, capMs: 60_000 };
/** A window of nothing would make every start a success, and restarts would never slow down. */
const MIN_WINDOW_MS = 1000;

interface Entry extends InstanceMemory {
  inFlight: boolean;
  pulling: string | undefined;
  restarts: number;
  notBeforeMs: number;
  restartNotBeforeMs: number;
  lostPort: LostPort | undefined;
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
    for (const { notBeforeMs, restartNotBeforeMs, inFlight } of this.entries.values())
      for (const dueMs of [notBeforeMs, restartNotBeforeMs])
        if (!inFlight && dueMs > nowMs && (next === undefined || dueMs < next)) next = dueMs;
    return next;
  }

  /** Takes in what the pass saw: new exits start their delay, long runs end their backoff, gone instances are forgotten. */
  observe(actual: Actual, desired: Desired, nowMs: number): void {
    for (const [instance, { spec, specHash }] of desired.instances) {
      const containers = actual.containers.get(instance) ?? [];
      const [container] = containers;
      // What is on its way out exits because we stop it.
      if (container === undefined || spec === undefined || container.spec !== specHash) continue;
      const entry = this.entry(instance);
      this.observeRun(container, entry, spec.deploy.restartPolicy, nowMs);
      if (container.state === 'running' && containers.length === 1 && !entry.inFlight) forgetFailures(entry);
    }
    for (const [instance, entry] of this.entries)
      if (!entry.inFlight && !actual.containers.has(instance) && !desired.instances.has(instance))
        this.entries.delete(instance);
  }

  begin(step: Step): void {
    const entry = this.entry(step.instance);
    entry.inFlight = true;
    entry.pulling = step.kind === 'pull' ? step.release.container.image : undefined;
    // Now, since the container may exit before Docker has said that it runs.
    if (step.kind === 'start') entry.restarts++;
  }

  succeed(step: Step): void {
    const entry = this.end(step);
    entry.failures.delete(step.kind);
    entry.error = undefined;
    entry.lostPort = undefined;
    if (step.kind === 'start') entry.restartsTotal++;
  }

  fail(step: Step, error: EngineError, nowMs: number): void {
    const entry = this.end(step);
    const failures = (entry.failures.get(step.kind) ?? 0) + 1;
    entry.failures.set(step.kind, failures);
    entry.error = `${step.kind} failed: ${error.message}`;
    if (step.kind === 'start') {
      entry.restarts = Math.max(0, entry.restarts - 1);
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
    entry.restartNotBeforeMs = 0;
  }

  private observeRun(
    container: ActualContainer,
    entry: Entry,
    policy: { readonly delayMs: number; readonly windowMs: number },
    nowMs: number,
  ): void {
    const isExit = container.state === 'exited' && entry.seenExit !== exitKey(container);
    const ranWell = container.ranForMs >= Math.max(policy.windowMs, MIN_WINDOW_MS);
    if (ranWell && (container.state === 'running' || isExit)) entry.restarts = 0;
    if (!isExit) return;
    entry.seenExit = exitKey(container);
    entry.lastExit = container.exit;
    const backoff = entry.restarts === 0 ? 0 : backoffMs(entry.restarts, RESTART_BACKOFF, this.random);
    entry.restartNotBeforeMs = nowMs + Math.max(policy.delayMs, backoff);
  }

  private end({ instance }: Step): Entry {
    const entry = this.entry(instance);
    entry.inFlight = false;
    entry.pulling = undefined;
    return entry;
  }

  private entry(instance: string): Entry {
    let entry = this.entries.get(instance);
    if (entry === undefined) {
      entry = {
        ...{ inFlight: false, pulling: undefined, restarts: 0, notBeforeMs: 0, restartNotBeforeMs: 0 },
        ...{ lostPort: undefined, failures: new Map<StepKind, number>(), error: undefined },
        ...{ restartsTotal: 0, lastExit: undefined, seenExit: undefined },
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
  entry.notBeforeMs = 0;
}

function exitKey(container: ActualContainer): string {
  return `${container.id} ${container.exit?.atMs ?? 0}`;
}
