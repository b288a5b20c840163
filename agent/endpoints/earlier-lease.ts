/**
 * What an agent of this host before this one left on its lease: endpoints that have not come over to the lease of this one.
 *
 * INVARIANTS
 * - Nothing is deleted but keys that hang on that lease, which was this host's: its alive key hung on it.
 * - That lease is never renewed, and never revoked. What it still has and nobody knows yet how it is, stays as long as it lasts.
 */
import type { Clock } from '../../lib/clock';
import type { Logger } from '../../lib/log';
import { MAX_TXN_WRITES, StoreError, type KeyValue, type Store } from '../../lib/etcd/store';

/** What is not over is looked at again after so long, until the lease is gone. */
const AGAIN_MS = 500;

export interface EarlierLeaseOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of the host, in etcd: while it hangs on a lease, that one is not an earlier one. */
  readonly aliveKey: string;
  /** It is to be there, on the lease of now. */
  readonly isWanted: (key: string) => boolean;
  /** What it stands for runs, and nobody has asked yet how it is. */
  readonly isSpared: (key: string) => boolean;
}

export class EarlierLease {
  private over: string | undefined;
  private current: string | undefined;
  private isBusy = false;
  private cancel: () => void = () => undefined;

  constructor(private readonly options: EarlierLeaseOptions) {}

  /** Deletes these, as far as they hang on it. Never rejects: what is not taken, the lease's end takes. */
  async withdraw(lease: string | undefined, keys: readonly string[]): Promise<void> {
    if (lease === undefined || lease === this.over) return;
    await this.delete(keys, lease).catch((error: unknown) => {
      if (!(error instanceof StoreError)) throw error;
    });
  }

  /** What is on it and not wanted goes, now that it is known what runs. Cheap when there is nothing to do. */
  follow(lease: string | undefined): void {
    this.current = lease;
    if (lease === undefined || lease === this.over || this.isBusy) return;
    this.isBusy = true;
    this.cancel();
    void this.sweep(lease).then((isOver) => {
      this.isBusy = false;
      if (isOver) this.over = lease;
      else if (this.current !== undefined)
        this.cancel = this.options.clock.after(AGAIN_MS, () => this.follow(this.current));
    });
  }

  /** Deletes from the lease of now what is not wanted. Never rejects. */
  async clear(lease: string | undefined): Promise<void> {
    if (lease === undefined) return;
    const { store, aliveKey, isWanted } = this.options;
    try {
      const keys = await store.leaseKeys(lease);
      const needless = keys.filter((key) => key !== aliveKey && !isWanted(key));
      await this.delete(needless.slice(0, MAX_TXN_WRITES), lease);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }

  stop(): void {
    this.current = undefined;
    this.cancel();
  }

  /** @returns whether nothing is left on it */
  private async sweep(lease: string): Promise<boolean> {
    const { store, log, aliveKey, isWanted, isSpared } = this.options;
    try {
      const keys = await store.leaseKeys(lease);
      if (this.current !== lease) return false;
      if (keys.includes(aliveKey)) return true;
      const needless = keys.filter((key) => !isWanted(key) && !isSpared(key));
      if (needless.length > 0)
        log.info('endpoints of an earlier agent of this host are deleted', { keys: needless.join(' ') });
      await this.delete(needless.slice(0, MAX_TXN_WRITES), lease);
      // The lease itself is left to end. Should another agent live on it, from a copy of our state folder, it would get a new
      // one and take ours for an earlier one: two who fight.
      return needless.length === keys.length && needless.length <= MAX_TXN_WRITES;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return false;
    }
  }

  /** As far as they still hang on the lease. @throws StoreError */
  private async delete(keys: readonly string[], lease: string): Promise<void> {
    if (keys.length === 0) return;
    const { store, isWanted } = this.options;
    const read = await Promise.all(keys.map((key) => store.range({ key })));
    // Some may be wanted by now.
    const isLeft = (kv: KeyValue): boolean => kv.lease === lease && !isWanted(kv.key);
    const found = read.flatMap(({ kvs }): readonly KeyValue[] => kvs.filter(isLeft));
    if (found.length === 0) return;
    await store.txn({
      compares: found.map(({ key, modRevision }) => ({ key, modRevision })),
      writes: found.map(({ key }) => ({ op: 'delete', key })),
    });
  }
}
