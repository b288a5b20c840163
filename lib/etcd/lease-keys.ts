import { backoffMs } from '../backoff';
import type { Clock } from '../clock';
import { MAX_TXN_WRITES, StoreError } from './store';
import type { Compare, Store, Write } from './store';

const RETRY_LIMITS = { baseMs: 200, capMs: 5000 };

export interface LeaseKeysOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly puts: (leaseId: string) => readonly { readonly key: string; readonly value: string }[];
  readonly compares: () => readonly Compare[] | Promise<readonly Compare[]>;
  /** The lease that may be relied upon now. */
  readonly leaseId: () => string | undefined;
  readonly onLeaseGone: (id: string) => void;
  readonly onConflict: (id: string) => void;
  readonly random: () => number;
}

/**
 * The keys that hang on a session's lease: those that come with each lease, and those wanted later.
 *
 * INVARIANTS
 * - One write at a time, so that of two wishes for a key the later one ends up in the store.
 * - A wish stays owed until the store has confirmed it under the present lease.
 */
export class LeaseKeys {
  /** Undefined is a key to delete. */
  private readonly wanted = new Map<string, string | undefined>();
  private readonly owed = new Set<string>();
  /** The keys that come with the lease have to be written again. */
  private isOwnOwed = false;
  private queue: Promise<unknown> = Promise.resolve();
  private attempt = 0;
  private isClosed = false;
  private cancelRetry = (): void => undefined;

  constructor(private readonly options: LeaseKeysOptions) {}

  want(key: string, value: string | undefined): Promise<boolean> {
    this.wanted.set(key, value);
    this.owed.add(key);
    return this.serially(() => this.settle(key));
  }

  /**
   * Writes every key under a new lease, the session's own ones first and in one transaction.
   * @throws StoreError
   */
  attach(leaseId: string): Promise<'attached' | 'conflict'> {
    return this.serially(() => this.writeAll(leaseId));
  }

  writeAgain(): Promise<boolean> {
    this.isOwnOwed = true;
    return this.serially(() => this.writeOwed());
  }

  /** Writes what is owed since the lease was lost. */
  resume(): void {
    if (this.owed.size > 0 || this.isOwnOwed) void this.serially(() => this.writeOwed());
  }

  close(): void {
    this.isClosed = true;
    this.cancelRetry();
  }

  private async writeAll(leaseId: string): Promise<'attached' | 'conflict'> {
    const own = this.options.puts(leaseId).map(({ key, value }): Write => ({ op: 'put', key, value, lease: leaseId }));
    const compares = await this.options.compares();
    const result = await this.options.store.txn({ compares, writes: own });
    this.isOwnOwed = false;
    if (!result.succeeded) return 'conflict';
    await this.writeMany([...this.wanted.keys()], leaseId);
    return 'attached';
  }

  private async settle(key: string): Promise<boolean> {
    // An earlier round may have written this one too.
    return !this.owed.has(key) || ((await this.writeOwed()) && !this.owed.has(key));
  }

  private async writeOwed(): Promise<boolean> {
    const leaseId = this.options.leaseId();
    if (leaseId === undefined || this.isClosed) return false; // the next lease brings them
    try {
      if (!this.isOwnOwed) await this.writeMany([...this.owed], leaseId);
      else if ((await this.writeAll(leaseId)) === 'conflict') {
        this.options.onConflict(leaseId);
        return false;
      }
      this.attempt = 0;
      return true;
    } catch (error) {
      return this.postpone(leaseId, error);
    }
  }

  private async writeMany(keys: readonly string[], leaseId: string): Promise<void> {
    for (let from = 0; from < keys.length; from += MAX_TXN_WRITES) {
      const wishes = keys.slice(from, from + MAX_TXN_WRITES).map((key) => ({ key, value: this.wanted.get(key) }));
      await this.options.store.txn({
        compares: [],
        writes: wishes.map(({ key, value }) =>
          value === undefined ? { op: 'delete', key } : { op: 'put', key, value, lease: leaseId },
        ),
      });
      for (const { key, value } of wishes) this.confirm(key, value);
    }
  }

  private confirm(key: string, value: string | undefined): void {
    if (this.wanted.get(key) !== value) return; // wanted otherwise by now
    this.owed.delete(key);
    if (value === undefined) this.wanted.delete(key);
  }

  private postpone(leaseId: string, error: unknown): false {
    if (!(error instanceof StoreError)) throw error;
    if (error.code === 'lease-gone') this.options.onLeaseGone(leaseId);
    else if (!this.isClosed) {
      this.attempt++;
      this.cancelRetry();
      this.cancelRetry = this.options.clock.after(backoffMs(this.attempt, RETRY_LIMITS, this.options.random), () =>
        this.resume(),
      );
    }
    return false;
  }

  private serially<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.queue.then(act);
    this.queue = turn.catch(() => undefined);
    return turn;
  }
}
