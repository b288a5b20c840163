import * as grpc from '@grpc/grpc-js';
import { Etcd3 } from 'etcd3';
import type { IOptions } from 'etcd3';
import { resolveTarget } from './etcd3-endpoints';
import type { parseEndpoints } from './etcd3-endpoints';
import { storeErrorOf } from './etcd3-errors';
import { StoreError } from './store';

/** With these a live stream on a dead peer ends in about 8.5 s; etcd refuses pings more often than every 5 s. */
const KEEPALIVE_TIME_MS = 5500;
const KEEPALIVE_TIMEOUT_MS = 3000;
const MAX_RECONNECT_BACKOFF_MS = 2000;
/** Below a lease session's patience at 5 s of TTL. A call without an answer for so long casts doubt on its connection: the next call takes another. */
const SUSPECT_AFTER_MS = 800;

/** A member that has lost its quorum then says so at once, and cancels its streams, rather than hanging or going stale. */
const requireLeader: grpc.Interceptor = (options, nextCall) =>
  new grpc.InterceptingCall(nextCall(options), {
    start(metadata, listener, next) {
      metadata.set('hasleader', 'true');
      next(metadata, listener);
    },
  });

/**
 * No retries, no circuit breaker. The error becomes ours here, inside etcd3: it resets every channel of
 * the client on errors that it knows as recoverable, and one call's deadline would end the others.
 */
const noPolicy = {
  execute: async (act: (context: { signal: AbortSignal }) => unknown): Promise<unknown> => {
    try {
      return await act({ signal: new AbortController().signal });
    } catch (error) {
      throw storeErrorOf(error);
    }
  },
} as unknown as NonNullable<NonNullable<IOptions['faultHandling']>['global']>;

function openClient(target: string): Etcd3 {
  return new Etcd3({
    hosts: target,
    faultHandling: { host: () => noPolicy, global: noPolicy },
    grpcOptions: {
      'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      // Without it a new client shares the dead connection of the one that it replaces.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_reconnect_backoff_ms': MAX_RECONNECT_BACKOFF_MS,
      // A proxy for the web is none for etcd.
      'grpc.enable_http_proxy': 0,
      // etcd3 hands its options on to the clients, which take interceptors beside channel options.
      ...({ interceptors: [requireLeader] } as unknown as grpc.ChannelOptions),
    },
  });
}

/** One client and its connections: used until in doubt, then retired, and closed when its last user is done. */
export class Link {
  private readonly opening: Promise<Etcd3>;
  private readonly startsMs = new Set<{ readonly atMs: number }>();
  private users = 0;
  private isRetired = false;

  constructor(target: Promise<string>) {
    this.opening = target.then(openClient);
    this.opening.catch(() => undefined); // each user is told
  }

  /** Runs a call. The link stays open until it has settled. */
  async call<T>(act: (client: Etcd3) => Promise<T>): Promise<T> {
    const start = { atMs: performance.now() };
    this.startsMs.add(start);
    const release = this.hold();
    try {
      return await act(await this.opening);
    } finally {
      this.startsMs.delete(start);
      release();
    }
  }

  /** @returns the client, which stays open until `release` is called */
  open(): { readonly client: Promise<Etcd3>; readonly release: () => void } {
    return { client: this.opening, release: this.hold() };
  }

  get isSuspect(): boolean {
    const now = performance.now();
    for (const { atMs } of this.startsMs) if (now - atMs > SUSPECT_AFTER_MS) return true;
    return false;
  }

  retire(): void {
    if (this.isRetired) return;
    this.isRetired = true;
    this.closeIfUnused();
  }

  private hold(): () => void {
    this.users++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.users--;
      this.closeIfUnused();
    };
  }

  private closeIfUnused(): void {
    if (this.isRetired && this.users === 0) {
      this.opening.then(
        (client) => client.close(),
        () => undefined,
      );
    }
  }
}

/** The link in use for one kind of call, and the way to the next one: another member first. */
export class LinkSlot {
  private link: Link | undefined;
  private isClosed = false;

  /** @param turn which member comes first; a different one for each process spreads the clients over the members */
  constructor(
    private readonly endpoints: ReturnType<typeof parseEndpoints>,
    private turn: number,
  ) {}

  /** @throws StoreError `unavailable` when closed */
  current(): Link {
    if (this.isClosed) throw new StoreError('unavailable', 'the store is closed');
    if (this.link?.isSuspect === true) this.replace(this.link);
    this.link ??= new Link(resolveTarget(this.endpoints, this.turn));
    return this.link;
  }

  /** Takes a link out of use; does nothing when that has happened already. */
  replace(link: Link): void {
    if (this.link !== link) return;
    link.retire();
    this.link = undefined;
    this.turn++;
  }

  close(): void {
    this.isClosed = true;
    if (this.link !== undefined) this.replace(this.link);
  }
}
