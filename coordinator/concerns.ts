/**
 * Which services a change in etcd may change the plan of. Services that it can't concern are left alone, so that an event
 * costs work in proportion to what changed.
 */
import type { Keys } from '../lib/documents/keys';
import type { Pause, ServiceStatus } from '../lib/documents/types';
import {
  isOdd,
  isUsableNow,
  makesRoom,
  presence,
  samePauses,
  servicesOn,
  servicesThatMoved,
  servicesThatStirred,
} from './host-changes';
import type { ClusterView, HostView } from './view';

/** Stands for what concerns hosts, pauses and the cluster and no service: a plan of nothing but it looks at them all the same. */
export const NO_SERVICE = '';

/** What the view says of whom a key is about, at one time. */
export interface Glance {
  readonly host?: HostView | undefined;
  readonly status?: ServiceStatus | undefined;
}

/** One key that changed. */
export interface Change {
  readonly key: string;
  /** What is there now; undefined when it is gone. */
  readonly value: string | undefined;
  readonly before: Glance;
  readonly after: Glance;
}

export function glanceAt(key: string, keys: Keys, view: ClusterView): Glance {
  const host = hostOf(key, keys);
  if (host !== undefined) return { host: view.hosts.get(host) };
  const service = after(keys.serviceStatuses, key);
  return service === undefined ? {} : { status: view.serviceStatuses.get(service)?.document };
}

/** Gathers what is concerned until somebody takes it. Of one leader: a new one begins with everything. */
export class Concerns {
  private readonly services = new Set<string>();
  private isAll = true;
  /** Hosts have room that they had not, or take what they did not take. */
  private hasRoom = false;
  /** Hosts were lost or are back: whether the others are replaced may depend on it. */
  private isLoss = false;
  /** They want room that there was not. */
  private readonly cramped = new Set<string>();
  /** Their rollouts wait for other services, or for a place; or they were refused since others wait for them. */
  private readonly waiting = new Set<string>();
  /** Their keys are gone. */
  private readonly leaving = new Set<string>();
  /** Every host concerns them. */
  private readonly global = new Set<string>();

  constructor(
    private readonly keys: Keys,
    private readonly view: () => ClusterView,
  ) {
    const { serviceStatuses, releases } = view();
    for (const [service, { document }] of serviceStatuses) this.sort(service, document);
    for (const service of releases.keys()) this.sortGlobal(service);
  }

  note(change: Change): void {
    const { keys } = this;
    const { key } = change;
    const service = after(keys.services, key);
    if (service !== undefined) {
      this.services.add(service);
      this.all(this.leaving);
    }
    const status = after(keys.serviceStatuses, key);
    if (status !== undefined) this.noteStatus(status, change);
    const release = after(keys.releases, key)?.split('/')[0];
    if (release !== undefined) {
      this.services.add(release);
      this.sortGlobal(release);
      // The brake on deletions counts those that have releases and no key.
      if (!this.view().services.has(release)) this.all(this.leaving);
      // What its instances are known to take may be another thing now.
      this.hasRoom ||= this.isUsed(release, Number(key.split('/').at(-1)));
    }
    const intent = after(keys.serviceIntents, key);
    if (intent !== undefined) this.services.add(intent);
    const layer = after(keys.config, key)?.split('/');
    if (layer?.[0] === 'services' && layer[1] !== undefined) this.services.add(layer[1]);
    if (layer?.[0] === 'hosts' && layer[1] !== undefined) this.all(servicesOn(this.view().hosts.get(layer[1])));
    if (key === keys.clusterIntent || key === keys.clusterConfig) this.isAll = true;
    if (key === keys.clusterStatus && change.value === undefined) this.services.add(NO_SERVICE);
    if (hostOf(key, keys) !== undefined) this.noteHost(change);
    const pause = after(keys.pauses, key)?.split('/');
    if (pause !== undefined) this.notePause({ kind: pause[0]!, name: pause[1] ?? '' });
  }

  /** A pause that begins, changes or ends concerns a service, the one of an instance, or whoever may go to a host. */
  notePause({ kind, name }: Pick<Pause, 'kind' | 'name'>): void {
    this.services.add(NO_SERVICE);
    const { hosts, index } = this.view();
    if (kind === 'service') this.services.add(name);
    if (kind === 'host') this.hostChanged(hosts.get(name));
    if (kind !== 'instance') return;
    for (const host of index?.hostsOfInstance(name) ?? []) {
      const { assignment, status } = hosts.get(host)!;
      for (const instance of [assignment?.instances[name], status?.instances[name]])
        if (instance !== undefined) this.services.add(instance.service);
    }
  }

  /** @returns all that is concerned since the last time, NO_SERVICE among it when it is not only services */
  take(): ReadonlySet<string> {
    const { hosts, services, releases, serviceStatuses } = this.view();
    const taken = new Set(this.services);
    if (this.isAll) {
      taken.add(NO_SERVICE);
      for (const known of [services, releases, serviceStatuses]) for (const service of known.keys()) taken.add(service);
    }
    if (this.hasRoom) for (const service of this.cramped) taken.add(service);
    if (this.isLoss)
      for (const host of hosts.values()) if (!host.isLive) for (const service of servicesOn(host)) taken.add(service);
    this.services.clear();
    this.isAll = this.hasRoom = this.isLoss = false;
    return taken;
  }

  private noteStatus(service: string, { before, after: now }: Change): void {
    this.services.add(service);
    this.sort(service, now.status);
    if (standing(before.status) !== standing(now.status)) for (const one of this.waiting) this.services.add(one);
  }

  private noteHost({ key, before: { host: before }, after: { host: now } }: Change): void {
    const { keys } = this;
    if (key.startsWith(keys.assignments)) {
      this.all(servicesThatMoved(before, now));
      this.hasRoom ||= makesRoom(before, now);
    } else if (key.startsWith(keys.statuses)) {
      this.all(servicesThatStirred(before, now));
      this.hasRoom ||= before?.status?.volumes.join() !== now?.status?.volumes.join();
      if (isUsableNow(before) !== isUsableNow(now)) this.hostChanged(before, now);
    } else {
      this.hostChanged(before, now);
      this.isLoss ||= presence(before) !== presence(now) || before?.loss !== now?.loss;
    }
    if (isOdd(before) || isOdd(now) || !samePauses(before, now)) this.services.add(NO_SERVICE);
  }

  /** What it is or may take is another thing now. */
  private hostChanged(...hosts: readonly (HostView | undefined)[]): void {
    this.services.add(NO_SERVICE);
    this.hasRoom = true;
    this.all(this.global);
    for (const host of hosts) this.all(servicesOn(host));
  }

  private all(services: Iterable<string>): void {
    for (const service of services) this.services.add(service);
  }

  private sort(service: string, status: ServiceStatus | undefined): void {
    setIf(this.cramped, service, isCramped(status));
    setIf(this.waiting, service, status?.move?.phase === 'waiting' || isInRing(status));
    setIf(this.leaving, service, status?.rollout === 'stopping' || status?.rollout === 'held');
  }

  private isUsed(service: string, number: number): boolean {
    const placements = this.view().index?.ofService(service) ?? [];
    return placements.some(({ release, isReported }) => release === number || isReported);
  }

  private sortGlobal(service: string): void {
    const releases = [...(this.view().releases.get(service)?.values() ?? [])];
    setIf(
      this.global,
      service,
      releases.some(({ deploy }) => deploy.mode === 'global'),
    );
  }
}

/** What others leave, it may take. */
function isCramped(status: ServiceStatus | undefined): boolean {
  if (status === undefined) return false;
  const { placed, wanted, unplaced, stuck } = status;
  return placed < wanted || unplaced.length > 0 || Object.keys(stuck).length > 0;
}

function isInRing(status: ServiceStatus | undefined): boolean {
  return status?.problems.some(({ rule }) => rule === 'cycle') === true;
}

/** What services that wait for this one go by, or for the place among the rollouts that it has. */
function standing(status: ServiceStatus | undefined): string {
  if (status === undefined) return '';
  const { serviceRevision, currentRelease, targetRelease, rollout, frozen, move, wanted, running } = status;
  const at = [serviceRevision, currentRelease, targetRelease, rollout, frozen !== '', move?.phase];
  return [...at, running >= wanted].join();
}

function hostOf(key: string, keys: Keys): string | undefined {
  return after(keys.assignments, key) ?? after(keys.statuses, key) ?? after(keys.hosts, key)?.split('/')[0];
}

function after(prefix: string, key: string): string | undefined {
  return key.startsWith(prefix) ? key.slice(prefix.length) : undefined;
}

function setIf(set: Set<string>, name: string, isIn: boolean): void {
  if (isIn) set.add(name);
  else set.delete(name);
}
