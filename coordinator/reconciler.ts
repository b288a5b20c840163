/**
 * The leader's loop: whatever changed in etcd makes services dirty; dirty services are planned and the outcome is
 * committed. Holds no state of its own that is not in etcd, so that a new leader needs nothing but the mirror.
 */
import type { Clock } from '../lib/clock';
import type { Keys } from '../lib/documents/keys';
import type { Pause } from '../lib/documents/types';
import type { Fence, FencedOutcome } from '../lib/etcd/fenced-txn';
import { StoreError, type Store } from '../lib/etcd/store';
import type { Logger } from '../lib/log';
import { commitChanges, writesFor, type Change as Written } from './commit';
import { Concerns, NO_SERVICE, type Change } from './concerns';
import { DirtyServices } from './dirty-services';
import { logCommitted } from './log-committed';
import { planInSteps, type ClusterChanges, type ClusterInput } from './schedule/plan-cluster';
import type { CompiledService } from './schedule/types';
import type { ClusterView } from './view';

/** A commit whose own events the mirror has not shown after this is planned upon all the same; compares protect it. */
const CATCH_UP_MS = 2000;
/** Of a large commit, for each key. */
const CATCH_UP_KEY_MS = 2;
/**
 * Instances that are planned at a stretch, some 20 ms: in between, leases are renewed and operators are answered. Counted
 * and not timed, so that a simulated coordinator does the same every time.
 */
const STRETCH = 2000;

/** Of the services of a plan that failed, so many are named. */
const MAX_LOGGED = 20;

export interface ReconcilerOptions {
  readonly store: Store;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly view: () => ClusterView;
  /** The view stands still from now on. @returns ends it */
  readonly hold: () => () => void;
  /** Those of the view that are in force now. */
  readonly pauses: () => readonly Pause[];
  /** Monotonic time at which the next of them ends. */
  readonly nextPauseEndMs: () => number | undefined;
  /** The view is of a full list: before that nothing is planned. */
  readonly isKnown: () => boolean;
  readonly compile: (service: string, text: string) => CompiledService;
  readonly onPlan: (plan: {
    readonly durationMs: number;
    readonly outcome: string;
    readonly transactions: number;
  }) => void;
}

export class Reconciler {
  private fence: Fence | undefined;
  private readonly dirty: DirtyServices;
  /** While this one leads. */
  private concerns: Concerns | undefined;
  private isRunning = false;
  private cancelTimer: () => void = () => undefined;
  private cancelPauseTimer: () => void = () => undefined;
  /** Pauses that were in force at the last look. */
  private paused: readonly Pause[] = [];
  /** Keys of what we wrote and the mirror has not shown yet. */
  private readonly awaited = new Set<string>();
  private awaitedUntilMs = 0;

  constructor(private readonly options: ReconcilerOptions) {
    this.dirty = new DirtyServices(options.random);
  }

  /** From now on this one leads. Everything is dirty: the last leader may have stopped anywhere. */
  establish(fence: Fence): void {
    this.fence = fence;
    this.dirty.clear();
    this.concerns = new Concerns(this.options.keys, this.options.view);
    this.wake();
  }

  /** No transaction is begun from now on; one that is on its way fails by its fence. */
  revoke(): void {
    this.fence = undefined;
    this.concerns = undefined;
    this.dirty.clear();
    this.awaited.clear();
    this.cancelTimer();
    this.cancelPauseTimer();
    this.paused = [];
  }

  /** @param changes of the view, in their order */
  changed(changes: readonly Change[]): void {
    for (const change of changes) {
      // Somebody else's write to it is a conflict of ours, and ends the wait, too.
      this.awaited.delete(change.key);
      this.concerns?.note(change);
    }
    this.wake();
  }

  /** Marks what the pauses that have ended concern, and wakes when the next one ends. */
  private lookAtPauses(): void {
    const { pauses, nextPauseEndMs, clock } = this.options;
    const paused = pauses();
    for (const one of this.paused) if (!paused.includes(one)) this.concerns?.notePause(one);
    this.paused = paused;
    this.cancelPauseTimer();
    const endMs = nextPauseEndMs();
    if (endMs !== undefined) this.cancelPauseTimer = clock.after(endMs - clock.monotonicMs(), () => this.wake());
  }

  private wake(): void {
    if (this.isRunning || this.fence === undefined || !this.options.isKnown()) return;
    this.lookAtPauses();
    for (const service of this.concerns?.take() ?? []) this.dirty.mark(service);
    const nowMs = this.options.clock.monotonicMs();
    if (this.awaited.size > 0 && nowMs < this.awaitedUntilMs) return this.later(this.awaitedUntilMs - nowMs);
    const turn = this.dirty.take(nowMs);
    if (turn === undefined) return;
    if ('waitMs' in turn) return this.later(turn.waitMs);
    this.isRunning = true;
    void this.attempt(this.fence, turn.services).finally(() => {
      this.isRunning = false;
      this.wake();
    });
  }

  private later(delayMs: number): void {
    this.cancelTimer();
    this.cancelTimer = this.options.clock.after(delayMs, () => this.wake());
  }

  /** Whatever a document leads a plan to: its services are planned apart later, and harm no other (G6). */
  private async attempt(fence: Fence, services: readonly string[]): Promise<void> {
    const { clock, log, onPlan } = this.options;
    const startedMs = clock.monotonicMs();
    try {
      await this.run(fence, services);
    } catch (error) {
      const { message, stack } = error as Error;
      log.error('a plan failed; will plan again', { reason: message, services: services.slice(0, MAX_LOGGED), stack });
      if (this.fence === fence) this.dirty.failed(services, clock.monotonicMs(), false);
      onPlan({ durationMs: clock.monotonicMs() - startedMs, outcome: 'error', transactions: 0 });
    }
  }

  private async run(fence: Fence, services: readonly string[]): Promise<void> {
    const { clock, view, keys, log } = this.options;
    const startedMs = clock.monotonicMs();
    const seen = view();
    const pauses = this.options.pauses();
    const statusesBefore = new Map(services.map((service) => [service, seen.serviceStatuses.get(service)?.document]));
    const named = services.filter((service) => service !== NO_SERVICE);
    const input = { ...this.options, view: seen, pauses, services: named, wallMs: clock.wallMs() };
    const planned = await this.held(async () => {
      const changes = await this.plan(fence, input);
      // What is compared is what the plan saw, and nothing newer.
      return changes && { changes, writes: writesFor(changes, seen, keys) };
    });
    if (planned === undefined) return;
    const { changes, writes } = planned;
    for (const [service, inMs] of changes.againInMs) this.dirty.markAt(service, startedMs + inMs);
    this.awaited.clear();
    for (const { key } of writes) this.awaited.add(key);
    const { outcome, transactions, isOfAll } = await this.commit(fence, writes);
    this.awaitedUntilMs = clock.monotonicMs() + CATCH_UP_MS + CATCH_UP_KEY_MS * writes.length;
    if (outcome === 'committed') logCommitted(log, changes, statusesBefore);
    else this.awaited.clear();
    if (outcome === 'deposed') log.warn('nothing was committed: this coordinator does not lead any more');
    else if (this.fence === fence) {
      if (outcome === 'committed') this.dirty.succeeded(services);
      else this.dirty.failed(services, clock.monotonicMs(), isOfAll);
    }
    this.options.onPlan({ durationMs: clock.monotonicMs() - startedMs, outcome, transactions });
  }

  /** The view stands still meanwhile, and goes on whatever comes of it. */
  private async held<T>(work: () => Promise<T>): Promise<T> {
    const release = this.options.hold();
    try {
      return await work();
    } finally {
      release();
    }
  }

  /** @returns undefined when this one does not lead any more */
  private async plan(fence: Fence, input: ClusterInput): Promise<ClusterChanges | undefined> {
    const steps = planInSteps(input);
    let sinceRest = 0;
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done === true) return step.value;
      sinceRest += step.value;
      if (sinceRest < STRETCH) continue;
      sinceRest = 0;
      await new Promise<void>((wake) => this.options.clock.after(0, wake));
      if (this.fence !== fence) return undefined;
    }
  }

  private async commit(
    fence: Fence,
    writes: readonly Written[],
  ): Promise<{ outcome: FencedOutcome | 'error'; transactions: number; isOfAll: boolean }> {
    try {
      const isLeading = (): boolean => this.fence === fence;
      return { ...(await commitChanges(this.options.store, fence, writes, isLeading)), isOfAll: false };
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      const { message, code, temporary } = error;
      this.options.log.warn('could not commit; will plan again', { reason: message, code });
      return { outcome: 'error', transactions: 0, isOfAll: temporary };
    }
  }
}
