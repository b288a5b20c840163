/**
 * Where the endpoints of followed services come from: a watch for each, or one watch of all services together when that costs
 * less.
 */
import { backoffMs } from '../../lib/backoff';
import type { Clock } from '../../lib/clock';
import type { Keys } from '../../lib/documents/keys';
import { startMirror, type Mirror } from '../../lib/etcd/mirror';
import { StoreError, type KeyValue, type Store } from '../../lib/etcd/store';
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
  private readonly mirror: Mirror;
  private readonly silence: Silence;
  private hasListed = false;

  constructor(
    options: SourceOptions,
    private readonly service: FollowedService,
  ) {
    const prefix = options.keys.endpointsOf(service.name);
    this.silence = new Silence(options, (isSilent) => service.doubt(isSilent));
    this.mirror = startMirror({ ...options, range: { prefix }, onChange: (changed) => this.take(prefix, changed) });
  }

  close(): void {
    this.mirror.close();
    this.silence.close();
  }

  private take(prefix: string, changed: ReadonlySet<string>): void {
    const { mirror, service } = this;
    if (mirror.isComplete) {
      const instances = [...changed].map((key) => key.slice(prefix.length));
      const picture = pictureOf(prefix, mirror.entries().values());
      if (!this.hasListed) service.list(picture);
      else if (instances.length > 0) service.apply(picture, instances);
      this.hasListed = true;
    }
    this.silence.note(mirror.connected);
  }
}

/** @returns by instance, of keys under the prefix */
export function pictureOf(prefix: string, kvs: Iterable<KeyValue>): Picture {
  return new Map([...kvs].map((kv) => [kv.key.slice(prefix.length), kv]));
}

const NOTHING: Picture = new Map();
const RETRY = { baseMs: 200, capMs: 5000 };

/** Of all services: what is kept of an endpoint is what tells it from another one. */
export class WideSource {
  private readonly mirror: Mirror;
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
    this.mirror = startMirror({
      ...options,
      range: { prefix: options.keys.endpoints },
      onChange: (changed) => this.take(changed),
      slim: marked,
    });
  }

  /** A service that is followed from now on. */
  join(service: FollowedService): void {
    if (this.hasListed) void this.read(service, 1);
    service.doubt(this.silence.isSilent);
  }

  close(): void {
    this.isClosed = true;
    this.mirror.close();
    this.silence.close();
  }

  private take(changed: ReadonlySet<string>): void {
    if (this.mirror.isComplete) {
      const changes = this.changesOf(changed);
      for (const [name, picture] of changes) {
        const service = this.serviceOf(name);
        if (!this.hasListed) service?.list(picture as Picture);
        else if (service?.isRead === true) service.apply(picture, picture.keys());
      }
      if (!this.hasListed) for (const service of this.followed()) if (!changes.has(service.name)) service.list(NOTHING);
      this.hasListed = true;
    }
    this.silence.note(this.mirror.connected);
  }

  /** @returns by service, of those that are followed, what changed; undefined is what is gone */
  private changesOf(changed: ReadonlySet<string>): ReadonlyMap<string, Changes> {
    const { keys } = this.options;
    const entries = this.mirror.entries();
    const changes = new Map<string, Map<string, KeyValue | undefined>>();
    for (const key of changed) {
      const at = key.indexOf('/', keys.endpoints.length);
      const name = key.slice(keys.endpoints.length, at);
      if (this.serviceOf(name) === undefined) continue;
      const instances = changes.get(name) ?? new Map<string, KeyValue | undefined>();
      changes.set(name, instances.set(key.slice(at + 1), entries.get(key)));
    }
    return changes;
  }

  /** Of one that nobody followed when the mirror told of it. */
  private async read(service: FollowedService, attempt: number): Promise<void> {
    const { store, keys, clock, random } = this.options;
    const prefix = keys.endpointsOf(service.name);
    try {
      const { revision, kvs } = await store.range({ prefix });
      if (this.isClosed || this.serviceOf(service.name) !== service) return;
      // What the mirror has told since then, it has told nobody.
      if (revision < this.mirror.revision) return this.read(service, attempt);
      service.list(pictureOf(prefix, kvs));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      clock.after(backoffMs(attempt, RETRY, random), () => {
        if (!this.isClosed && this.serviceOf(service.name) === service) void this.read(service, attempt + 1);
      });
    }
  }
}

/**
 * FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv. It matters only in a store that was restored, where another value
 * can have the revisions of the one before.
 */
function marked({ key, value, createRevision, modRevision }: KeyValue): KeyValue {
  let hash = 0x811c9dc5;
  for (let at = 0; at < value.length; at++) hash = Math.imul(hash ^ value.charCodeAt(at), 0x01000193);
  return { key, value: `${value.length} ${hash >>> 0}`, createRevision, modRevision };
}
