/**
 * The whole imperative shell of the agent: read what is, read what should be, plan, hand out the steps, report.
 *
 * Events only wake it; every pass reads everything anew, containers before desired, so that a container that
 * was started meanwhile is no orphan. One pass at a time; a wake during a pass means one more.
 */
import { backoffMs } from '../lib/backoff';
import type { Problem } from '../lib/documents/types';
import { CrashLogs } from './memory/crash-logs';
import { EngineError, type EngineFacts } from './docker/engine';
import type { EndpointsInput } from './endpoints/wanted-endpoints';
import { execute } from './executor';
import type { LoopOptions } from './loop-options';
import { AgentMemory } from './memory/memory';
import { MemorySaver } from './memory/memory-saver';
import type { Crash } from './memory/runs';
import { groupByInstance, imagesInQuestion, runAlike } from './plan/listed';
import { pauseOf } from './plan/pause';
import { planHost } from './plan/plan-host';
import { isOver, noLongerWanted } from './plan/still-wanted';
import { NOTHING_SEEN, type Actual, type Desired, type Step } from './plan/types';
import type { StatusInput } from './status';
import { SteadyStatus } from './steady-status';
import { Workers } from './workers';

/** The safety net under lost events. Jittered, so that hosts do not tick together. */
const SLOW_TICK_MS = 30_000;
const ENGINE_RETRY = { baseMs: 250, capMs: 10_000 };
/** After a pass the next one waits as long as that one took, so that a storm of events takes half of a core at most. */
const MAX_PAUSE_MS = 1000;
/** A report of a crash waits so long for what the container said last. */
const MAX_LOG_WAIT_MS = 500;

/** What the last pass saw, with what is known now. */
export interface LoopSnapshot extends StatusInput {
  /** False before Docker was heard for the first time: then `actual` is empty. */
  readonly isSeen: boolean;
}

export class Loop {
  readonly memory: AgentMemory;
  private readonly workers: Workers;
  /** By instance; the controller ends a step that is not wanted any more. */
  private readonly inFlight = new Map<string, { readonly step: Step; readonly controller: AbortController }>();
  private readonly crashLogs: CrashLogs;
  private readonly saver: MemorySaver;
  private facts: EngineFacts | undefined;
  private readonly stopping = new AbortController();
  /** As Docker told last. */
  private listed: Actual['containers'] = new Map();
  /** The same, with its health; of a pass that goes on, or failed later, too. */
  private heard: Actual | undefined;
  /** What was wanted then. */
  private heardFor: Desired | undefined;
  /** Undefined before Docker was heard for the first time. */
  private actual: Actual | undefined;
  private readonly status = new SteadyStatus();
  private engineProblem: Problem | undefined;
  private engineFailures = 0;
  private isBegun = false;
  private isPassing = false;
  private isWoken = false;
  /** Something was told in the middle of a pass. */
  private isUntold = false;
  private cancelTimer: () => void = () => undefined;
  private restartsTotal = 0;

  constructor(private readonly options: LoopOptions) {
    const { clock, memoryCopy, onBoundary, log } = options;
    this.memory = new AgentMemory(options.random);
    this.workers = new Workers(clock, () => this.wake());
    this.crashLogs = new CrashLogs(options.engine, (crash, lines) => this.takeLog(crash, lines));
    this.saver = new MemorySaver({ copy: memoryCopy, memory: this.memory, clock, log, onBoundary });
  }

  start(): void {
    void this.begin();
  }

  /** Nothing is planned before it is known what the last agent remembered. */
  private async begin(): Promise<void> {
    await this.saver.load();
    if (this.stopping.signal.aborted) return;
    this.isBegun = true;
    this.options.engine.watch(() => this.wake(), this.stopping.signal);
    this.options.probes.watch(() => this.judgeAgain());
    this.wake();
  }

  /** Steps in flight are left to end by themselves; containers stay as they are. */
  stop(): void {
    this.stopping.abort();
    this.cancelTimer();
    this.options.probes.close();
    this.saver.close();
  }

  /** Something may have changed. Cheap, and safe to call at any time. */
  wake(): void {
    this.isWoken = true;
    if (this.isBegun && !this.isPassing && !this.stopping.signal.aborted) void this.run();
  }

  /** Something that is told has changed, and nothing that is planned by. */
  tell(): void {
    this.isUntold = true;
    // Not in the middle of a pass: its end tells it.
    if (!this.isPassing) this.report();
  }

  /** In flight. */
  get steps(): readonly Step[] {
    return [...this.inFlight.values()].map(({ step }) => step);
  }

  /** What runs is known, also should Docker not say which images there are. */
  private hear(listed: Actual['containers'], desired: Desired, capacity: Actual['capacity']): void {
    this.listed = listed;
    const containers = this.options.probes.follow(listed, desired);
    const wanted = this.options.desired();
    const before = this.heard?.containers ?? NOTHING_SEEN.containers;
    const isNews = wanted !== this.heardFor || !runAlike(before, containers);
    this.heard = { containers, images: this.actual?.images ?? NOTHING_SEEN.images, capacity };
    this.heardFor = wanted;
    // At rest the end of the pass is soon enough.
    if (isNews || this.inFlight.size > 0) this.options.onHealth();
  }

  private judgeAgain(): void {
    if (this.heard !== undefined) this.hear(this.listed, this.desired(), this.heard.capacity);
    if (this.actual !== undefined) this.actual = { ...this.actual, containers: this.heard!.containers };
    this.wake();
  }

  /** What endpoints are told by; undefined before Docker was heard for the first time. */
  get serving(): EndpointsInput | undefined {
    const { heard: actual, memory, steps, options } = this;
    return actual && { desired: this.desired(), actual, memory, steps, nowMs: options.clock.monotonicMs() };
  }

  private async run(): Promise<void> {
    this.isPassing = true;
    while (this.isWoken && !this.stopping.signal.aborted) {
      this.isWoken = false;
      const startedMs = this.options.clock.monotonicMs();
      await this.pass();
      if (this.isWoken) await this.pause(Math.min(MAX_PAUSE_MS, this.options.clock.monotonicMs() - startedMs));
    }
    this.isPassing = false;
    if (this.isUntold) this.report();
  }

  private async pause(ms: number): Promise<void> {
    if (ms > 0) await new Promise<void>((wake) => void this.options.clock.after(ms, wake));
  }

  private async pass(): Promise<void> {
    const { clock, engine } = this.options;
    const startedMs = clock.monotonicMs();
    let steps: readonly Step[] = [];
    let logs: readonly Promise<void>[] = [];
    // A step that ends during the pass is not in the list yet, or half: its instance is for the next pass.
    const busyBefore = new Set(this.inFlight.keys());
    try {
      const capacity = (this.facts ??= await engine.facts());
      const takeList = this.options.ports.beginList();
      const list = await engine.list();
      takeList(list);
      const listed = groupByInstance(list);
      const desired = this.desired();
      this.hear(listed, desired, capacity);
      const images = await engine.presentImages(imagesInQuestion(desired, listed));
      if (this.stopping.signal.aborted) return;
      const containers = this.options.probes.follow(listed, desired);
      const actual = { containers, images, capacity };
      this.heard = this.actual = actual;
      this.engineFailures = 0;
      this.engineProblem = undefined;
      const crashes = this.memory.observe(actual, desired, clock.monotonicMs(), this.options.cut());
      logs = crashes.map((crash) => this.crashLogs.read(crash));
      const input = { desired, actual, memory: this.memory, nowMs: clock.monotonicMs() };
      for (const { instance } of noLongerWanted(this.steps, input)) this.inFlight.get(instance)?.controller.abort();
      // What changed while Docker looked for images has woken the next pass, which knows it.
      const mayAct = this.options.mayAct() && this.options.desired().instances === desired.instances;
      const plan = mayAct ? planHost(input) : [];
      const due = plan.filter(({ instance }) => !busyBefore.has(instance));
      steps = this.workers.begin(due, (step) => this.work(step));
      this.saver.save();
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      this.loseEngine(error);
    }
    // Whoever reads that a container crashed, and may remove it for that, reads why in the same breath.
    if (logs.length > 0) await Promise.race([Promise.all(logs), this.pause(MAX_LOG_WAIT_MS)]);
    if (this.stopping.signal.aborted) return;
    this.report();
    this.sleep();
    this.options.onPass({
      durationMs: clock.monotonicMs() - startedMs,
      steps,
      engineAnswers: this.engineFailures === 0,
      restartsTotal: this.restartsTotal,
    });
  }

  private async work(step: Step): Promise<void> {
    const { instance, kind, reason } = step;
    const controller = new AbortController();
    const { signal: callOff } = controller;
    this.memory.begin(step, this.options.clock.wallMs());
    this.inFlight.set(instance, { step, controller });
    const log = this.options.log.child({ instance, step: kind, reason });
    const release = 'release' in step ? { release: `${step.release.service}@${step.release.number}` } : {};
    log.info(`${kind} ${instance}`, release);
    const onProgress = (of: string, progress: string): void => this.tellProgress(of, progress);
    try {
      // An agent after this one has to know why it is down.
      if (step.kind === 'stop' && step.cutRun !== undefined) await this.saver.saveSoon();
      const withdraw = async (of: string, containerId: string): Promise<void> => {
        await this.options.withdraw(of, containerId);
        if (this.isHandsOff(of) || isOver(step, this.heard!.containers)) controller.abort();
      };
      const tools = { ...this.options, withdraw, jobs: this.saver.jobs, onProgress };
      await execute(step, tools, AbortSignal.any([this.stopping.signal, callOff]));
      this.memory.succeed(step);
      if (kind === 'start' || kind === 'restart') this.restartsTotal++;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (callOff.aborted) this.memory.callOff(step);
      else {
        this.memory.fail(step, error, this.options.clock.monotonicMs());
        log.warn(`${kind} of ${instance} failed`, { error: error.message, code: error.code });
      }
    }
    this.inFlight.delete(instance);
    this.saver.save();
    this.wake();
  }

  /** Etcd may take its time, and who paused it meanwhile is at it: nothing is done that has not begun. */
  private isHandsOff(instance: string): boolean {
    const { instances, pauses, held } = this.desired();
    const service = instances.get(instance)?.service ?? this.listed.get(instance)?.[0]?.service;
    return held.has(instance) || pauseOf(instance, service, pauses) !== undefined;
  }

  /** What is wanted now: of its pauses, those that are in force. */
  private desired(): Desired {
    const desired = this.options.desired();
    return { ...desired, pauses: this.options.pauses.inForce(desired.pauses) };
  }

  private tellProgress(instance: string, progress: string): void {
    this.memory.setProgress(instance, progress);
    this.tell();
  }

  private takeLog({ container, exit }: Crash, lines: readonly string[]): void {
    if (this.stopping.signal.aborted) return;
    this.memory.setLog(container.instance, exit, lines);
    this.saver.save();
    this.tell();
  }

  private loseEngine(error: EngineError): void {
    this.engineFailures++;
    // It may come back as another one.
    this.facts = undefined;
    const message = `Docker does not answer: ${error.message}`;
    if (this.engineProblem === undefined) this.options.log.error(message, { code: error.code });
    this.engineProblem = { rule: 'docker-unavailable', path: '', line: 0, column: 0, message, key: '' };
  }

  snapshot(): LoopSnapshot {
    const { actual = NOTHING_SEEN, memory } = this;
    const busy = new Map([...this.inFlight].map(([instance, { step }]) => [instance, step.kind]));
    const problems = [...(this.engineProblem === undefined ? [] : [this.engineProblem]), ...this.options.problems()];
    const nowMs = this.options.clock.monotonicMs();
    const { turns } = this.workers;
    const known = { desired: this.desired(), actual, busy, turns, memory, nowMs, problems };
    return { ...known, besides: this.options.besides(), isSeen: this.actual !== undefined };
  }

  private report(): void {
    this.isUntold = false;
    if (this.actual !== undefined) this.options.onStatus(this.status.of(this.snapshot()));
  }

  private sleep(): void {
    const { clock, random, pauses } = this.options;
    const nowMs = clock.monotonicMs();
    const tickMs = SLOW_TICK_MS * (0.75 + random() / 2);
    const retryMs = this.engineFailures > 0 ? backoffMs(this.engineFailures, ENGINE_RETRY, random) : Infinity;
    const dueMs = Math.min(this.memory.nextWakeMs(nowMs) ?? Infinity, pauses.nextEndMs() ?? Infinity) - nowMs;
    this.cancelTimer();
    this.cancelTimer = clock.after(Math.min(tickMs, retryMs, dueMs), () => this.wake());
  }
}
