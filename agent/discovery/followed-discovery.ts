/**
 * Follows the services that something on this host asks for, and forgets them when nobody does any more.
 *
 * INVARIANTS
 * - What is known is answered from memory, whatever becomes of etcd.
 * - Watches, first questions to etcd and names that nobody has are bounded, whoever asks for whatever.
 */
import { StoreError } from '../../lib/etcd/store';
import { isDnsLabel } from '../../lib/names';
import {
  ASK_MS,
  MAX_FIRST_QUESTIONS,
  UnknownYet,
  type Discovery,
  type KnownEndpoint,
  type KnownService,
} from './discovery';
import { EndpointReader } from './endpoint-reading';
import { NarrowSource, pictureOf, WideSource, type SourceOptions } from './endpoint-sources';
import { FollowedHosts } from './followed-hosts';
import { FollowedService, type RestoredService, type ServiceTools } from './followed-service';

/** Nobody has asked for so long: it is forgotten. A client that asks once in a connection asks more often. */
const FORGET_MS = 10 * 60_000;
/** The same of a name that there is no service of. */
const FORGET_ABSENT_MS = 30_000;
const FORGET_EVERY_MS = 10_000;
/** A watch costs the agent 50 kB and etcd as much; one of all services costs their changes. */
const MAX_NARROW = 100;
/** Names that there is no service of: with more of them, those are forgotten that were asked for longest ago. */
const MAX_ABSENT = 1000;
/** Of a name without endpoints it is looked up so often, at most, whether there is a service of it. */
const LOOK_AGAIN_MS = 1000;
/** Somebody waits, and etcd has failed to answer. */
const RETRY_MS = 200;
/** Etcd is not waited for longer to say whether a host lives, while somebody waits for the brake. */
const ALIVE_MS = 300;
/** Who asks while the brake finds out what still accepts connections waits so long at most, and is told to ask again then. */
const SETTLE_MS = 1500;

export interface FollowedDiscoveryOptions extends SourceOptions {
  readonly host: { readonly name: string; readonly address: string };
  /** Whether an endpoint accepts TCP connections. Settles soon, and never rejects. */
  readonly accepts: (endpoint: KnownEndpoint) => Promise<boolean>;
  /** Told whenever anything of a service may have changed, also that it is followed or forgotten. */
  readonly onChange?: () => void;
}

interface Waiting {
  readonly answer: Promise<KnownService>;
  readonly wake: () => void;
}

export class FollowedDiscovery implements Discovery {
  private readonly services = new Map<string, FollowedService>();
  private readonly narrow = new Map<string, NarrowSource>();
  private wide: WideSource | undefined;
  private readonly hosts: FollowedHosts;
  private readonly subscribers = new Map<string, Set<() => void>>();
  /** By service: the first answer, or that of the brake, which is on its way to all who have asked meanwhile. */
  private readonly waiting = new Map<string, Waiting>();
  private readonly reader = new EndpointReader();
  private readonly lookedMs = new Map<string, number>();
  private readonly tools: ServiceTools;
  /** Services with which it is time to look for those that can be forgotten. */
  private crowdedAt = MAX_ABSENT;
  private cancelForget: () => void;

  constructor(private readonly options: FollowedDiscoveryOptions) {
    const { clock, log, accepts } = options;
    this.hosts = new FollowedHosts(options);
    this.tools = {
      ...{ clock, log, accepts, reader: this.reader, aliveSince: (host) => this.aliveSince(host) },
      isSubscribed: (service) => this.subscribers.has(service),
      onChange: (service) => this.changed(service),
    };
    this.cancelForget = clock.after(FORGET_EVERY_MS, () => this.forgetUnasked());
  }

  service(name: string, mayWait = true): KnownService | Promise<KnownService> {
    if (!isDnsLabel(name)) return { name, endpoints: [], exists: false, isHeard: true };
    const before = this.services.get(name);
    const isKnown = before !== undefined && isSure(before);
    const isFull = before === undefined && this.waiting.size >= MAX_FIRST_QUESTIONS;
    if (!isKnown && (isFull || !mayWait)) throw new UnknownYet(`a service "${name}"`);
    const service = this.follow(name);
    if (!isKnown) return this.waitFor(service);
    if (service.known.endpoints.length === 0) this.lookUp(service);
    return service.known;
  }

  hostAddress(name: string, mayWait = true): string | undefined | Promise<string | undefined> {
    if (name === this.options.host.name) return this.options.host.address;
    return isDnsLabel(name) ? this.hosts.address(name, mayWait) : undefined;
  }

  hostAt(address: string): string | undefined {
    return address === this.options.host.address ? this.options.host.name : this.reader.hostAt(address);
  }

  subscribe(service: string, onChange: () => void): () => void {
    // The same function may be given twice.
    const wake = (): void => onChange();
    const all = this.subscribers.get(service) ?? new Set();
    this.subscribers.set(service, all.add(wake));
    if (isDnsLabel(service)) this.source(this.follow(service));
    return () => {
      all.delete(wake);
      if (all.size === 0 && this.subscribers.get(service) === all) this.subscribers.delete(service);
    };
  }

  /** Those that are followed now. */
  get followed(): Iterable<FollowedService> {
    return this.services.values();
  }

  /** What was known when etcd was heard last: it is answered until etcd says otherwise. */
  restore(services: Iterable<RestoredService>): void {
    for (const { name, endpoints, revision } of services) {
      const service = this.follow(name);
      if (service.isRead) continue;
      service.restore(endpoints, revision);
      this.source(service);
    }
  }

  close(): void {
    this.cancelForget();
    this.wide?.close();
    for (const source of this.narrow.values()) source.close();
    for (const service of this.services.values()) service.close();
  }

  private follow(name: string): FollowedService {
    const known = this.services.get(name);
    if (known !== undefined) {
      known.lastAskedMs = this.options.clock.monotonicMs();
      return known;
    }
    if (this.services.size >= this.crowdedAt) this.forgetUnasked();
    const service = new FollowedService(name, this.tools);
    this.services.set(name, service);
    this.options.onChange?.();
    return service;
  }

  /** It is watched from now on. */
  private source(service: FollowedService): void {
    if (service.isSourced) return;
    service.isSourced = true;
    if (this.wide !== undefined) return this.wide.join(service);
    if (this.narrow.size < MAX_NARROW)
      return void this.narrow.set(service.name, new NarrowSource(this.options, service));
    this.wide = new WideSource(
      this.options,
      (name) => this.services.get(name),
      () => this.services.values(),
    );
    // The wide one lists everything anew; until then what is known stays as it is.
    for (const source of this.narrow.values()) source.close();
    this.narrow.clear();
    // Who doubted is gone; the wide one begins to count anew.
    for (const one of this.services.values()) one.doubt(false);
  }

  /** However often one name is asked for meanwhile, it is one wait: memory for each would be the asker's to fill. */
  private waitFor(service: FollowedService): Promise<KnownService> {
    const { name } = service;
    this.lookUp(service);
    const begun = this.waiting.get(name);
    if (begun !== undefined) return begun.answer;
    let wake = (): void => undefined;
    const woken = new Promise<void>((resolve) => (wake = resolve));
    const cancel = this.options.clock.after(service.isSettling ? SETTLE_MS : ASK_MS, wake);
    const answer = woken.then(() => {
      cancel();
      this.waiting.delete(name);
      if (!isSure(service)) throw new UnknownYet(`a service "${name}"`);
      return service.known;
    });
    this.waiting.set(name, { answer, wake });
    return answer;
  }

  private changed(service: FollowedService): void {
    if (this.services.get(service.name) !== service) return;
    if (isSure(service)) this.waiting.get(service.name)?.wake();
    else if (service.isRead && !service.isSettling) this.lookUp(service);
    const told = this.subscribers.get(service.name);
    // Never from within the call that changed it.
    if (told !== undefined) queueMicrotask(() => told.forEach((wake) => wake()));
    this.options.onChange?.();
  }

  /** Whether there is a service of a name without endpoints. Only one that there is, is watched: names are asked for at random. */
  private lookUp(service: FollowedService): void {
    const { store, keys, clock } = this.options;
    const nowMs = clock.monotonicMs();
    if (nowMs - (this.lookedMs.get(service.name) ?? -Infinity) < LOOK_AGAIN_MS) return;
    this.lookedMs.set(service.name, nowMs);
    const document = store.range({ key: keys.service(service.name) });
    const endpoints = service.isSourced ? undefined : store.range({ prefix: keys.endpointsOf(service.name) });
    Promise.all([document, endpoints]).then(
      ([found, listed]) => {
        if (this.services.get(service.name) !== service) return;
        const exists = found.kvs.length > 0;
        if (listed !== undefined && !service.isSourced) {
          service.list(pictureOf(keys.endpointsOf(service.name), listed.kvs), listed.revision);
          if (exists || listed.kvs.length > 0) this.source(service);
        }
        service.setDocument(exists);
      },
      (error: unknown) => {
        if (!(error instanceof StoreError)) throw error;
        if (this.services.get(service.name) !== service) return;
        // Whoever asks before the next try waits for that one.
        this.lookedMs.set(service.name, clock.monotonicMs() - LOOK_AGAIN_MS + RETRY_MS / 2);
        if (this.waiting.has(service.name)) clock.after(RETRY_MS, () => this.lookUp(service));
      },
    );
  }

  /** @returns undefined when it is not there, and when etcd does not say it soon */
  private aliveSince(hostName: string): Promise<number | undefined> {
    const { store, keys, clock } = this.options;
    return new Promise((resolve) => {
      const cancel = clock.after(ALIVE_MS, () => resolve(undefined));
      store.range({ key: keys.hostAlive(hostName) }).then(
        ({ kvs }) => {
          cancel();
          resolve(kvs[0]?.lease === undefined ? undefined : kvs[0].createRevision);
        },
        () => resolve(undefined),
      );
    });
  }

  private forgetUnasked(): void {
    const { clock } = this.options;
    const nowMs = clock.monotonicMs();
    this.cancelForget();
    const absent = [...this.services.values()].filter(({ known }) => !known.exists);
    const excess = absent.sort((a, b) => a.lastAskedMs - b.lastAskedMs).slice(0, -MAX_ABSENT);
    const idle = [...this.services.values()].filter(
      (one) => nowMs - one.lastAskedMs > (one.known.exists ? FORGET_MS : FORGET_ABSENT_MS),
    );
    const isNeeded = ({ name }: FollowedService): boolean => this.subscribers.has(name) || this.waiting.has(name);
    for (const one of new Set([...excess, ...idle])) if (!isNeeded(one)) this.forget(one);
    this.crowdedAt = this.services.size + MAX_ABSENT;
    this.cancelForget = clock.after(FORGET_EVERY_MS, () => this.forgetUnasked());
  }

  private forget(service: FollowedService): void {
    const { name } = service;
    service.close();
    this.services.delete(name);
    this.lookedMs.delete(name);
    this.narrow.get(name)?.close();
    this.narrow.delete(name);
    this.options.onChange?.();
    if (this.services.size > 0) return;
    this.wide?.close();
    this.wide = undefined;
  }
}

/** Its answer is not about to be found out. */
function isSure(service: FollowedService): boolean {
  if (service.known.endpoints.length > 0) return true;
  return !service.isSettling && service.isRead && service.hasDocument !== undefined;
}
