/** When a host's lease was renewed last, as far as its agents were answered: the witness goes by it. */
import type { Clock } from '../../lib/clock';
import type { MemoryStore } from '../../lib/etcd/memory-store';
import type { Txn } from '../../lib/etcd/store';

export class Renewals {
  /** When the last request was sent that renewed it, by any agent of the host; monotonic. */
  lastMs = -Infinity;
  /** The agent that runs now was given one. */
  isOfThisAgent = false;

  constructor(
    private readonly clock: Clock,
    private readonly aliveKey: string,
  ) {}

  /** Listens to what a new agent of the host asks of etcd. */
  over(store: MemoryStore): void {
    this.isOfThisAgent = false;
    const sentMs = new Map<string, number>();
    let attached = '';
    const note = (lease: string): void => {
      if (lease === attached) this.lastMs = Math.max(this.lastMs, sentMs.get(lease) ?? -Infinity);
    };
    const [grant, keep, txn] = [store.grantLease.bind(store), store.keepLeaseAlive.bind(store), store.txn.bind(store)];
    store.grantLease = async (ttlMs) => {
      const atMs = this.clock.monotonicMs();
      const lease = await grant(ttlMs);
      sentMs.set(lease.id, atMs);
      this.isOfThisAgent = true;
      return lease;
    };
    store.keepLeaseAlive = async (id) => {
      const atMs = this.clock.monotonicMs();
      const leftMs = await keep(id);
      if (leftMs > 0) sentMs.set(id, atMs);
      if (leftMs > 0) note(id);
      return leftMs;
    };
    store.txn = async (what: Txn) => {
      const result = await txn(what);
      for (const write of what.writes)
        if (result.succeeded && write.op === 'put' && write.key === this.aliveKey && write.lease !== undefined) {
          attached = write.lease;
          note(attached);
        }
      return result;
    };
  }
}
