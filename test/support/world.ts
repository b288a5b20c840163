/** A cluster for the coordinator's plan: its hosts do what they are told, at once. */
import { planCluster, type ClusterChanges } from '../../coordinator/schedule/plan-cluster';
import {
  placementsOf,
  type ClusterView,
  type ConfigLayers,
  type HostView,
  type PauseView,
  type Versioned,
} from '../../coordinator/view';
import { NO_CONFIG } from '../../coordinator/view-reader';
import { emptyDocument } from '../../lib/documents/codec';
import type {
  Assignment,
  ClusterIntent,
  ClusterStatus,
  HostStatus,
  InstanceStatus,
  Pause,
  Release,
  ServiceIntent,
  ServiceStatus,
} from '../../lib/documents/types';
import { effectiveConfig } from '../../lib/release/config';
import { specHash } from '../../lib/release/spec-hash';
import { compile, nameOf, type Wanted } from './wanted';

export const GIB = 1024 ** 3;

export class World {
  readonly services = new Map<string, { text: string; modRevision: number }>();
  readonly releases = new Map<string, Map<number, Release>>();
  readonly hosts = new Map<string, HostView>();
  readonly serviceStatuses = new Map<string, Versioned<ServiceStatus | undefined>>();
  readonly pauses = new Map<string, PauseView>();
  config: ConfigLayers = NO_CONFIG;
  /** Those of them that are in force. */
  inForce: readonly Pause[] = [];
  readonly serviceIntents = new Map<string, Versioned<ServiceIntent>>();
  clusterIntent: Versioned<ClusterIntent> = { document: emptyDocument('ClusterIntent'), modRevision: 0 };
  clusterStatus: Versioned<ClusterStatus> = { document: emptyDocument('ClusterStatus'), modRevision: 0 };
  /** The wall clock of every coordinator; only tests move it. */
  wallMs = 1.8e12;
  /** When the last plan is to be made again; Infinity: when something happens. */
  againInMs = Infinity;
  private revision = 1;
  private seed = 1;
  /** Instances that never become ready, by image. */
  readonly broken = new Set<string>();
  /** Images that no registry knows. */
  readonly unknownImages = new Set<string>();

  get view(): ClusterView {
    return { ...this, problems: [] };
  }

  addHost(name: string, labels: Record<string, string> = {}, memoryBytes = GIB): this {
    const record = { ...emptyDocument('HostRecord'), labels, capacity: { nanoCpus: 4e9, memoryBytes, resources: {} } };
    this.hosts.set(name, {
      name,
      isLive: true,
      record,
      status: emptyDocument('HostStatus'),
      assignmentRevision: 0,
      isAssignmentGarbage: false,
    });
    return this;
  }

  put(service: string, wanted: Wanted | 'bad'): this {
    this.services.set(service, {
      text: wanted === 'bad' ? wanted : JSON.stringify(wanted),
      modRevision: ++this.revision,
    });
    return this;
  }

  /** From now on; the others end. */
  pause(...paused: readonly (readonly ['host' | 'service' | 'instance', string])[]): this {
    this.inForce = paused.map(([kind, name]) => ({ kind, name, untilMs: 2e12, reason: 'a look', by: 'me@here' }));
    for (const pause of this.inForce)
      this.pauses.set(`${pause.kind}/${pause.name}`, { pause, modRevision: ++this.revision, isGarbage: false });
    return this;
  }

  /**
   * One plan of everything, written down.
   * @param upTo so many writes are made, and the leader is gone
   * @returns how many documents changed
   */
  plan(upTo = Infinity): number {
    const services = new Set([...this.services.keys(), ...this.releases.keys(), ...this.serviceStatuses.keys()]);
    const random = (): number => (this.seed = (this.seed * 16807) % 2147483647) / 2147483647;
    const { wallMs, view, inForce: pauses } = this;
    const changes = planCluster({ view, services, pauses, compile, random, wallMs });
    this.againInMs = Math.min(...changes.againInMs.values());
    for (const write of this.writesOf(changes).slice(0, upTo)) write();
    return changes.releases.length + changes.assignments.size + changes.dropReleases.length;
  }

  /** In the order of a commit. */
  private writesOf(changes: ClusterChanges): readonly (() => void)[] {
    return [
      () => void (this.clusterStatus = { document: changes.clusterStatus, modRevision: ++this.revision }),
      ...[...changes.losses].map(([name, document]) => (): void => {
        const { loss, ...host } = this.hosts.get(name)!;
        const noted = document && { loss: { document, modRevision: ++this.revision } };
        this.hosts.set(name, { ...host, ...noted });
        // Noted once, deleted once; one in times to come is noted anew.
        expect(loss === undefined || loss.document.sinceMs > this.wallMs).toBe(document !== undefined);
      }),
      ...changes.dropPauses.map((key) => () => void this.pauses.delete(key)),
      ...changes.releases.map((release) => (): void => {
        const known = this.releases.get(release.service) ?? new Map<number, Release>();
        this.releases.set(release.service, known.set(release.number, release));
      }),
      ...[...changes.statuses].map(([service, document]) => (): void => {
        if (document === undefined) this.serviceStatuses.delete(service);
        else this.serviceStatuses.set(service, { document, modRevision: ++this.revision });
      }),
      ...[...changes.assignments].map(
        ([host, assignment]) =>
          () =>
            this.set(host, { assignment, assignmentRevision: ++this.revision }),
      ),
      ...changes.dropReleases.map(({ service, number }) => (): void => {
        this.releases.get(service)?.delete(number);
        if (this.releases.get(service)?.size === 0) this.releases.delete(service);
      }),
    ];
  }

  /** Every live host does what its assignment says, at once. */
  act(): void {
    for (const host of this.hosts.values()) {
      if (!host.isLive || host.assignment === undefined) continue;
      // An agent obeys no assignment that is older than the one it has obeyed.
      if (host.assignment.revision < (host.status?.assignmentRevision ?? 0)) continue;
      const before = host.status?.instances ?? {};
      const kept = host.assignment.held
        .filter((id) => id in before)
        .map((id) => [id, { ...before[id]!, held: true }] as const);
      const run = Object.entries(host.assignment.instances).map(
        ([id, one]) => [id, this.report(one, before[id])] as const,
      );
      const status = {
        ...emptyDocument('HostStatus'),
        assignmentRevision: host.assignment.revision,
        prefetch: Object.fromEntries(host.assignment.prefetch.map((name) => [name, this.pulled(name)])),
        instances: Object.fromEntries([...kept, ...run]),
      };
      this.set(host.name, { status });
    }
  }

  private pulled(name: string): HostStatus['prefetch'][string] {
    const [service = '', number] = name.split('@');
    const image = nameOf(this.releases.get(service)?.get(Number(number)));
    const failed = this.unknownImages.has(image);
    return { done: !failed, failed, message: failed ? `no such image: ${image}` : '' };
  }

  private report(one: Assignment['instances'][string], before: InstanceStatus | undefined): InstanceStatus {
    const release = this.releases.get(one.service)?.get(one.release);
    const nothing = { ports: [], health: 'none', restarts: 0, reason: '', held: false };
    const idle = { progress: '', pausedUntilMs: 0, lastRestartReason: '', failedTries: 0 };
    const isUp = !this.broken.has(nameOf(release));
    const spec =
      release === undefined
        ? (before?.spec ?? '')
        : specHash(release.container, effectiveConfig(release.config, one.config));
    return { ...nothing, ...idle, ...one, containerId: 'c', phase: isUp ? 'RUNNING' : 'BACKOFF', spec };
  }

  /** @param instances what the host reports from then on; by default what it reported before */
  loseAssignment(name: string, instances = this.hosts.get(name)?.status?.instances ?? {}): void {
    const { isLive, isAssignmentGarbage, record, status } = this.hosts.get(name)!;
    const known = { name, isLive, isAssignmentGarbage, record: record!, assignmentRevision: 0 };
    this.hosts.set(name, { ...known, status: { ...status!, instances } });
  }

  set(name: string, change: Partial<HostView>): void {
    this.hosts.set(name, { ...this.hosts.get(name)!, ...change });
  }

  /** Plans and acts until nothing changes. @returns the fewest ready instances of the service on the way */
  settle(service?: string): number {
    let fewest = Infinity;
    for (let round = 0; round < 100; round++) {
      const changes = this.plan();
      this.act();
      if (service !== undefined) fewest = Math.min(fewest, this.running(service));
      if (changes === 0 && this.plan() === 0) return fewest;
    }
    throw new Error('it does not settle');
  }

  running(service: string): number {
    return [...this.hosts.values()]
      .flatMap(({ status }) => Object.values(status?.instances ?? {}))
      .filter((one) => one.service === service && one.phase === 'RUNNING').length;
  }

  ids(service: string): readonly string[] {
    return [...this.hosts.values()]
      .flatMap(placementsOf)
      .filter((one) => one.service === service)
      .map(({ id, host }) => `${host}/${id}`)
      .sort();
  }

  counts(service: string): readonly number[] {
    return [...this.hosts.values()].map((host) => placementsOf(host).filter((one) => one.service === service).length);
  }

  /** As a backup of etcd: all but what hosts themselves go on to say. @returns puts it back */
  backUp(): () => void {
    const maps = [this.services, this.releases, this.serviceStatuses] as Map<string, unknown>[];
    const saved = maps.map((map) => structuredClone([...map]));
    const assignments = new Map([...this.hosts].map(([name, { assignment }]) => [name, assignment]));
    return () => {
      maps.forEach((map, index) => {
        map.clear();
        for (const [name, value] of saved[index]!) map.set(name, value);
      });
      for (const { name, status } of [...this.hosts.values()]) {
        const held = Object.entries(status!.instances).map(([id, one]) => [id, { ...one, held: true }]);
        const instances = Object.fromEntries(held) as Record<string, InstanceStatus>;
        const assignment = assignments.get(name);
        this.set(name, { status: { ...status!, instances }, ...(assignment && { assignment }) });
      }
    };
  }

  /** etcd lost everything; hosts hold what they run. */
  wipe(): void {
    for (const map of [this.services, this.releases, this.serviceStatuses]) map.clear();
    for (const { name, status } of [...this.hosts.values()]) {
      const held = Object.entries(status!.instances).map(([id, one]) => [id, { ...one, held: true }]);
      const instances = Object.fromEntries(held) as Record<string, InstanceStatus>;
      const { isLive, record, isAssignmentGarbage } = this.hosts.get(name)!;
      const host = { name, isLive, isAssignmentGarbage, assignmentRevision: 0, status: { ...status!, instances } };
      this.hosts.set(name, { ...host, ...(record && { record }) });
    }
  }
}
