import type { CallOptions, ClientDuplexStream } from '@grpc/grpc-js';
import type { Etcd3, IKeyValue, ILeaseKeepAliveRequest, ILeaseKeepAliveResponse } from 'etcd3';
import { parseEndpoints } from './etcd3-endpoints';
import { storeErrorOf } from './etcd3-errors';
import { LinkSlot } from './etcd3-link';
import { Etcd3Watch } from './etcd3-watch';
import { compareOf, guardOf, keyValueOf, rangeBytes, requestOf } from './etcd3-wire';
import { StoreError } from './store';
import type { KeyRange, Lease, RangeResult, Store, Txn, TxnResult, Watch, WatchHandlers } from './store';

/** Long enough for a leader change (1 to 2 s), short beside a lease. */
const DEFAULT_CALL_TIMEOUT_MS = 3000;
/** A page of the largest documents (assignments, tens of KiB) stays some ten MiB. */
const RANGE_PAGE_KEYS = 1000;

type KeepAliveStream = ClientDuplexStream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>;

export interface EtcdOptions {
  /** `http://host:port`, or `host:port`. */
  readonly endpoints: readonly string[];
  readonly callTimeoutMs?: number;
}

/**
 * The real store. etcd3 serves as transport only: its watchers, leases, elections and retries lose events,
 * leases and replies (docs/decisions/0006). Does not connect before the first call.
 * @throws StoreError `other` for endpoints that can't be understood
 */
export function connectEtcd(options: EtcdOptions): Store {
  return new Etcd3Store(options);
}

class Etcd3Store implements Store {
  /** Unary calls and streams have clients of their own, so that no call's failure ends a watch. */
  private readonly unary: LinkSlot;
  private readonly streams: LinkSlot;
  private readonly callTimeoutMs: number;
  private readonly watches = new Set<Etcd3Watch>();
  private readonly pending = new Set<(error: StoreError) => void>();

  constructor(options: EtcdOptions) {
    const endpoints = parseEndpoints(options.endpoints);
    const firstTurn = Math.floor(Math.random() * endpoints.length);
    this.unary = new LinkSlot(endpoints, firstTurn);
    this.streams = new LinkSlot(endpoints, firstTurn);
    this.callTimeoutMs = options.callTimeoutMs ?? DEFAULT_CALL_TIMEOUT_MS;
  }

  /** Read in pages, all at the revision of the first one; the call timeout is that of each page. */
  async range(range: KeyRange): Promise<RangeResult> {
    const { key, rangeEnd } = rangeBytes(range);
    const kvs: IKeyValue[] = [];
    let from = key;
    let revision = '0';
    for (;;) {
      const page = await this.call((client, options) =>
        client.kv.range(
          { key: from, ...(rangeEnd === undefined ? {} : { range_end: rangeEnd }), limit: RANGE_PAGE_KEYS, revision },
          options,
        ),
      );
      if (revision === '0') revision = page.header.revision;
      for (const kv of page.kvs) kvs.push(kv);
      const last = page.kvs.at(-1);
      if (!page.more || last === undefined) return { revision: Number(revision), kvs: kvs.map(keyValueOf) };
      from = Buffer.concat([last.key, Buffer.from([0])]);
    }
  }

  async txn(txn: Txn): Promise<TxnResult> {
    const compare = [...txn.compares.map(compareOf), ...(txn.guards ?? []).map(guardOf)];
    const response = await this.call((client, options) =>
      client.kv.txn({ compare, success: txn.writes.map(requestOf) }, options),
    );
    return { succeeded: response.succeeded, revision: Number(response.header.revision) };
  }

  watch(range: KeyRange, startRevision: number, handlers: WatchHandlers): Watch {
    try {
      const watch = new Etcd3Watch(this.streams, range, startRevision, handlers, (over) => this.watches.delete(over));
      this.watches.add(watch);
      return watch;
    } catch (error) {
      return failWatch(handlers, storeErrorOf(error));
    }
  }

  async grantLease(ttlMs: number): Promise<Lease> {
    const response = await this.call((client, options) =>
      client.leaseClient.leaseGrant({ TTL: Math.ceil(ttlMs / 1000) }, options),
    );
    return { id: response.ID, ttlMs: Number(response.TTL) * 1000 };
  }

  /** A stream of one request and one reply, so that a dead peer costs one call and not the lease. */
  keepLeaseAlive(id: string): Promise<number> {
    return this.call(async (client, options) => {
      // etcd3 declares less than the stream that it hands out.
      const stream = (await client.leaseClient.leaseKeepAlive(options)) as unknown as KeepAliveStream;
      stream.removeAllListeners('error');
      return new Promise<number>((resolve, reject) => {
        stream.on('data', (response: ILeaseKeepAliveResponse) => {
          resolve(Math.max(0, Number(response.TTL)) * 1000);
          stream.end();
        });
        stream.on('error', (error: Error) => reject(storeErrorOf(error)));
        stream.on('end', () => reject(new StoreError('unavailable', 'the keepalive stream ended without a reply')));
        stream.write({ ID: id });
      });
    });
  }

  async leaseKeys(id: string): Promise<readonly string[]> {
    try {
      const { keys } = await this.call((client, options) =>
        client.leaseClient.leaseTimeToLive({ ID: id, keys: true }, options),
      );
      return keys.map((key) => key.toString()).sort();
    } catch (error) {
      if (storeErrorOf(error).code !== 'lease-gone') throw error;
      return [];
    }
  }

  async revokeLease(id: string): Promise<void> {
    try {
      await this.call((client, options) => client.leaseClient.leaseRevoke({ ID: id }, options));
    } catch (error) {
      if (storeErrorOf(error).code !== 'lease-gone') throw error;
    }
  }

  close(): void {
    for (const watch of [...this.watches]) watch.close();
    this.unary.close();
    this.streams.close();
    for (const reject of [...this.pending]) reject(new StoreError('unavailable', 'the store is closed'));
  }

  /** Our own timer decides, since gRPC's deadline hangs on the wall clock; the deadline tells etcd to give up too. */
  private async call<T>(act: (client: Etcd3, options: CallOptions) => Promise<T>): Promise<T> {
    const link = this.unary.current();
    let timer: NodeJS.Timeout | undefined;
    let fail: ((error: StoreError) => void) | undefined;
    const failure = new Promise<never>((_resolve, reject) => {
      fail = reject;
      this.pending.add(reject);
      timer = setTimeout(
        () => reject(new StoreError('unavailable', `no answer within ${this.callTimeoutMs} ms`)),
        this.callTimeoutMs,
      );
    });
    try {
      const reply = link.call((client) => act(client, { deadline: Date.now() + this.callTimeoutMs }));
      return await Promise.race([reply, failure]);
    } catch (error) {
      const known = storeErrorOf(error);
      if (known.code === 'unavailable') this.unary.replace(link);
      throw known;
    } finally {
      clearTimeout(timer);
      if (fail !== undefined) this.pending.delete(fail);
    }
  }
}

function failWatch(handlers: WatchHandlers, reason: StoreError): Watch {
  let isClosed = false;
  queueMicrotask(() => {
    if (!isClosed) handlers.onEnd(reason);
  });
  return { close: () => (isClosed = true) };
}
