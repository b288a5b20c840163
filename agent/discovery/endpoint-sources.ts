/**
 * Where the endpoints of followed services come from: a watch for each, or one watch of all services together when that costs
 * less.
 */
import { backoffMs } from '../../lib/backoff';
import type { Clock } from '../../lib/clock';
import type { Keys } from '../../lib/documents/keys';
import { follow, type Follower } from '../../lib/etcd/follower';
import { StoreError, type KeyValue, type RangeResult, type Store, type WatchEvent } from '../../lib/etcd/store';
import type { Logger } from '../../lib/log';
import type { Changes, FollowedService, Picture } from './followed-service';

export interface SourceOptions {
  readonly store: Store;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** As long as etcd may keep endpoints of a host that is gone. */
  readonly leaseTtlMs: number;
}

/** Tells when etcd has not been heard for longer than leases last, and when it is heard again. */
class Silence {
  isSilent = false;
  private cancel: (() => void) | undefined;

  constructor(
    private readonly options: SourceOptions,
    private readonly onChange: (isSilent: boolean) => void,
  ) {
    this.note(false);
  }

  note(isConnected: boolean): void {
    const { clock, leaseTtlMs } = this.options;
    if (isConnected) this.close();
    else this.cancel ??= clock.after(leaseTtlMs, () => this.set(true));
    if (isConnected) this.set(false);
  }

  close(): void {
    this.cancel?.();
    this.cancel = undefined;
  }

  private set(isSilent: boolean): void {
    if (this.isSilent === isSilent) return;
    this.isSilent = isSilent;
    this.onChange(isSilent);
  }
}

/** Of one service. */
export class NarrowSource {
  private readonly follower: Follower;
  private readonly silence: Silence;

  constructor(options: SourceOptions, service: FollowedService) {
    const prefix = options.keys.endpointsOf(service.name);
    this.silence = new Silence(options, (isSilent) => service.doubt(isSilent));
    this.follower = follow({
      ...options,
      range: { prefix },
      onList: ({ revision, kvs }) => service.list(pictureOf(prefix, kvs), revision),
      onEvents: (events, revision) => service.apply(changesOf(prefix, events), revision),
      onConnected: (isConnected) => this.silence.note(isConnected),
    });
  }

  close(): void {
    this.follower.close();
    this.silence.close();
  }
}

/** @returns by instance, of keys under the prefix */
export function pictureOf(prefix: string, kvs: readonly KeyValue[]): Picture {
  return new Map(kvs.map((kv) => [kv.key.slice(prefix.length), kv]));
}

function changesOf(prefix: string, events: readonly WatchEvent[]): Changes {
  return new Map(
    events.map((event) => [keyOf(event).slice(prefix.length), event.type === 'put' ? event.kv : undefined]),
  );
}

const keyOf = (event: WatchEvent): string => (event.type === 'put' ? event.kv.key : event.key);

const RETRY = { baseMs: 200, capMs: 5000 };

/** Of all services: what nobody follows is passed over. */
export class WideSource {
  private readonly follower: Follower;
  private readonly silence: Silence;
  private hasListed = false;
  private isClosed = false;

  /** @param serviceOf of those that are followed */
  constructor(
    private readonly options: SourceOptions,
    private readonly serviceOf: (name: string) => FollowedService | undefined,
    private readonly followed: () => Iterable<FollowedService>,
  ) {
    this.silence = new Silence(options, (isSilent) => {
      for (const service of followed()) service.doubt(isSilent);
    });
    this.follower = follow({
      ...options,
      range: { prefix: options.keys.endpoints },
      onList: (list) => this.takeList(list),
      onEvents: (events, revision) => this.takeEvents(events, revision),
      onConnected: (isConnected) => this.silence.note(isConnected),
    });
  }

  /** A service that is followed from now on. */
  join(service: FollowedService): void {
    if (this.hasListed) void this.read(service, 1);
    service.doubt(this.silence.isSilent);
  }

  close(): void {
    this.isClosed = true;
    this.follower.close();
    this.silence.close();
  }

  private takeList({ revision, kvs }: RangeResult): void {
    this.hasListed = true;
    const found = this.byService(kvs, ({ key }) => key);
    for (const service of this.followed())
      service.list(pictureOf(this.prefixOf(service), found.get(service) ?? []), revision);
  }

  private takeEvents(events: readonly WatchEvent[], revision: number): void {
    for (const [service, ours] of this.byService(events, keyOf))
      service.apply(changesOf(this.prefixOf(service), ours), revision);
  }

  /** What is of services that are followed. */
  private byService<Of>(all: readonly Of[], keyOf: (one: Of) => string): ReadonlyMap<FollowedService, readonly Of[]> {
    const { endpoints } = this.options.keys;
    const found = new Map<FollowedService, Of[]>();
    for (const one of all) {
      const key = keyOf(one);
      const service = this.serviceOf(key.slice(endpoints.length, key.indexOf('/', endpoints.length)));
      if (service === undefined) continue;
      const ours = found.get(service);
      if (ours === undefined) found.set(service, [one]);
      else ours.push(one);
    }
    return found;
  }

  private prefixOf(service: FollowedService): string {
    return this.options.keys.endpointsOf(service.name);
  }

  /** Of one that nobody followed when the list came. */
  private async read(service: FollowedService, attempt: number): Promise<void> {
    const prefix = this.prefixOf(service);
    try {
      const { revision, kvs } = await this.options.store.range({ prefix });
      if (!this.isFollowed(service)) return;
      if (revision >= this.follower.revision) return service.list(pictureOf(prefix, kvs), revision);
      // What was told since then, nobody took. A store that was put back stays behind until all is listed anew.
      if (attempt === 1) return this.read(service, 2);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
    const { clock, random } = this.options;
    clock.after(backoffMs(attempt, RETRY, random), () => {
      if (this.isFollowed(service)) void this.read(service, attempt + 1);
    });
  }

  private isFollowed(service: FollowedService): boolean {
    return !this.isClosed && this.serviceOf(service.name) === service;
  }
}
