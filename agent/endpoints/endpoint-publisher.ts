/**
 * Keeps the host's endpoints in etcd, on the host's lease.
 *
 * INVARIANTS
 * - What stands in etcd was wanted by the last snapshot that was looked at (wanted-endpoints.ts); at rest nothing is written.
 * - A wish that etcd has not taken is the session's to fulfil: whoever withdraws waits for it, and no longer than WITHDRAW_MS.
 */
import type { Clock } from '../../lib/clock';
import { encodeDocument } from '../../lib/documents/codec';
import type { Keys } from '../../lib/documents/keys';
import type { Wish } from '../../lib/etcd/lease-keys';
import type { LeaseSession } from '../../lib/etcd/lease-session';
import type { Store } from '../../lib/etcd/store';
import type { Logger } from '../../lib/log';
import { EarlierLease } from './earlier-lease';
import { skyDnsKey, skyDnsRecord, type SkyDns } from './skydns';
import {
  wantedEndpoints,
  type EndpointHost,
  type EndpointsInput,
  type WantedEndpoint,
  type WantedEndpoints,
} from './wanted-endpoints';

/** Before a container is stopped, etcd gets so long to confirm that its endpoint is gone. */
export const WITHDRAW_MS = 1000;
/** Whether somebody edited or deleted an endpoint by hand is looked at so often. Jittered, so that hosts do not ask together. */
export const CHECK_MS = 30_000;

/** Many agents see etcd come back at once. */
const SOON_MS = 2000;

/** The host's name, and the lease that it hangs on. */
export interface HostClaim {
  /** The name is ours, and the lease lives. */
  readonly isOurs: boolean;
  /** Undefined before the name is claimed. */
  readonly session: LeaseSession | undefined;
  /** Keys of this host may hang on it. */
  readonly earlierLease: string | undefined;
}

export interface EndpointMetrics {
  /** @param published there should be now @param writes that were begun since the last time: keys put or deleted */
  onEndpoints(published: number, writes: number): void;
}

export interface ForeignSource {
  /** As far as they are known. */
  wanted(): WantedEndpoints;
  /** False as long as one that an agent before this one published may not be known yet. */
  readonly isKnown: boolean;
}

export interface EndpointPublisherOptions {
  readonly keys: Keys;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly host: EndpointHost;
  readonly skyDns?: SkyDns | undefined;
  readonly claim: HostClaim;
  /** Etcd answers. */
  readonly isConnected: () => boolean;
  /** Undefined before Docker was heard: then nothing is known of what runs. */
  readonly serving: () => EndpointsInput | undefined;
  /** Of containers that Berth does not manage. */
  readonly foreign?: ForeignSource | undefined;
  readonly metrics?: EndpointMetrics | undefined;
}

const NONE: WantedEndpoints = { endpoints: [], starting: new Set() };

/** What was asked for of one instance. */
interface Entry {
  readonly containerId: string;
  /** By key. */
  readonly values: ReadonlyMap<string, string>;
  /** It is to be gone, and etcd has not confirmed it yet. */
  readonly isLeaving: boolean;
}

export class EndpointPublisher {
  private readonly entries = new Map<string, Entry>();
  private readonly earlier: EarlierLease;
  /** As of the last update. */
  private starting: ReadonlySet<string> = new Set();
  private writes = 0;
  private isStopped = false;
  private cancelCheck: () => void = () => undefined;

  constructor(private readonly options: EndpointPublisherOptions) {
    const { keys, host } = options;
    this.earlier = new EarlierLease({
      ...options,
      aliveKey: keys.hostAlive(host.name),
      isWanted: (key) => this.isWanted(key),
      isSpared: (key) => this.starting.has(instanceOf(key)),
    });
  }

  start(): void {
    this.checkLater();
  }

  /** Etcd is back; it may be another one, or as it was some time ago. */
  checkSoon(): void {
    if (!this.isStopped) this.checkLater(SOON_MS * this.options.random());
  }

  /** Endpoints stay as they are. */
  stop(): void {
    this.isStopped = true;
    this.cancelCheck();
    this.earlier.stop();
  }

  /** Something may have changed. Cheap when nothing has. */
  update(): void {
    const { claim, host, metrics, foreign } = this.options;
    const serving = this.options.serving();
    if (this.isStopped || claim.session === undefined || serving === undefined) return;
    const managed = wantedEndpoints(serving, host);
    const others = foreign?.wanted() ?? NONE;
    const wanted = {
      endpoints: [...managed.endpoints, ...others.endpoints],
      starting: new Set([...managed.starting, ...others.starting]),
    };
    void this.send(claim.session, [...this.changed(wanted), ...this.gone(wanted)]);
    metrics?.onEndpoints(wanted.endpoints.length, this.writes);
    this.writes = 0;
    this.starting = wanted.starting;
    // Before, what is foreign would be taken for what is gone.
    if (foreign?.isKnown ?? true) this.earlier.follow(claim.earlierLease);
  }

  /**
   * The container is about to be stopped. Settles when its endpoint is gone, or etcd does not say so in time; never rejects.
   * Should it not be stopped after all, the next update brings the endpoint back.
   */
  async withdraw(instance: string, containerId: string): Promise<void> {
    const { claim, clock, isConnected } = this.options;
    const { session } = claim;
    if (this.isStopped || session === undefined) return;
    const entry = this.entries.get(instance);
    // An earlier agent may have published what this one has not come to yet.
    const taken =
      entry?.containerId === containerId
        ? this.send(session, this.leave(instance, entry))
        : this.earlier.withdraw(claim.earlierLease, this.keysOf(instance, containerId));
    if (!claim.isOurs || !isConnected()) return;
    let cancel = (): void => undefined;
    const timeout = new Promise<void>((end) => (cancel = clock.after(WITHDRAW_MS, end)));
    await Promise.race([taken, timeout]);
    cancel();
  }

  private changed({ endpoints }: WantedEndpoints): readonly Wish[] {
    return endpoints.flatMap((one) => {
      const before = this.entries.get(one.instance);
      const values = this.valuesOf(one);
      this.entries.set(one.instance, { containerId: one.containerId, values, isLeaving: false });
      const known = before?.isLeaving === false ? before.values : new Map<string, string>();
      const dropped = [...(before?.values.keys() ?? [])].filter((key) => !values.has(key));
      return [
        ...dropped.map((key) => ({ key, value: undefined })),
        ...[...values].filter(([key, value]) => known.get(key) !== value).map(([key, value]) => ({ key, value })),
      ];
    });
  }

  private gone({ endpoints }: WantedEndpoints): readonly Wish[] {
    const wanted = new Set(endpoints.map(({ instance }) => instance));
    return [...this.entries]
      .filter(([instance, { isLeaving }]) => !isLeaving && !wanted.has(instance))
      .flatMap(([instance, entry]) => this.leave(instance, entry));
  }

  private leave(instance: string, entry: Entry): readonly Wish[] {
    this.entries.set(instance, { ...entry, isLeaving: true });
    return [...entry.values.keys()].map((key) => ({ key, value: undefined }));
  }

  private isWanted(key: string): boolean {
    const entry = this.entries.get(instanceOf(key));
    return entry !== undefined && !entry.isLeaving && entry.values.has(key);
  }

  /** Of the container that an instance is; none when it is another one. */
  private keysOf(instance: string, containerId: string): readonly string[] {
    const { keys, skyDns, serving } = this.options;
    const [container] = serving()?.actual.containers.get(instance) ?? [];
    if (container?.id !== containerId) return [];
    const key = keys.endpoint(container.service, instance);
    return skyDns === undefined ? [key] : [key, skyDnsKey(container, skyDns)];
  }

  private async send(session: LeaseSession, wishes: readonly Wish[]): Promise<void> {
    if (wishes.length === 0) return;
    this.writes += wishes.length;
    const leaving = [...this.entries].filter(([, { isLeaving }]) => isLeaving);
    // What is not taken now, the session goes on trying; until it is known to be gone, it is asked for again.
    if (!(await session.want(wishes))) return;
    const deleted = new Set(wishes.filter(({ value }) => value === undefined).map(({ key }) => key));
    for (const [instance, entry] of leaving) {
      const isGone = [...entry.values.keys()].every((key) => deleted.has(key));
      if (isGone && this.entries.get(instance) === entry) this.entries.delete(instance);
    }
  }

  private valuesOf(one: WantedEndpoint): ReadonlyMap<string, string> {
    const { keys, skyDns } = this.options;
    const { service, instance, endpoint } = one;
    const values = new Map([[keys.endpoint(service, instance), encodeDocument('Endpoint', endpoint)]]);
    if (skyDns !== undefined) values.set(skyDnsKey(one, skyDns), skyDnsRecord(endpoint, skyDns));
    return values;
  }

  private checkLater(afterMs = CHECK_MS * (0.75 + this.options.random() / 2)): void {
    this.cancelCheck();
    this.cancelCheck = this.options.clock.after(afterMs, () => {
      this.checkLater();
      void this.check();
    });
  }

  private async check(): Promise<void> {
    const { claim, log } = this.options;
    const { session } = claim;
    if (session === undefined || !claim.isOurs) return;
    const leaving = [...this.entries].filter(([, { isLeaving }]) => isLeaving);
    void this.send(
      session,
      leaving.flatMap(([instance, entry]) => this.leave(instance, entry)),
    );
    // A backup of etcd may have brought back what is long gone, on a lease that lives on.
    await this.earlier.clear(session.leaseId);
    if ((await session.check()) !== 'changed' || this.isStopped) return;
    log.warn('endpoints of this host were edited or deleted in etcd, by somebody else; written anew');
    await session.refresh();
  }
}

/** Keys of endpoints and their records end with it. */
function instanceOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}
