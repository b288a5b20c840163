/**
 * Asks containers how they are, as their releases say.
 *
 * INVARIANTS
 * - One try in flight for each container, and the next is begun an interval after its end: what hangs waits for itself.
 * - What is known is of one run (id and start) and one probe; a try of another one that is still under way says nothing.
 * - A try that this host or the agent itself is to blame for does not count: see `untried` and STALL_MS.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../lib/clock';
import type { Probe } from '../../lib/documents/types';
import type { Logger } from '../../lib/log';
import type { Probes } from './probes';
import { isCurrent } from '../plan/plan-instance';
import { runOf, type ActualContainer, type Desired, type DesiredInstance } from '../plan/types';
import { describeFailure, type Outcome, type Target, type TryProbe } from './outcome';
import { KEPT, UNTRIED, adopted, afterTry, delayMs, type ProbeState } from './probe-state';
import { Turns } from './turns';

/** The first try comes soon; of many that are begun in one pass, over a time that grows with their number. */
const FIRST_TRY_MS = 50;
const FIRST_TRY_EACH_MS = 5;
/**
 * A timer that comes so much too late says that the agent stood still (a full machine, SIGSTOP, a suspended host), and
 * nothing about the container, whose answer may lie unread: the try gets its time once more.
 */
const STALL_MS = 200;

export interface ProberOptions {
  readonly tryProbe: TryProbe;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly onTry?: (result: Outcome['result'], durationMs: number) => void;
}

export function createProber(options: ProberOptions): Probes {
  return new Prober(options);
}

/** A run of a container that is probed. */
interface Watch {
  readonly instance: string;
  readonly run: string;
  readonly probe: Probe;
  readonly target: Target;
  /** Of the run; monotonic. */
  readonly startedMs: number;
  state: ProbeState;
  /** Ends the waiting for the next try, or the try. */
  cancel: () => void;
}

class Prober implements Probes {
  /** By container id. */
  private watches = new Map<string, Watch>();
  /** Runs whose release had no probe when they were last seen. */
  private unprobed = new Set<string>();
  private firstPassMs: number | undefined;
  private wake: () => void = () => undefined;
  private readonly turns: Turns;

  constructor(private readonly options: ProberOptions) {
    this.turns = new Turns(options.clock);
  }

  watch(wake: () => void): void {
    this.wake = wake;
  }

  follow(
    containers: ReadonlyMap<string, readonly ActualContainer[]>,
    desired: Desired,
  ): ReadonlyMap<string, readonly ActualContainer[]> {
    this.firstPassMs ??= this.options.clock.monotonicMs();
    const watches = new Map<string, Watch>();
    const unprobed = new Set<string>();
    const judged = new Map<string, readonly ActualContainer[]>();
    for (const [instance, [first, ...others]] of containers) {
      if (first === undefined) continue;
      const wanted = desired.instances.get(instance);
      const probe = this.probeOf(first, wanted);
      const watch = probe === undefined ? undefined : this.watchOf(first, probe);
      if (watch !== undefined) watches.set(first.id, watch);
      const hasNone = probe === undefined && (!isUnread(wanted) || this.unprobed.has(runOf(first)));
      if (hasNone) unprobed.add(runOf(first));
      judged.set(instance, [hasNone ? first : judge(first, watch), ...others]);
    }
    const before = this.watches;
    this.watches = watches;
    this.unprobed = unprobed;
    for (const [id, watch] of before) if (watches.get(id) !== watch) watch.cancel();
    const begun = [...watches].filter(([id, watch]) => before.get(id) !== watch);
    for (const [, watch] of begun) {
      const spreadMs = Math.min(watch.probe.intervalMs, FIRST_TRY_MS + begun.length * FIRST_TRY_EACH_MS);
      this.schedule(watch, spreadMs * this.options.random());
    }
    return judged;
  }

  close(): void {
    for (const { cancel } of this.watches.values()) cancel();
    this.watches = new Map();
  }

  /**
   * Of what is left as it is, or on its way out, the probe that it had is the one that fits; where an agent before this one
   * asked, that of its release, if that one is wanted still and only its config is another.
   */
  private probeOf(container: ActualContainer, wanted: DesiredInstance | undefined): Probe | undefined {
    const known = this.watches.get(container.id)?.probe;
    if (wanted === undefined) return known;
    const probe = wanted.spec?.deploy.probe;
    if (isCurrent(container, wanted)) return probe;
    return known ?? (container.release === wanted.release ? probe : undefined);
  }

  /** @returns undefined when there is nobody to ask */
  private watchOf(container: ActualContainer, probe: Probe): Watch | undefined {
    const { id, instance, state, address, startedAtMs, ranForMs } = container;
    const known = this.watches.get(id);
    if (state !== 'running') return undefined;
    // Docker says no more of it than that it runs.
    if (startedAtMs === 0) return known;
    const run = runOf(container);
    const isSame = known?.run === run && known.target.address === address && isDeepStrictEqual(known.probe, probe);
    if (isSame) return known;
    const startedMs = this.options.clock.monotonicMs() - ranForMs;
    return {
      ...{ instance, run, probe, startedMs, target: { containerId: id, address }, cancel: () => undefined },
      state: this.stateAtFirst(container, known?.run === run ? known : undefined, startedMs, probe),
    };
  }

  private stateAtFirst(
    container: ActualContainer,
    known: Watch | undefined,
    startedMs: number,
    probe: Probe,
  ): ProbeState {
    // That an earlier probe failed says nothing about this one: it may be what the operator has mended.
    if (known !== undefined) return known.state.health === 'healthy' ? KEPT : UNTRIED;
    const isGood = container.health === 'none' || container.health === 'healthy';
    if (this.unprobed.has(runOf(container)) && isGood) return KEPT;
    return startedMs < this.firstPassMs! ? adopted(probe) : UNTRIED;
  }

  private schedule(watch: Watch, afterMs: number): void {
    watch.cancel = this.options.clock.after(afterMs, () => this.turns.begin(() => this.try(watch)));
  }

  private isFollowed(watch: Watch): boolean {
    return this.watches.get(watch.target.containerId) === watch;
  }

  private async try(watch: Watch): Promise<void> {
    if (!this.isFollowed(watch)) return;
    const { clock, random, onTry } = this.options;
    const { probe, target, startedMs, state: before } = watch;
    const begunMs = clock.monotonicMs();
    const outcome = await this.outcomeOf(watch);
    if (!this.isFollowed(watch)) return;
    const nowMs = clock.monotonicMs();
    onTry?.(outcome.result, nowMs - begunMs);
    const failure = describeFailure(outcome, probe, target, probe.timeoutMs);
    if (outcome.result === 'untried')
      this.options.log.debug('a probe could not be tried', { instance: watch.instance, reason: failure });
    else watch.state = afterTry(before, probe, failure, nowMs - startedMs);
    this.schedule(watch, delayMs(before, watch.state, probe, random()));
    if (watch.state.health !== before.health) this.tell(watch, before);
  }

  private async outcomeOf(watch: Watch): Promise<Outcome> {
    const { clock, tryProbe } = this.options;
    const { probe, target } = watch;
    const aborting = new AbortController();
    let cancel: () => void;
    const arm = (isAgain: boolean): void => {
      const dueMs = clock.monotonicMs() + probe.timeoutMs;
      cancel = clock.after(probe.timeoutMs, () => {
        if (!isAgain && clock.monotonicMs() - dueMs > STALL_MS) arm(true);
        else aborting.abort();
      });
    };
    arm(false);
    watch.cancel = () => aborting.abort();
    return tryProbe(probe, target, aborting.signal).finally(() => cancel());
  }

  private tell({ instance, state }: Watch, before: ProbeState): void {
    const { log } = this.options;
    const fields = { instance, from: before.health, to: state.health, reason: state.reason };
    if (state.health === 'unhealthy') log.warn(`${instance} is unhealthy`, fields);
    else log.info(`${instance} is ${state.health}`, fields);
    this.wake();
  }
}

/** Whether its release has a probe is not known yet: soon after the agent's start, or when a new one is assigned. */
function isUnread(wanted: DesiredInstance | undefined): boolean {
  return wanted !== undefined && wanted.spec === undefined && wanted.specProblem === undefined;
}

/** What Docker's own check says does not count beside a probe. */
function judge(container: ActualContainer, watch: Watch | undefined): ActualContainer {
  if (watch !== undefined) return { ...container, health: watch.state.health, healthReason: watch.state.reason };
  // Nobody answers in a container that is paused, or of which Docker does not say where it is.
  const isUp = container.state === 'running' || container.state === 'paused' || container.state === 'restarting';
  return { ...container, health: isUp ? 'starting' : 'none', healthReason: '' };
}
