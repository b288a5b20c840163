/**
 * The leader's loop: whatever changed in etcd makes services dirty; dirty services are planned and the outcome is
 * committed. Holds no state of its own that is not in etcd, so that a new leader needs nothing but the mirror.
 */
import type { Clock } from '../lib/clock';
import type { Keys } from '../lib/documents/keys';
import type { Pause, ServiceStatus } from '../lib/documents/types';
import type { Fence, FencedOutcome } from '../lib/etcd/fenced-txn';
import { StoreError, type Store } from '../lib/etcd/store';
import type { Logger } from '../lib/log';
import { commitChanges, writesFor, type Change } from './commit';
import { DirtyServices } from './dirty-services';
import { logCommitted } from './log-committed';
import { planCluster } from './schedule/plan-cluster';
import type { CompiledService } from './schedule/types';
import { isBehind, placementsOf, type ClusterView } from './view';

/** A commit whose own events the mirror has not shown after this is planned upon all the same; compares protect it. */
const CATCH_UP_MS = 2000;
/** Stands among the dirty for what concerns hosts and pauses and no service: a plan of nothing but it looks at them all the same. */
const NO_SERVICE = '';

export interface ReconcilerOptions {
  readonly store: Store;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly view: () => ClusterView;
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
  private isRunning = false;
  private cancelTimer: () => void = () => undefined;
  private cancelPauseTimer: () => void = () => undefined;
  /** Pauses that were in force at the last look. */
  private paused: readonly Pause[] = [];
  /** Writes of ours that the mirror has not shown yet, by key. */
  private readonly awaited = new Map<string, string | undefined>();
  private awaitedUntilMs = 0;

  constructor(private readonly options: ReconcilerOptions) {
    this.dirty = new DirtyServices(options.random);
  }

  /** From now on this one leads. Everything is dirty: the last leader may have stopped anywhere. */
  establish(fence: Fence): void {
    this.fence = fence;
    this.dirty.clear();
    this.markAll();
    this.dirty.mark(NO_SERVICE);
    this.wake();
  }

  /** No transaction is begun from now on; one that is on its way fails by its fence. */
  revoke(): void {
    this.fence = undefined;
    this.dirty.clear();
    this.awaited.clear();
    this.cancelTimer();
    this.cancelPauseTimer();
    this.paused = [];
  }

  /** @param changed keys, and what is there now; undefined for a key that is gone */
  changed(changed: ReadonlyMap<string, string | undefined>): void {
    for (const [key, value] of changed) {
      if (this.awaited.has(key) && this.awaited.get(key) === value) this.awaited.delete(key);
      if (this.fence !== undefined) this.mark(key);
    }
    this.wake();
  }

  private mark(key: string): void {
    const { keys, view } = this.options;
    for (const prefix of [keys.services, keys.serviceStatuses])
      if (key.startsWith(prefix)) this.dirty.mark(key.slice(prefix.length));
    if (key.startsWith(keys.releases)) this.dirty.mark(key.slice(keys.releases.length).split('/')[0]!);
    for (const prefix of [keys.assignments, keys.statuses])
      if (key.startsWith(prefix)) {
        const host = view().hosts.get(key.slice(prefix.length));
        // One without an assignment may have become usable just now, and be wanted by any service.
        if (host?.assignment === undefined || isBehind(host)) this.markAll();
        else
          for (const { service } of [...placementsOf(host), ...Object.values(host.status?.instances ?? {})])
            this.dirty.mark(service);
        // A service that waits for room may have it now, and one that is being removed may be gone.
        this.markUnsettled();
      }
    if (key.startsWith(keys.hosts) || key === keys.clusterIntent) this.markAll();
    if (key.startsWith(keys.pauses)) this.markPause(key);
  }

  /** A pause that begins, changes or ends concerns a service, the one of an instance, or whoever may go to a host. */
  private markPause(key: string): void {
    const [kind, name = ''] = key.slice(this.options.keys.pauses.length).split('/');
    this.dirty.mark(NO_SERVICE);
    if (kind === 'host') this.markAll();
    if (kind === 'service') this.dirty.mark(name);
    if (kind !== 'instance') return;
    for (const host of this.options.view().hosts.values())
      for (const { id, service } of placementsOf(host)) if (id === name) this.dirty.mark(service);
  }

  /** Marks what the pauses that have ended concern, and wakes when the next one ends. */
  private lookAtPauses(): void {
    const { pauses, nextPauseEndMs, clock, keys } = this.options;
    const paused = pauses();
    for (const one of this.paused) if (!paused.includes(one)) this.markPause(keys.pause(one.kind, one.name));
    this.paused = paused;
    this.cancelPauseTimer();
    const endMs = nextPauseEndMs();
    if (endMs !== undefined) this.cancelPauseTimer = clock.after(endMs - clock.monotonicMs(), () => this.wake());
  }

  private markAll(): void {
    const { services, releases, serviceStatuses } = this.options.view();
    for (const known of [services, releases, serviceStatuses])
      for (const service of known.keys()) this.dirty.mark(service);
  }

  private markUnsettled(): void {
    for (const [service, { document }] of this.options.view().serviceStatuses)
      if (!isSettled(document)) this.dirty.mark(service);
  }

  private wake(): void {
    if (this.isRunning || this.fence === undefined || !this.options.isKnown()) return;
    this.lookAtPauses();
    const nowMs = this.options.clock.monotonicMs();
    if (this.awaited.size > 0 && nowMs < this.awaitedUntilMs) return this.later(this.awaitedUntilMs - nowMs);
    const turn = this.dirty.take(nowMs);
    if (turn === undefined) return;
    if ('waitMs' in turn) return this.later(turn.waitMs);
    this.isRunning = true;
    void this.run(this.fence, turn.services).finally(() => {
      this.isRunning = false;
      this.wake();
    });
  }

  private later(delayMs: number): void {
    this.cancelTimer();
    this.cancelTimer = this.options.clock.after(delayMs, () => this.wake());
  }

  private async run(fence: Fence, services: readonly string[]): Promise<void> {
    const { clock, view, keys, log } = this.options;
    const startedMs = clock.monotonicMs();
    const seen = view();
    const pauses = this.options.pauses();
    const statusesBefore = new Map(services.map((service) => [service, seen.serviceStatuses.get(service)?.document]));
    const planned = services.filter((service) => service !== NO_SERVICE);
    const changes = planCluster({ ...this.options, view: seen, pauses, services: planned, wallMs: clock.wallMs() });
    for (const [service, inMs] of changes.againInMs) this.dirty.markAt(service, startedMs + inMs);
    const writes = writesFor(changes, seen, keys);
    this.awaited.clear();
    for (const { write } of writes) this.awaited.set(write.key, write.op === 'put' ? write.value : undefined);
    this.awaitedUntilMs = clock.monotonicMs() + CATCH_UP_MS;
    const { outcome, transactions, isOfAll } = await this.commit(fence, writes);
    if (outcome === 'committed') logCommitted(log, changes, statusesBefore);
    else this.awaited.clear();
    if (outcome === 'deposed') log.warn('nothing was committed: this coordinator does not lead any more');
    else if (this.fence === fence) {
      if (outcome === 'committed') this.dirty.succeeded(services);
      else this.dirty.failed(services, clock.monotonicMs(), isOfAll);
    }
    this.options.onPlan({ durationMs: clock.monotonicMs() - startedMs, outcome, transactions });
  }

  private async commit(
    fence: Fence,
    writes: readonly Change[],
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

/** Nothing that happens to other services can change anything for this one. */
function isSettled(status: ServiceStatus | undefined): boolean {
  return status?.rollout === 'steady' && status.placed >= status.wanted && status.unplaced.length === 0;
}
