/** Keeps the cluster view up with a mirror of etcd: decodes what changed, and keeps the last good of what can't be read. */
import { decodeAssignment } from '../lib/documents/assignment';
import { decodeDocument, DocumentError, emptyDocument } from '../lib/documents/codec';
import type { Keys } from '../lib/documents/keys';
import type { DocumentName, DocumentTypes, Pause, Problem, Release } from '../lib/documents/types';
import type { KeyValue } from '../lib/etcd/store';
import { PlacementIndex } from './schedule/placement-index';
import { ConfigReader } from './config-reader';
import type { ClusterView, ConfigLayers, HostView, PauseView, ServiceDocument, Versioned } from './view';
import type { ClusterIntent, ClusterStatus, ServiceIntent, ServiceStatus } from '../lib/documents/types';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** "<service>/<number>", the number as the coordinator writes it, and exact as a double. */
const RELEASE_PATH = /^([^/]+)\/([1-9]\d{0,14})$/;
const PAUSE_PATH = /^(host|service|instance)\/([^/]+)$/;
const NO_PAUSE_KEY = 'a pause has the key pauses/<host, service or instance>/<name>; this one pauses nothing';
/** What is earlier was probably written in seconds. 2001-09-09. */
const MIN_UNTIL_MS = 1e12;
const NO_RELEASE_KEY = "a release has the key releases/<service>/<number>; this one is nobody's";

const NO_INTENT = { document: emptyDocument('ClusterIntent'), modRevision: 0 };
const NO_STATUS = { document: emptyDocument('ClusterStatus'), modRevision: 0 };
export const NO_CONFIG: ConfigLayers = { cluster: undefined, services: new Map(), hosts: new Map() };

export class ViewReader {
  private readonly services = new Map<string, ServiceDocument>();
  private readonly releases = new Map<string, Map<number, Release>>();
  private readonly keyless = new Set<string>();
  private readonly unreadableReleases = new Map<string, Set<number>>();
  private readonly hosts = new Map<string, HostView>();
  private readonly serviceStatuses = new Map<string, Versioned<ServiceStatus | undefined>>();
  private readonly pauses = new Map<string, PauseView>();
  private readonly serviceIntents = new Map<string, Versioned<ServiceIntent>>();
  private readonly config = new ConfigReader();
  private clusterIntent: Versioned<ClusterIntent> = NO_INTENT;
  private clusterStatus: Versioned<ClusterStatus> = NO_STATUS;
  private readonly problems = new Map<string, Problem>();
  private readonly index = new PlacementIndex(this.hosts, this.releases);

  constructor(private readonly keys: Keys) {}

  get view(): ClusterView {
    const { services, releases, keyless, unreadableReleases, hosts, serviceStatuses, pauses } = this;
    const problems = [...this.problems.values()];
    const { serviceIntents, clusterIntent, clusterStatus, index } = this;
    return {
      ...{ services, releases, keyless, unreadableReleases, hosts, serviceStatuses, pauses, problems },
      ...{ config: this.config.layers, serviceIntents, clusterIntent, clusterStatus, index },
    };
  }

  /** Takes in one key as it is now; undefined when it is gone. */
  read(key: string, kv: KeyValue | undefined): void {
    const { keys } = this;
    this.problems.delete(key);
    const after = (prefix: string): string | undefined =>
      key.startsWith(prefix) ? key.slice(prefix.length) : undefined;
    const service = after(keys.services);
    if (service !== undefined) return this.readService(service, kv);
    const release = after(keys.releases);
    if (release !== undefined) return this.readRelease(release, kv);
    const assigned = after(keys.assignments);
    if (assigned !== undefined) return this.readAssignment(assigned, kv);
    const reported = after(keys.statuses);
    if (reported !== undefined)
      return this.readHostPart(reported, 'status', kv && this.decode('HostStatus', kv), kv === undefined);
    const status = after(keys.serviceStatuses);
    if (status !== undefined) return this.readServiceStatus(status, kv);
    const paused = after(keys.pauses);
    if (paused !== undefined) return this.readPause(key, paused, kv);
    const intended = after(keys.serviceIntents);
    if (intended !== undefined) return this.readServiceIntent(intended, kv);
    const layer = after(keys.config);
    if (layer !== undefined) return this.tell(key, this.config.read(layer, kv));
    if (key === keys.clusterIntent)
      this.clusterIntent = this.lastGood('ClusterIntent', kv, this.clusterIntent, NO_INTENT);
    if (key === keys.clusterStatus)
      this.clusterStatus = this.lastGood('ClusterStatus', kv, this.clusterStatus, NO_STATUS);
    const hostPart = after(keys.hosts);
    if (hostPart !== undefined) this.readHost(hostPart, kv);
  }

  private readService(name: string, kv: KeyValue | undefined): void {
    if (kv === undefined) this.services.delete(name);
    else this.services.set(name, { text: kv.value, modRevision: kv.modRevision });
    this.sortKeyless(name);
  }

  private sortKeyless(service: string): void {
    if (this.releases.has(service) && !this.services.has(service)) this.keyless.add(service);
    else this.keyless.delete(service);
  }

  private readRelease(path: string, kv: KeyValue | undefined): void {
    const parts = RELEASE_PATH.exec(path);
    if (parts === null) return kv === undefined ? undefined : this.refuse(kv.key, 'bad-name', NO_RELEASE_KEY);
    const [service, number] = [parts[1]!, Number(parts[2])];
    const release = kv && this.decodeRelease(kv, service, number);
    if (release !== undefined) entryOf(this.releases, service, () => new Map()).set(number, release);
    else if (kv === undefined) removeFrom(this.releases, service, number);
    if (kv !== undefined && release === undefined)
      entryOf(this.unreadableReleases, service, () => new Set()).add(number);
    else removeFrom(this.unreadableReleases, service, number);
    this.sortKeyless(service);
    this.index.releaseChanged(service, number);
  }

  /** A release that stands under another's key would be written over the one that it claims to be. */
  private decodeRelease(kv: KeyValue, service: string, number: number): Release | undefined {
    const release = this.decode('Release', kv);
    if (release === undefined || (release.service === service && release.number === number)) return release;
    const claimed = `${release.service}@${release.number}`;
    this.refuse(kv.key, 'bad-value', `it says that it is ${claimed}, under the key of ${service}@${number}`);
    return undefined;
  }

  private readServiceStatus(name: string, kv: KeyValue | undefined): void {
    if (kv === undefined) this.serviceStatuses.delete(name);
    else this.serviceStatuses.set(name, { document: this.decode('ServiceStatus', kv), modRevision: kv.modRevision });
  }

  private readServiceIntent(service: string, kv: KeyValue | undefined): void {
    const none = { document: emptyDocument('ServiceIntent'), modRevision: 0 };
    if (kv === undefined) this.serviceIntents.delete(service);
    else
      this.serviceIntents.set(
        service,
        this.lastGood('ServiceIntent', kv, this.serviceIntents.get(service) ?? none, none),
      );
  }

  /** What can't be read changes nothing but the revision to compare. @param none when the key is gone */
  private lastGood<N extends DocumentName>(
    name: N,
    kv: KeyValue | undefined,
    before: Versioned<DocumentTypes[N]>,
    none: Versioned<DocumentTypes[N]>,
  ): Versioned<DocumentTypes[N]> {
    if (kv === undefined) return none;
    return { document: this.decode(name, kv) ?? before.document, modRevision: kv.modRevision };
  }

  /** Garbage ends no pause: the last good one goes on until its end. */
  private readPause(key: string, path: string, kv: KeyValue | undefined): void {
    if (kv === undefined) return void this.pauses.delete(key);
    const pause = this.decodePause(path, kv);
    const entry = { pause: pause ?? this.pauses.get(key)?.pause, modRevision: kv.modRevision };
    this.pauses.set(key, { ...entry, isGarbage: pause === undefined });
  }

  private decodePause(path: string, kv: KeyValue): Pause | undefined {
    const [, kind = '', name = ''] = PAUSE_PATH.exec(path) ?? [];
    const wrong = (rule: string, message: string): undefined => this.refuse(kv.key, rule, message);
    if (kind === '') return wrong('bad-name', NO_PAUSE_KEY);
    const pause = this.decode('Pause', kv);
    if (pause === undefined) return undefined;
    const claimed = { kind: pause.kind || kind, name: pause.name || name };
    if (claimed.kind !== kind || claimed.name !== name)
      return wrong('bad-value', `it says that it pauses the ${claimed.kind} ${claimed.name}, under the key of ${path}`);
    if (pause.untilMs < MIN_UNTIL_MS)
      return wrong('out-of-range', `untilMs: ${pause.untilMs} is no time to come; milliseconds since 1970 are wanted`);
    return { ...pause, ...claimed };
  }

  private readAssignment(host: string, kv: KeyValue | undefined): void {
    const entry = this.host(host);
    const document = kv && this.attempt(kv.key, () => decodeAssignment(kv.value));
    entry.assignmentRevision = kv?.modRevision ?? 0;
    entry.isAssignmentGarbage = kv !== undefined && document === undefined;
    if (document !== undefined) entry.assignment = document;
    else if (kv === undefined) delete entry.assignment;
    this.settle(entry);
  }

  private readHost(path: string, kv: KeyValue | undefined): void {
    const [name = '', part] = path.split('/');
    if (part === 'record') this.readHostPart(name, 'record', kv && this.decode('HostRecord', kv), kv === undefined);
    else if (part === 'intent')
      this.readHostPart(name, 'intent', kv && this.decode('HostIntent', kv), kv === undefined);
    else if (part === 'lost') this.readLoss(name, kv);
    else if (part === 'alive') {
      const entry = this.host(name);
      entry.isLive = kv !== undefined;
      this.settle(entry);
    }
  }

  private readLoss(name: string, kv: KeyValue | undefined): void {
    const entry = this.host(name);
    const none = { document: { sinceMs: 0 }, modRevision: 0 };
    if (kv === undefined) delete entry.loss;
    else entry.loss = this.lastGood('HostLoss', kv, entry.loss ?? none, none);
    this.settle(entry);
  }

  private readHostPart<P extends 'record' | 'intent' | 'status'>(
    name: string,
    part: P,
    document: HostView[P] | undefined,
    isGone: boolean,
  ): void {
    const entry: Writable<Partial<HostView>> & Writable<HostView> = this.host(name);
    if (document !== undefined) entry[part] = document;
    else if (isGone) delete entry[part];
    this.settle(entry);
  }

  /** A copy to change: views that were handed out stay as they were. */
  private host(name: string): Writable<HostView> {
    return { ...(this.hosts.get(name) ?? { name, isLive: false, assignmentRevision: 0, isAssignmentGarbage: false }) };
  }

  private settle(entry: HostView): void {
    const { isLive, record, intent, status, loss, assignmentRevision } = entry;
    const isEmpty =
      !isLive && [record, intent, status, loss].every((part) => part === undefined) && assignmentRevision === 0;
    if (isEmpty) this.hosts.delete(entry.name);
    else this.hosts.set(entry.name, entry);
    this.index.hostChanged(entry.name);
  }

  private decode<N extends DocumentName>(name: N, { key, value }: KeyValue): DocumentTypes[N] | undefined {
    return this.attempt(key, () => decodeDocument(name, value));
  }

  private attempt<T>(key: string, decode: () => T): T | undefined {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      this.refuse(key, error.rule, error.message, error.path);
      return undefined;
    }
  }

  private refuse(key: string, rule: string, message: string, path = ''): undefined {
    return this.tell(key, { rule, path, line: 0, column: 0, message, key });
  }

  private tell(key: string, problem: Problem | undefined): undefined {
    if (problem !== undefined) this.problems.set(key, problem);
    return undefined;
  }
}

function entryOf<T>(map: Map<string, T>, name: string, make: () => T): T {
  let found = map.get(name);
  if (found === undefined) map.set(name, (found = make()));
  return found;
}

function removeFrom(map: Map<string, Map<number, unknown> | Set<number>>, name: string, number: number): void {
  const found = map.get(name);
  found?.delete(number);
  if (found?.size === 0) map.delete(name);
}
