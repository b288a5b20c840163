import type { Clock } from '../clock';
import { isInRange, MemoryCluster } from './memory-cluster';
import type { Batch } from './memory-cluster';
import { MAX_REQUEST_BYTES, StoreError } from './store';
import type { KeyRange, Lease, RangeResult, Store, Txn, TxnResult, Watch, WatchHandlers } from './store';

/** Longest that a call to a frozen store hangs, as the real one's does. */
const CALL_TIMEOUT_MS = 3000;
/** When a live watch on a frozen store ends, as the real one's keepalive makes it. */
const DEAD_PEER_MS = 8500;

/** What can go wrong between one client and the store, and with the store itself. */
export interface MemoryFaults {
  /** Every call fails and every watch ends, until `reconnect`. */
  disconnect(): void;
  reconnect(): void;
  /** No call is answered and no watch hears anything; calls fail after 3 s. `reconnect` ends it; the watches then end too. */
  freeze(): void;
  /** The next transactions are applied, and their replies are lost. */
  loseReplies(count: number): void;
  /** The next transactions are not applied, and fail as if their replies were lost. */
  loseRequests(count: number): void;
  /** Forgets the history up to this revision. Watches that are live go on. */
  compact(revision: number): void;
  /** Every client is cut off for a moment, and finds an empty store at revision 1. */
  wipe(): void;
  /** @returns cuts every client off for a moment, and puts the store back to what it is now, its revision too */
  backUp(): () => void;
  expireLease(id: string): void;
}

export interface MemoryStore extends Store {
  readonly faults: MemoryFaults;
  /** Current revision, for tests that a system at rest writes nothing. */
  readonly revision: number;
  /** Another client of the same key space, with faults of its own. */
  connect(): MemoryStore;
}

/** A store for tests and the simulator: it behaves as etcd does, on the given clock. */
export function createMemoryStore(clock: Clock): MemoryStore {
  return new MemoryClient(clock, new MemoryCluster(clock), new Set());
}

class MemoryWatch implements Watch {
  private isOver = false;
  private unsubscribe = (): void => undefined;
  private queue: Promise<void> = Promise.resolve();

  constructor(
    private readonly range: KeyRange,
    private readonly handlers: WatchHandlers,
    private readonly onOver: (watch: MemoryWatch) => void,
  ) {}

  start(cluster: MemoryCluster, startRevision: number): void {
    let past: readonly Batch[];
    try {
      past = cluster.historyFrom(startRevision);
    } catch (error) {
      return this.end(error as StoreError);
    }
    const revision = cluster.revision;
    this.later(() => this.handlers.onCreated(revision));
    for (const batch of past) this.deliver(batch);
    this.unsubscribe = cluster.subscribe((batch) => {
      if (batch.revision >= startRevision) this.deliver(batch);
    });
  }

  end(reason: StoreError): void {
    this.unsubscribe();
    this.onOver(this);
    this.later(() => {
      this.isOver = true;
      this.handlers.onEnd(reason);
    });
  }

  close(): void {
    this.isOver = true;
    this.unsubscribe();
    this.onOver(this);
  }

  /** Hears nothing more, and does not end by that. */
  mute(): void {
    this.unsubscribe();
  }

  private deliver(batch: Batch): void {
    const events = batch.events.filter((event) =>
      isInRange(this.range, event.type === 'put' ? event.kv.key : event.key),
    );
    if (events.length > 0) this.later(() => this.handlers.onEvents(events, batch.revision));
  }

  /** Handlers are called later and in order, as from a network. */
  private later(call: () => void): void {
    this.queue = this.queue.then(() => {
      if (!this.isOver) call();
    });
  }
}

class MemoryClient implements MemoryStore {
  readonly faults: MemoryFaults;
  private network: 'up' | 'down' | 'frozen' = 'up';
  private lostReplies = 0;
  private lostRequests = 0;
  private isClosed = false;
  private readonly watches = new Set<MemoryWatch>();

  constructor(
    private readonly clock: Clock,
    private readonly cluster: MemoryCluster,
    private readonly clients: Set<MemoryClient>,
  ) {
    clients.add(this);
    this.faults = {
      disconnect: () => this.disconnect(),
      reconnect: () => this.reconnect(),
      freeze: () => this.freeze(),
      loseReplies: (count) => (this.lostReplies = count),
      loseRequests: (count) => (this.lostRequests = count),
      compact: (revision) => this.cluster.compact(revision),
      wipe: () => this.replaceWith(() => this.cluster.wipe()),
      backUp: () => {
        const restore = this.cluster.backUp();
        return () => this.replaceWith(restore);
      },
      expireLease: (id) => this.cluster.endLease(id),
    };
  }

  get revision(): number {
    return this.cluster.revision;
  }

  connect(): MemoryStore {
    return new MemoryClient(this.clock, this.cluster, this.clients);
  }

  range(range: KeyRange): Promise<RangeResult> {
    return this.call(() => this.cluster.range(range));
  }

  txn(txn: Txn): Promise<TxnResult> {
    const bytes = txn.writes.reduce((sum, write) => sum + (write.op === 'put' ? Buffer.byteLength(write.value) : 0), 0);
    return this.call(() => {
      if (bytes > MAX_REQUEST_BYTES) throw new StoreError('too-large', 'request is too large');
      if (this.lostRequests > 0) {
        this.lostRequests--;
        throw new StoreError('unavailable', 'the request was lost');
      }
      const result = this.cluster.txn(txn);
      if (this.lostReplies > 0) {
        this.lostReplies--;
        throw new StoreError('unavailable', 'the reply was lost');
      }
      return result;
    });
  }

  watch(range: KeyRange, startRevision: number, handlers: WatchHandlers): Watch {
    const watch = new MemoryWatch(range, handlers, (over) => this.watches.delete(over));
    this.watches.add(watch);
    if (this.isClosed || this.network === 'down') watch.end(new StoreError('unavailable', 'not connected'));
    else if (this.network === 'up') watch.start(this.cluster, startRevision);
    else {
      const cancel = this.clock.after(CALL_TIMEOUT_MS, () => {
        if (this.watches.has(watch)) watch.end(new StoreError('unavailable', 'the watch was not accepted in time'));
      });
      return {
        close: () => {
          cancel();
          watch.close();
        },
      };
    }
    return watch;
  }

  grantLease(ttlMs: number): Promise<Lease> {
    return this.call(() => this.cluster.grantLease(ttlMs));
  }

  keepLeaseAlive(id: string): Promise<number> {
    return this.call(() => this.cluster.keepLeaseAlive(id));
  }

  leaseKeys(id: string): Promise<readonly string[]> {
    return this.call(() => this.cluster.leaseKeys(id));
  }

  revokeLease(id: string): Promise<void> {
    return this.call(() => this.cluster.endLease(id));
  }

  close(): void {
    this.isClosed = true;
    for (const watch of [...this.watches]) watch.close();
    this.clients.delete(this);
  }

  /** Answers later, as a network does; a frozen one only after its timeout. */
  private async call<T>(act: () => T): Promise<T> {
    await Promise.resolve();
    if (this.isClosed) throw new StoreError('unavailable', 'the store is closed');
    if (this.network === 'down') throw new StoreError('unavailable', 'not connected');
    if (this.network === 'frozen') {
      await new Promise<void>((resolve) => this.clock.after(CALL_TIMEOUT_MS, resolve));
      throw new StoreError('unavailable', `no answer within ${CALL_TIMEOUT_MS} ms`);
    }
    return act();
  }

  private replaceWith(replace: () => void): void {
    for (const client of this.clients) client.endWatches('the connection broke');
    replace();
  }

  private reconnect(): void {
    if (this.network === 'frozen') this.endWatches('the peer was dead');
    this.network = 'up';
  }

  private freeze(): void {
    this.network = 'frozen';
    const frozen = [...this.watches];
    for (const watch of frozen) watch.mute();
    this.clock.after(DEAD_PEER_MS, () => {
      for (const watch of frozen)
        if (this.watches.has(watch)) watch.end(new StoreError('unavailable', 'the peer is dead'));
    });
  }

  private disconnect(): void {
    this.network = 'down';
    this.endWatches('the connection broke');
  }

  private endWatches(reason: string): void {
    for (const watch of [...this.watches]) watch.end(new StoreError('unavailable', reason));
  }
}
