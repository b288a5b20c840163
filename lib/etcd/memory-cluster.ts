import type { Clock } from '../clock';
import { MAX_TXN_WRITES, StoreError } from './store';
import type {
  Compare,
  Guard,
  KeyRange,
  KeyValue,
  Lease,
  RangeResult,
  Txn,
  TxnResult,
  WatchEvent,
  Write,
} from './store';

/** etcd takes no shorter lease (it rounds up to this). */
export const MIN_LEASE_TTL_MS = 2000;
/** A key space that nobody has written to is at revision 1, as etcd's is. */
const FIRST_REVISION = 1;

interface LeaseEntry {
  readonly ttlMs: number;
  readonly keys: Set<string>;
  deadlineMs: number;
  cancelExpiry: () => void;
}

/** All events of one revision, as the watchers get them. */
export interface Batch {
  readonly revision: number;
  readonly events: readonly WatchEvent[];
}

export function isInRange(range: KeyRange, key: string): boolean {
  return 'key' in range ? key === range.key : key.startsWith(range.prefix);
}

/**
 * The key space that memory stores share: revisions, leases and history as etcd keeps them, without a
 * network. Everything happens at once and in order; time comes from the clock alone.
 */
export class MemoryCluster {
  revision = FIRST_REVISION;
  compactedRevision = 0;
  private readonly keys = new Map<string, KeyValue>();
  private readonly leases = new Map<string, LeaseEntry>();
  private history: Batch[] = [];
  private nextLease = 1;
  private readonly listeners = new Set<(batch: Batch) => void>();

  constructor(private readonly clock: Clock) {}

  /** Calls `listen` with each batch, in order, from inside the write. @returns a function that ends it */
  subscribe(listen: (batch: Batch) => void): () => void {
    this.listeners.add(listen);
    return () => this.listeners.delete(listen);
  }

  range(range: KeyRange): RangeResult {
    const kvs = [...this.keys.values()].filter((kv) => isInRange(range, kv.key));
    kvs.sort((a, b) => (a.key < b.key ? -1 : 1));
    return { revision: this.revision, kvs };
  }

  txn(txn: Txn): TxnResult {
    checkTxn(txn);
    const isAsWanted =
      txn.compares.every((one) => this.holds(one)) && (txn.guards ?? []).every((one) => this.isHeld(one));
    if (!isAsWanted) return { succeeded: false, revision: this.revision };
    for (const write of txn.writes) {
      if (write.op === 'put' && write.lease !== undefined && !this.leases.has(write.lease)) {
        throw new StoreError('lease-gone', `lease ${write.lease} is gone`);
      }
    }
    this.apply(txn.writes);
    return { succeeded: true, revision: this.revision };
  }

  /** @throws StoreError `compacted` when that revision is gone */
  historyFrom(startRevision: number): readonly Batch[] {
    if (startRevision <= this.compactedRevision) {
      throw new StoreError(
        'compacted',
        `revision ${startRevision} is compacted, ${this.compactedRevision} is the last such`,
      );
    }
    return this.history.filter((batch) => batch.revision >= startRevision);
  }

  grantLease(ttlMs: number): Lease {
    const id = (this.nextLease++).toString(16).padStart(16, '0');
    const grantedMs = Math.max(MIN_LEASE_TTL_MS, Math.ceil(ttlMs / 1000) * 1000);
    const entry: LeaseEntry = { ttlMs: grantedMs, keys: new Set(), deadlineMs: 0, cancelExpiry: () => undefined };
    this.leases.set(id, entry);
    this.renew(id, entry);
    return { id, ttlMs: grantedMs };
  }

  keepLeaseAlive(id: string): number {
    const entry = this.leases.get(id);
    if (entry === undefined) return 0;
    this.renew(id, entry);
    return entry.ttlMs;
  }

  leaseKeys(id: string): readonly string[] {
    return [...(this.leases.get(id)?.keys ?? [])].sort();
  }

  /** Ends a lease and deletes its keys in one revision; does nothing when it is gone. */
  endLease(id: string): void {
    const entry = this.leases.get(id);
    if (entry === undefined) return;
    entry.cancelExpiry();
    this.leases.delete(id);
    this.apply([...entry.keys].sort().map((key): Write => ({ op: 'delete', key })));
  }

  compact(revision: number): void {
    if (revision > this.revision) throw new StoreError('other', `revision ${revision} is a future revision`);
    this.compactedRevision = Math.max(this.compactedRevision, revision);
    this.history = this.history.filter((batch) => batch.revision > this.compactedRevision);
  }

  /** As when etcd starts again with an empty data folder: no keys, no leases, the first revision, and no event about it. */
  wipe(): void {
    for (const entry of this.leases.values()) entry.cancelExpiry();
    this.leases.clear();
    this.keys.clear();
    this.history = [];
    this.revision = FIRST_REVISION;
    this.compactedRevision = 0;
  }

  /** As a snapshot of etcd. @returns puts it back, at its old revision; its leases begin anew */
  backUp(): () => void {
    const { revision } = this;
    const keys = [...this.keys];
    const leases = [...this.leases].map(([id, { ttlMs, keys: held }]) => ({ id, ttlMs, keys: [...held] }));
    return () => {
      this.wipe();
      this.revision = revision;
      this.compactedRevision = revision;
      for (const [key, kv] of keys) this.keys.set(key, kv);
      for (const { id, ttlMs, keys: held } of leases) {
        const entry = { ttlMs, keys: new Set(held), deadlineMs: 0, cancelExpiry: () => undefined };
        this.leases.set(id, entry);
        this.renew(id, entry);
      }
    };
  }

  private renew(id: string, entry: LeaseEntry): void {
    entry.cancelExpiry();
    entry.deadlineMs = this.clock.monotonicMs() + entry.ttlMs;
    entry.cancelExpiry = this.clock.after(entry.ttlMs, () => this.endLease(id));
  }

  private isHeld(guard: Guard): boolean {
    if ('exists' in guard) return this.keys.has(guard.key);
    const isOld = ({ modRevision }: KeyValue): boolean => modRevision <= guard.unchangedSince;
    return [...this.keys.values()].every((kv) => !isInRange(guard, kv.key) || isOld(kv));
  }

  private holds(compare: Compare): boolean {
    const kv = this.keys.get(compare.key);
    if ('modRevision' in compare) return (kv?.modRevision ?? 0) === compare.modRevision;
    return (kv?.createRevision ?? 0) === compare.createRevision;
  }

  private apply(writes: readonly Write[]): void {
    const revision = this.revision + 1;
    const events: WatchEvent[] = [];
    for (const write of writes) {
      const before = this.keys.get(write.key);
      if (before?.lease !== undefined) this.leases.get(before.lease)?.keys.delete(write.key);
      if (write.op === 'delete') {
        if (before === undefined) continue;
        this.keys.delete(write.key);
        events.push({ type: 'delete', key: write.key, modRevision: revision });
        continue;
      }
      const kv: KeyValue = {
        key: write.key,
        value: write.value,
        createRevision: before?.createRevision ?? revision,
        modRevision: revision,
        ...(write.lease === undefined ? {} : { lease: write.lease }),
      };
      this.keys.set(write.key, kv);
      if (write.lease !== undefined) this.leases.get(write.lease)?.keys.add(write.key);
      events.push({ type: 'put', kv });
    }
    if (events.length === 0) return;
    this.revision = revision;
    const batch = { revision, events };
    this.history.push(batch);
    for (const listen of [...this.listeners]) listen(batch);
  }
}

function checkTxn(txn: Txn): void {
  const compares = txn.compares.length + (txn.guards?.length ?? 0);
  if (txn.writes.length > MAX_TXN_WRITES || compares > MAX_TXN_WRITES) {
    throw new StoreError('too-large', 'too many operations in one transaction');
  }
  const keys = new Set(txn.writes.map((write) => write.key));
  if (keys.size !== txn.writes.length) throw new StoreError('other', 'duplicate key in one transaction');
}
