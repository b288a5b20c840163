import { backoffMs } from '../backoff';
import type { Clock } from '../clock';
import { MAX_TXN_WRITES, StoreError } from './store';
import type { Compare, Store, Txn, Write } from './store';

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

/** `whole`: the keys are there as they were written. `unknown`: the lease is not held, or the store does not answer. */
export type KeysCheck = 'whole' | 'changed' | 'unknown';

/** A key as it is wanted in the store; without a value it is not to be there. */
export interface Wish {
  readonly key: string;
  readonly value: string | undefined;
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
  /** Revision in which the store took it, of each wanted key that is there and not owed. */
  private readonly writtenIn = new Map<string, number>();
  /** The keys that come with the lease have to be written again. */
  private isOwnOwed = false;
  private queue: Promise<unknown> = Promise.resolve();
  private attempt = 0;
  private isClosed = false;
  private cancelRetry = (): void => undefined;

  constructor(private readonly options: LeaseKeysOptions) {}

  want(wishes: readonly Wish[]): Promise<boolean> {
    for (const { key, value } of wishes) {
      this.wanted.set(key, value);
      this.owed.add(key);
      this.writtenIn.delete(key);
    }
    return this.serially(() => this.settle(wishes));
  }

  /**
   * Writes every key under a new lease: in one transaction, as far as one takes them, which has the session's own ones.
   * @throws StoreError
   */
  attach(leaseId: string): Promise<'attached' | 'conflict'> {
    return this.serially(() => this.writeAll(leaseId));
  }

  writeAgain(): Promise<boolean> {
    this.isOwnOwed = true;
    return this.serially(() => this.writeOwed());
  }

  /** Costs the store no write unless somebody else wrote one of the keys, or deleted it. */
  check(): Promise<KeysCheck> {
    return this.serially(() => this.compareAll());
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
    const keys = [...this.wanted.keys()];
    const room = MAX_TXN_WRITES - own.length;
    const isTaken = await this.writeSome(keys.slice(0, room), leaseId, { compares, writes: own });
    this.isOwnOwed = false;
    if (!isTaken) return 'conflict';
    await this.writeMany(keys.slice(room), leaseId);
    return 'attached';
  }

  private async settle(wishes: readonly Wish[]): Promise<boolean> {
    // An earlier round may have written these too.
    const isOwed = (): boolean => wishes.some(({ key }) => this.owed.has(key));
    return !isOwed() || ((await this.writeOwed()) && !isOwed());
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

  private async compareAll(): Promise<KeysCheck> {
    if (this.options.leaseId() === undefined || this.isClosed) return 'unknown';
    const written = [...this.writtenIn].map(([key, modRevision]): Compare => ({ key, modRevision }));
    try {
      for (let from = 0; from < written.length; from += MAX_TXN_WRITES) {
        const compares = written.slice(from, from + MAX_TXN_WRITES);
        if (!(await this.options.store.txn({ compares, writes: [] })).succeeded) return 'changed';
      }
      return 'whole';
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return 'unknown';
    }
  }

  private async writeMany(keys: readonly string[], leaseId: string): Promise<void> {
    for (let from = 0; from < keys.length; from += MAX_TXN_WRITES)
      await this.writeSome(keys.slice(from, from + MAX_TXN_WRITES), leaseId, { compares: [], writes: [] });
  }

  /** @param besides what goes with them in the transaction. @returns whether its compares held */
  private async writeSome(keys: readonly string[], leaseId: string, besides: Txn): Promise<boolean> {
    const wishes = keys.map((key): Wish => ({ key, value: this.wanted.get(key) }));
    const writes = wishes.map(({ key, value }): Write =>
      value === undefined ? { op: 'delete', key } : { op: 'put', key, value, lease: leaseId },
    );
    const { compares } = besides;
    const { succeeded, revision } = await this.options.store.txn({ compares, writes: [...besides.writes, ...writes] });
    if (succeeded) for (const wish of wishes) this.confirm(wish, revision);
    return succeeded;
  }

  private confirm({ key, value }: Wish, revision: number): void {
    this.writtenIn.delete(key);
    if (this.wanted.get(key) !== value) return; // wanted otherwise by now
    this.owed.delete(key);
    if (value === undefined) this.wanted.delete(key);
    else this.writtenIn.set(key, revision);
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
