/**
 * The leader's loop: whatever changed in etcd makes services dirty; dirty services are planned and the outcome is
 * committed. Holds no state of its own that is not in etcd, so that a new leader needs nothing but the mirror.
 */
import { backoffMs } from '../lib/backoff';
import type { Clock } from '../lib/clock';
import type { Keys } from '../lib/documents/keys';
import type { Fence } from '../lib/etcd/fenced-txn';
import { StoreError, type Store } from '../lib/etcd/store';
import type { Logger } from '../lib/log';
import { commitChanges, writesFor } from './commit';
import { planCluster, type ClusterChanges } from './schedule/plan-cluster';
import type { CompiledService } from './schedule/plan-service';
import { placementsOf, type ClusterView } from './view';

const RETRY = { baseMs: 100, capMs: 5000 };
/** A commit whose own events the mirror has not shown after this is planned upon all the same; compares protect it. */
const CATCH_UP_MS = 2000;

export interface ReconcilerOptions {
  readonly store: Store;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly view: () => ClusterView;
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
  private readonly dirty = new Set<string>();
  private isRunning = false;
  private failures = 0;
  private cancelTimer: () => void = () => undefined;
  /** Writes of ours that the mirror has not shown yet, by key. */
  private readonly awaited = new Map<string, string | undefined>();
  private awaitedUntilMs = 0;

  constructor(private readonly options: ReconcilerOptions) {}

  /** From now on this one leads. Everything is dirty: the last leader may have stopped anywhere. */
  establish(fence: Fence): void {
    this.fence = fence;
    this.failures = 0;
    this.markAll();
    this.wake();
  }

  /** No write is begun from now on; one that is on its way fails by its fence. */
  revoke(): void {
    this.fence = undefined;
    this.dirty.clear();
    this.awaited.clear();
    this.cancelTimer();
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
    for (const prefix of [keys.services, keys.releases, keys.serviceStatuses])
      if (key.startsWith(prefix)) this.dirty.add(key.slice(prefix.length).split('/')[0]!);
    for (const prefix of [keys.assignments, keys.statuses])
      if (key.startsWith(prefix)) {
        const host = view().hosts.get(key.slice(prefix.length));
        if (host === undefined) this.markAll();
        else
          for (const { service } of [...placementsOf(host), ...Object.values(host.status?.instances ?? {})])
            this.dirty.add(service);
        // A service that waits for room may have it now, and one that is being removed may be gone.
        this.markUnsettled();
      }
    if (key.startsWith(keys.hosts)) this.markAll();
  }

  private markAll(): void {
    const { services, releases, serviceStatuses } = this.options.view();
    for (const known of [services, releases, serviceStatuses])
      for (const service of known.keys()) this.dirty.add(service);
  }

  private markUnsettled(): void {
    for (const [service, { document }] of this.options.view().serviceStatuses)
      if (document === undefined || document.rollout !== 'steady' || document.placed < document.wanted)
        this.dirty.add(service);
  }

  private wake(): void {
    if (this.isRunning || this.fence === undefined || this.dirty.size === 0 || !this.options.isKnown()) return;
    if (this.awaited.size > 0 && this.options.clock.monotonicMs() < this.awaitedUntilMs) return this.later(CATCH_UP_MS);
    this.isRunning = true;
    void this.run(this.fence).finally(() => {
      this.isRunning = false;
      if (this.failures > 0) this.later(backoffMs(this.failures, RETRY, this.options.random));
      else this.wake();
    });
  }

  private later(delayMs: number): void {
    this.cancelTimer();
    this.cancelTimer = this.options.clock.after(delayMs, () => this.wake());
  }

  private async run(fence: Fence): Promise<void> {
    const { clock, view, keys, store, log } = this.options;
    const startedMs = clock.monotonicMs();
    const services = [...this.dirty];
    this.dirty.clear();
    this.awaited.clear();
    const seen = view();
    const changes = planCluster({ ...this.options, view: seen, services, wallMs: clock.wallMs() });
    const writes = writesFor(changes, seen, keys);
    this.logChanges(changes);
    for (const { write } of writes) this.awaited.set(write.key, write.op === 'put' ? write.value : undefined);
    this.awaitedUntilMs = clock.monotonicMs() + CATCH_UP_MS;
    let outcome = 'error';
    let transactions = 0;
    try {
      ({ outcome, transactions } = await commitChanges(store, fence, writes));
      this.failures = outcome === 'conflict' ? this.failures + 1 : 0;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.failures++;
      log.warn('could not commit; will plan again', { reason: error.message, code: error.code });
    }
    if (outcome !== 'committed') {
      this.awaited.clear();
      if (this.fence === fence && outcome !== 'deposed') for (const service of services) this.dirty.add(service);
      if (outcome === 'deposed') log.warn('nothing was committed: this coordinator does not lead any more');
    }
    this.options.onPlan({ durationMs: clock.monotonicMs() - startedMs, outcome, transactions });
  }

  private logChanges({ releases, assignments }: ClusterChanges): void {
    for (const { service, number } of releases)
      this.options.log.info('cut a release', { service, release: `${service}@${number}` });
    for (const [host, { revision, instances }] of assignments)
      this.options.log.info('assign', { host, revision, instances: Object.keys(instances).length });
  }
}
