/**
 * Where the endpoints of followed services come from: a watch for each, or one watch of all services together when that costs
 * less.
 */
import type { Clock } from '../../lib/clock';
import type { Keys } from '../../lib/documents/keys';
import { startMirror, type Mirror } from '../../lib/etcd/mirror';
import type { KeyValue, Store } from '../../lib/etcd/store';
import type { Logger } from '../../lib/log';
import type { FollowedService, Picture } from './followed-service';

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

/** Of all services; those that nobody follows are kept unread. */
export class WideSource {
  private readonly mirror: Mirror;
  /** By service. */
  private readonly pictures = new Map<string, Map<string, KeyValue>>();
  private readonly silence: Silence;
  private hasListed = false;

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
    });
  }

  /** A service that is followed from now on. */
  join(service: FollowedService): void {
    if (this.hasListed) service.list(this.pictures.get(service.name) ?? NOTHING);
    service.doubt(this.silence.isSilent);
  }

  close(): void {
    this.mirror.close();
    this.silence.close();
  }

  private take(changed: ReadonlySet<string>): void {
    if (this.mirror.isComplete) {
      const changes = this.update(changed);
      if (this.hasListed) {
        for (const [name, instances] of changes)
          this.serviceOf(name)?.apply(this.pictures.get(name) ?? NOTHING, instances);
      } else {
        this.hasListed = true;
        for (const service of this.followed()) this.join(service);
      }
    }
    this.silence.note(this.mirror.connected);
  }

  /** @returns changed instances by service */
  private update(changed: ReadonlySet<string>): ReadonlyMap<string, readonly string[]> {
    const { keys } = this.options;
    const entries = this.mirror.entries();
    const changes = new Map<string, string[]>();
    for (const key of changed) {
      const [name = '', instance = ''] = key.slice(keys.endpoints.length).split('/', 2);
      const found = entries.get(key);
      const picture = this.pictures.get(name) ?? new Map<string, KeyValue>();
      if (found === undefined) picture.delete(instance);
      else picture.set(instance, found);
      if (picture.size === 0) this.pictures.delete(name);
      else this.pictures.set(name, picture);
      const instances = changes.get(name);
      if (instances === undefined) changes.set(name, [instance]);
      else instances.push(instance);
    }
    return changes;
  }
}
