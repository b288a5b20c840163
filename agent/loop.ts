/**
 * The whole imperative shell of the agent: read what is, read what should be, plan, hand out the steps, report.
 *
 * Events only wake it; every pass reads everything anew, containers before desired, so that a container that
 * was started meanwhile is no orphan. One pass at a time; a wake during a pass means one more.
 */
import type { Clock } from '../lib/clock';
import { backoffMs } from '../lib/backoff';
import type { HostStatus, Problem } from '../lib/documents/types';
import type { Logger } from '../lib/log';
import { EngineError, type Engine } from './docker/engine';
import { execute, type ExecutorTools } from './executor';
import { AgentMemory } from './memory';
import { planHost } from './plan/plan-host';
import type { Actual, ActualContainer, Desired, Step, StepKind } from './plan/types';
import { buildStatus } from './status';
import { Workers } from './workers';

/** The safety net under lost events. Jittered, so that hosts do not tick together. */
const SLOW_TICK_MS = 30_000;
const ENGINE_RETRY = { baseMs: 250, capMs: 10_000 };

export interface LoopOptions {
  readonly engine: Engine;
  readonly ports: ExecutorTools['ports'];
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly desired: () => Desired;
  /** What is wrong apart from Docker: goes into the status. */
  readonly problems: () => readonly Problem[];
  /** After every pass and every change of a worker. */
  readonly onStatus: (status: HostStatus) => void;
  readonly onPass: (pass: PassReport) => void;
}

export interface PassReport {
  readonly durationMs: number;
  readonly steps: readonly Step[];
  readonly engineAnswers: boolean;
  readonly restartsTotal: number;
}

export class Loop {
  readonly memory: AgentMemory;
  private readonly workers = new Workers();
  private readonly busy = new Map<string, StepKind>();
  private readonly stopping = new AbortController();
  private actual: Actual = { containers: new Map(), images: new Set() };
  private engineProblem: Problem | undefined;
  private engineFailures = 0;
  private isPassing = false;
  private isWoken = false;
  private cancelTimer: () => void = () => undefined;
  private restartsTotal = 0;
  private lastSpecs = new Map<string, string>();

  constructor(private readonly options: LoopOptions) {
    this.memory = new AgentMemory(options.random);
  }

  start(): void {
    this.options.engine.watch(() => this.wake(), this.stopping.signal);
    this.wake();
  }

  /** Steps in flight are left to end by themselves; containers stay as they are. */
  stop(): void {
    this.stopping.abort();
    this.cancelTimer();
  }

  /** Something may have changed. Cheap, and safe to call at any time. */
  wake(): void {
    this.isWoken = true;
    if (!this.isPassing && !this.stopping.signal.aborted) void this.run();
  }

  /** No step is in flight. */
  get isIdle(): boolean {
    return this.busy.size === 0;
  }

  private async run(): Promise<void> {
    this.isPassing = true;
    while (this.isWoken && !this.stopping.signal.aborted) {
      this.isWoken = false;
      await this.pass();
    }
    this.isPassing = false;
  }

  private async pass(): Promise<void> {
    const { clock, engine } = this.options;
    const startedMs = clock.monotonicMs();
    let steps: readonly Step[] = [];
    try {
      const containers = groupByInstance(await engine.list());
      const desired = this.options.desired();
      const images = await engine.presentImages(imagesInQuestion(desired, containers));
      this.actual = { containers, images };
      this.engineFailures = 0;
      this.engineProblem = undefined;
      this.forgiveChanged(desired);
      this.memory.observe(this.actual, desired, clock.monotonicMs());
      steps = planHost({ desired, actual: this.actual, memory: this.memory, nowMs: clock.monotonicMs() });
      for (const step of steps) this.submit(step);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      this.loseEngine(error);
    }
    this.report();
    this.sleep();
    const durationMs = clock.monotonicMs() - startedMs;
    this.options.onPass({
      durationMs,
      steps,
      engineAnswers: this.engineFailures === 0,
      restartsTotal: this.restartsTotal,
    });
  }

  private submit(step: Step): void {
    const { instance, kind } = step;
    this.memory.begin(instance);
    this.busy.set(instance, kind);
    this.workers.submit(kind, () => this.work(step));
  }

  private async work(step: Step): Promise<void> {
    const { instance, kind, reason } = step;
    const log = this.options.log.child({ instance, step: kind, reason });
    const isRestart = step.kind === 'start';
    if (!this.stopping.signal.aborted) {
      log.info(
        `${kind} ${instance}`,
        'release' in step ? { release: `${step.release.service}@${step.release.number}` } : {},
      );
      try {
        await execute(step, this.options, this.stopping.signal);
        this.memory.succeed(instance, isRestart);
        if (isRestart) this.restartsTotal++;
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        log.warn(`${kind} of ${instance} failed`, { error: error.message, code: error.code });
        this.memory.fail(instance, `${kind} failed: ${error.message}`, this.options.clock.monotonicMs());
      }
    }
    this.busy.delete(instance);
    this.wake();
  }

  private loseEngine(error: EngineError): void {
    this.engineFailures++;
    const message = `Docker does not answer: ${error.message}`;
    if (this.engineProblem === undefined) this.options.log.error(message, { code: error.code });
    this.engineProblem = { rule: 'docker-unavailable', path: '', line: 0, column: 0, message, key: '' };
  }

  /** A new release for an instance ends the waiting that the old one earned. */
  private forgiveChanged(desired: Desired): void {
    const specs = new Map<string, string>();
    for (const [instance, { specHash }] of desired.instances) {
      if (specHash === undefined) continue;
      specs.set(instance, specHash);
      const before = this.lastSpecs.get(instance);
      if (before !== undefined && before !== specHash) this.memory.forgive(instance);
    }
    this.lastSpecs = specs;
  }

  private report(): void {
    const engineProblems = this.engineProblem === undefined ? [] : [this.engineProblem];
    this.options.onStatus(
      buildStatus({
        desired: this.options.desired(),
        actual: this.actual,
        busy: this.busy,
        memory: this.memory,
        problems: [...engineProblems, ...this.options.problems()],
      }),
    );
  }

  private sleep(): void {
    const { clock, random } = this.options;
    const nowMs = clock.monotonicMs();
    const tickMs = SLOW_TICK_MS * (0.75 + random() / 2);
    const retryMs = this.engineFailures > 0 ? backoffMs(this.engineFailures, ENGINE_RETRY, random) : Infinity;
    const dueMs = (this.memory.nextWakeMs(nowMs) ?? Infinity) - nowMs;
    this.cancelTimer();
    this.cancelTimer = clock.after(Math.min(tickMs, retryMs, dueMs), () => this.wake());
  }
}

/** Keeps the engine's order within an instance: the one to keep comes first. */
function groupByInstance(containers: readonly ActualContainer[]): ReadonlyMap<string, readonly ActualContainer[]> {
  const groups = new Map<string, ActualContainer[]>();
  for (const container of containers) {
    const group = groups.get(container.instance);
    if (group === undefined) groups.set(container.instance, [container]);
    else group.push(container);
  }
  return groups;
}

/** Only those that a plan may turn on: none when every instance has its container, so that a host at rest asks nothing. */
function imagesInQuestion(
  desired: Desired,
  containers: ReadonlyMap<string, readonly ActualContainer[]>,
): readonly string[] {
  const references = new Set<string>();
  for (const [id, { spec, specHash }] of desired.instances)
    if (spec !== undefined && containers.get(id)?.[0]?.spec !== specHash) references.add(spec.container.image);
  return [...references].sort();
}
