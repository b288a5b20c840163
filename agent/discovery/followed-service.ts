/**
 * One service as this host knows it.
 *
 * INVARIANTS
 * - What etcd has of it is answered, but for what refuses connections while etcd is not heard.
 * - That etcd is away, or holds garbage, takes nothing away.
 * - `known` is another object whenever it says anything else.
 */
import { DocumentError } from '../../lib/documents/codec';
import type { KeyValue } from '../../lib/etcd/store';
import type { Logger } from '../../lib/log';
import type { KnownEndpoint, KnownService } from './discovery';
import { DoubtedEndpoints } from './doubted-endpoints';
import { isReadFrom, type EndpointReader, type ReadEndpoint } from './endpoint-reading';
import { StaleEndpoints, type StaleTools } from './stale-endpoints';

export interface ServiceTools extends Omit<StaleTools, 'onChange'> {
  readonly log: Logger;
  readonly reader: EndpointReader;
  /** Somebody is told of its changes. */
  readonly isSubscribed: (service: string) => boolean;
  /** Told when the answer may be another one. */
  readonly onChange: (service: FollowedService) => void;
}

/** Who waits for a connection asks again within that time. */
const ASKED_LATELY_MS = 60_000;

/** Most have none. */
const NONE: ReadonlyMap<string, string> = new Map();

/** As the copy on disk has it. */
export interface RestoredService {
  readonly name: string;
  readonly endpoints: readonly KnownEndpoint[];
  /** Of the store; Infinity: nobody knows. */
  readonly revision: number;
}

/** By instance. */
export type Picture = ReadonlyMap<string, KeyValue>;
/** By instance; undefined: it is gone. */
export type Changes = ReadonlyMap<string, KeyValue | undefined>;

export class FollowedService {
  /** Monotonic. */
  lastAskedMs: number;
  /** Etcd has said what there is of it. */
  isRead = false;
  /** Its endpoints are watched. */
  isSourced = false;
  /** Its document is in etcd, as far as it was looked for. */
  hasDocument: boolean | undefined;
  /** Keys of it that can't be read, by instance: why. */
  unreadable: ReadonlyMap<string, string> = NONE;
  private readonly endpoints = new Map<string, ReadEndpoint>();
  /** Of the store, of what it said last; Infinity: it has said nothing yet. */
  private revision = Infinity;
  /** Of what the copy on disk says; Infinity: nobody knows. */
  private restoredRevision = Infinity;
  private stale: StaleEndpoints | undefined;
  private doubted: DoubtedEndpoints | undefined;
  private built: KnownService | undefined;

  constructor(
    readonly name: string,
    private readonly tools: ServiceTools,
  ) {
    this.lastAskedMs = tools.clock.monotonicMs();
  }

  /** As of now; made anew only when something has changed. */
  get known(): KnownService {
    return (this.built ??= this.build());
  }

  /** Revision of the store of which `known` is; Infinity: nobody knows. */
  get knownAt(): number {
    return this.isRead ? this.revision : this.restoredRevision;
  }

  /** What `known` says is being found out. */
  get isSettling(): boolean {
    return this.stale?.isSettling === true;
  }

  /** Etcd says so, at this revision; what is not in the picture is not there. */
  list(picture: Picture, revision: number): void {
    const isFirst = !this.isRead;
    // A store that is behind itself was put back: nothing in it is older than what vanished by that.
    const thereAt = this.knownAt <= revision || this.knownAt === Infinity ? this.knownAt : 0;
    this.isRead = true;
    this.revision = revision;
    const listed = [...picture.keys(), ...this.endpoints.keys(), ...this.unreadable.keys()];
    const changed = new Set(listed.filter((instance) => !this.isKnown(instance, picture.get(instance))));
    if (isFirst || changed.size > 0) this.takeAll(picture, changed, thereAt);
  }

  /** Etcd says so of these instances, all at once. */
  apply(changes: Changes, revision: number): void {
    // The list was of a later moment, or is still to come: a part is not the whole.
    if (revision <= this.revision) return;
    this.revision = revision;
    this.takeAll(changes, changes.keys(), revision - 1);
  }

  /** From the copy on disk: what was known when etcd was heard last. @param revision of the store by then */
  restore(endpoints: readonly KnownEndpoint[], revision: number): void {
    this.restoredRevision = revision;
    for (const endpoint of endpoints) this.endpoints.set(endpoint.instance, { ...endpoint, modRevision: 0, hash: 0 });
    this.changed();
  }

  setDocument(isThere: boolean): void {
    const before = this.hasDocument;
    this.hasDocument = isThere;
    if (before !== isThere) this.changed();
  }

  /** Etcd has not been heard for longer than leases last; or it is heard again. */
  doubt(isDoubted: boolean): void {
    if (isDoubted === (this.doubted !== undefined)) return;
    this.doubted?.close();
    const { clock, accepts, isSubscribed } = this.tools;
    this.doubted = isDoubted
      ? new DoubtedEndpoints({
          ...{ clock, accepts, endpoints: () => this.endpoints.values(), onChange: () => this.changed() },
          isAsked: () => isSubscribed(this.name) || clock.monotonicMs() - this.lastAskedMs < ASKED_LATELY_MS,
        })
      : undefined;
    this.changed();
  }

  close(): void {
    this.stale?.close();
    this.doubted?.close();
  }

  private get brake(): StaleEndpoints {
    const onChange = (): void => {
      this.stale?.present(this.endpoints);
      this.changed();
    };
    return (this.stale ??= new StaleEndpoints({ ...this.tools, onChange }));
  }

  private isKnown(instance: string, found: KeyValue | undefined): boolean {
    const known = this.endpoints.get(instance);
    return known !== undefined && found !== undefined && isReadFrom(known, found);
  }

  /** @param thereAt revision of the store at which what vanishes was there last */
  private takeAll(picture: Changes, changed: Iterable<string>, thereAt: number): void {
    const vanished: KnownEndpoint[] = [];
    for (const instance of changed) {
      const found = picture.get(instance);
      if (found !== undefined) this.take(instance, found);
      else if (this.endpoints.has(instance)) vanished.push(this.endpoints.get(instance)!);
      if (found === undefined) this.forget(instance);
    }
    this.stale?.present(this.endpoints);
    if (vanished.length > 0) this.brake.vanished(vanished, this.endpoints.size, thereAt);
    this.changed();
  }

  private take(instance: string, found: KeyValue): void {
    const { log, reader } = this.tools;
    try {
      const endpoint = reader.read(instance, found);
      this.endpoints.set(endpoint.instance, endpoint);
      this.note(instance, undefined);
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      if (this.unreadable.get(instance) !== error.message)
        log.error('an endpoint can not be read; what was known of it before stays', {
          key: found.key,
          reason: error.message,
        });
      this.note(instance, error.message);
    }
  }

  private forget(instance: string): void {
    this.endpoints.delete(instance);
    this.note(instance, undefined);
  }

  private note(instance: string, unreadable: string | undefined): void {
    if (this.unreadable.get(instance) === unreadable) return;
    const all = new Map(this.unreadable);
    if (unreadable === undefined) all.delete(instance);
    else all.set(instance, unreadable);
    this.unreadable = all.size === 0 ? NONE : all;
  }

  private changed(): void {
    this.built = undefined;
    this.tools.onChange(this);
  }

  private build(): KnownService {
    const refusing = this.doubted?.refusing;
    const isStale = this.doubted !== undefined;
    const vouched = [...this.endpoints.values()].filter(({ instance }) => refusing?.has(instance) !== true);
    const all = isStale ? vouched.map((one) => ({ ...one, isStale })) : vouched;
    const endpoints = [...all, ...(this.stale?.current ?? []).filter(({ instance }) => !this.endpoints.has(instance))];
    endpoints.sort((a, b) => (a.instance < b.instance ? -1 : Number(a.instance > b.instance)));
    const exists = endpoints.length > 0 || this.hasDocument === true;
    return { name: this.name, endpoints, exists, isHeard: this.isRead };
  }
}
