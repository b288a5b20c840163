import type { Store } from '../../lib/etcd/store';

/** The store's methods as plain properties, to replace some. */
export function delegateStore(target: Store): { -readonly [K in keyof Store]: Store[K] } {
  return {
    range: (range) => target.range(range),
    txn: (txn) => target.txn(txn),
    watch: (range, startRevision, handlers) => target.watch(range, startRevision, handlers),
    grantLease: (ttlMs) => target.grantLease(ttlMs),
    keepLeaseAlive: (id) => target.keepLeaseAlive(id),
    leaseKeys: (id) => target.leaseKeys(id),
    revokeLease: (id) => target.revokeLease(id),
    close: () => target.close(),
  };
}
