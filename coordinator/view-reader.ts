/** Keeps the cluster view up with a mirror of etcd: decodes what changed, and keeps the last good of what can't be read. */
import { decodeDocument, DocumentError } from '../lib/documents/codec';
import type { Keys } from '../lib/documents/keys';
import type { DocumentName, DocumentTypes, Problem, Release } from '../lib/documents/types';
import type { KeyValue } from '../lib/etcd/store';
import type { ClusterView, HostView, ServiceDocument, Versioned } from './view';
import type { ServiceStatus } from '../lib/documents/types';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export class ViewReader {
  private readonly services = new Map<string, ServiceDocument>();
  private readonly releases = new Map<string, Map<number, Release>>();
  private readonly hosts = new Map<string, HostView>();
  private readonly serviceStatuses = new Map<string, Versioned<ServiceStatus | undefined>>();
  private readonly problems = new Map<string, Problem>();

  constructor(private readonly keys: Keys) {}

  get view(): ClusterView {
    const { services, releases, hosts, serviceStatuses } = this;
    return { services, releases, hosts, serviceStatuses, problems: [...this.problems.values()] };
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
    const hostPart = after(keys.hosts);
    if (hostPart !== undefined) this.readHost(hostPart, kv);
  }

  private readService(name: string, kv: KeyValue | undefined): void {
    if (kv === undefined) this.services.delete(name);
    else this.services.set(name, { text: kv.value, modRevision: kv.modRevision });
  }

  private readRelease(path: string, kv: KeyValue | undefined): void {
    const [service = '', number = ''] = path.split('/');
    const known = this.releases.get(service) ?? new Map<number, Release>();
    const release = kv && this.decode('Release', kv);
    if (release !== undefined) known.set(Number(number), release);
    else if (kv === undefined) known.delete(Number(number));
    if (known.size > 0) this.releases.set(service, known);
    else this.releases.delete(service);
  }

  private readServiceStatus(name: string, kv: KeyValue | undefined): void {
    if (kv === undefined) this.serviceStatuses.delete(name);
    else this.serviceStatuses.set(name, { document: this.decode('ServiceStatus', kv), modRevision: kv.modRevision });
  }

  private readAssignment(host: string, kv: KeyValue | undefined): void {
    const entry = this.host(host);
    const document = kv && this.decode('Assignment', kv);
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
    else if (part === 'alive') {
      const entry = this.host(name);
      entry.isLive = kv !== undefined;
      this.settle(entry);
    }
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
    const { isLive, record, intent, status, assignmentRevision } = entry;
    const isEmpty =
      !isLive && record === undefined && intent === undefined && status === undefined && assignmentRevision === 0;
    if (isEmpty) this.hosts.delete(entry.name);
    else this.hosts.set(entry.name, entry);
  }

  private decode<N extends DocumentName>(name: N, kv: KeyValue): DocumentTypes[N] | undefined {
    try {
      return decodeDocument(name, kv.value);
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      const { rule, path, message } = error;
      this.problems.set(kv.key, { rule, path, line: 0, column: 0, message, key: kv.key });
      return undefined;
    }
  }
}
