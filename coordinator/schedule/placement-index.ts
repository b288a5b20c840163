/**
 * Pure: where instances are and what they take, kept up as documents change, so that a plan costs work in proportion to
 * what it plans and not to the fleet.
 *
 * INVARIANT: after any changes it says what one that is built from the same documents says.
 */
import type { Release } from '../../lib/documents/types';
import { isMadeFrom } from '../../lib/release/spec-hash';
import { isBehind, placementsOf, type HostView, type Placement } from '../view';
import { staticPort } from './filters/static-port';
import type { InstanceReport } from './types';
import { NO_USAGE, Tally, type HostUsage } from './usage';

/** More are asked for by nobody; then the next question looks everywhere again. */
const MAX_SOUGHT = 1000;

interface HostEntry {
  readonly placements: readonly Placement[];
  readonly usage: HostUsage;
  /** Services of instances that it reports and that are not placed there. */
  readonly strays: ReadonlySet<string>;
  /** Services that ask something of it beside instances. */
  readonly askers: ReadonlySet<string>;
}

const NOTHING: HostEntry = { placements: [], usage: NO_USAGE, strays: new Set(), askers: new Set() };
const NOWHERE: ReadonlySet<string> = new Set();

export class PlacementIndex {
  private readonly entries = new Map<string, HostEntry>();
  private readonly byService = new Map<string, Map<string, readonly Placement[]>>();
  private readonly strays = new Map<string, Set<string>>();
  private readonly askers = new Map<string, Set<string>>();
  private readonly odd = new Set<string>();
  private readonly pausing = new Set<string>();
  private readonly trouble = new Set<string>();
  /** Where instances are that somebody asked for, by id. */
  private readonly sought = new Map<string, Set<string>>();
  /** Hosts to be read again before the next answer. */
  private readonly stale: Set<string>;

  /** @param hosts and @param releases are read when they are needed: whoever changes them tells by the methods below */
  constructor(
    private readonly hosts: ReadonlyMap<string, HostView>,
    private readonly releases: ReadonlyMap<string, ReadonlyMap<number, Release>>,
  ) {
    this.stale = new Set(hosts.keys());
  }

  /** It came, changed or went. */
  hostChanged(name: string): void {
    this.stale.add(name);
  }

  /** A release came, or went, or became readable: what it sets aside on hosts is known now, or not any more. */
  releaseChanged(service: string, number: number): void {
    for (const [host, placements] of this.byService.get(service) ?? [])
      if (placements.some(({ release, isReported }) => release === number || isReported)) this.stale.add(host);
  }

  /** @returns all placements of the service, sorted by host */
  ofService(service: string): readonly Placement[] {
    return sortedByHost(this.upToDate().byService.get(service) ?? []).flatMap(([, placements]) => placements);
  }

  onHost(host: string): readonly Placement[] {
    return this.entry(host).placements;
  }

  usageOf(host: string): HostUsage {
    return this.entry(host).usage;
  }

  /** @returns what hosts say of the service's instances, placed or not, sorted by host */
  reportsOf(service: string): readonly InstanceReport[] {
    const { byService, strays } = this.upToDate();
    const found: InstanceReport[] = [];
    const hosts = new Set([...(byService.get(service)?.keys() ?? []), ...(strays.get(service) ?? [])]);
    for (const name of [...hosts].sort()) {
      const host = this.hosts.get(name)!;
      for (const [id, status] of Object.entries(host.status?.instances ?? {}))
        if (status.service === service) found.push({ host, id, status });
    }
    return found;
  }

  /** @returns hosts on which the service has instances, placed or reported */
  hostsOf(service: string): ReadonlySet<string> {
    const { byService, strays } = this.upToDate();
    return new Set([...(byService.get(service)?.keys() ?? []), ...(strays.get(service) ?? [])]);
  }

  /** @returns hosts whose assignments hold something else that the service asked for */
  askedBy(service: string): ReadonlySet<string> {
    return this.upToDate().askers.get(service) ?? NOWHERE;
  }

  /** Hosts whose assignments are to be written anew, or for the first time, whatever becomes of services. */
  get oddHosts(): ReadonlySet<string> {
    return this.upToDate().odd;
  }

  /** Hosts whose assignments name pauses. */
  get pausingHosts(): ReadonlySet<string> {
    return this.upToDate().pausing;
  }

  /** Hosts that do not live, or whose loss is noted. Sorted by name. */
  get troubledHosts(): readonly HostView[] {
    const names = [...this.upToDate().trouble].sort();
    return names.flatMap((name) => this.hosts.get(name) ?? []);
  }

  /** @returns hosts on which an instance of this id is placed or reported */
  hostsOfInstance(id: string): ReadonlySet<string> {
    this.upToDate();
    const known = this.sought.get(id);
    if (known !== undefined) return known;
    if (this.sought.size >= MAX_SOUGHT) this.sought.clear();
    const found = new Set([...this.hosts.keys()].filter((host) => this.has(host, id)));
    this.sought.set(id, found);
    return found;
  }

  private has(host: string, id: string): boolean {
    const { assignment, status } = this.hosts.get(host) ?? {};
    const isNamed =
      assignment !== undefined && (Object.hasOwn(assignment.instances, id) || assignment.held.includes(id));
    return isNamed || Object.hasOwn(status?.instances ?? {}, id);
  }

  private entry(host: string): HostEntry {
    return this.upToDate().entries.get(host) ?? NOTHING;
  }

  private upToDate(): this {
    for (const name of this.stale) {
      const host = this.hosts.get(name);
      this.replace(name, host === undefined ? NOTHING : this.read(host));
      setIf(this.odd, name, host !== undefined && this.isOdd(host));
      setIf(this.trouble, name, host !== undefined && (!host.isLive || host.loss !== undefined));
      setIf(this.pausing, name, (host?.assignment?.pauses.length ?? 0) > 0);
      for (const [id, hosts] of this.sought) setIf(hosts, name, this.has(name, id));
    }
    this.stale.clear();
    return this;
  }

  private isOdd(host: HostView): boolean {
    if (host.isAssignmentGarbage || isBehind(host)) return true;
    return host.assignment === undefined && this.entries.has(host.name);
  }

  private replace(name: string, next: HostEntry): void {
    const before = this.entries.get(name) ?? NOTHING;
    for (const service of servicesOf(before)) removeFrom(this.byService, service, name);
    for (const [service, placements] of grouped(next.placements)) {
      const hosts = this.byService.get(service);
      if (hosts === undefined) this.byService.set(service, new Map([[name, placements]]));
      else hosts.set(name, placements);
    }
    move(this.strays, name, before.strays, next.strays);
    move(this.askers, name, before.askers, next.askers);
    if (next === NOTHING || (next.placements.length === 0 && next.strays.size === 0 && next.askers.size === 0))
      this.entries.delete(name);
    else this.entries.set(name, next);
  }

  private read(host: HostView): HostEntry {
    const usage = new Tally();
    const placements = placementsOf(host).map((found) => {
      const placement = this.withTrueRelease(found, host, usage);
      const release = this.releases.get(placement.service)?.get(placement.release);
      usage.take(placement, release, host.status?.instances[placement.id]);
      return placement;
    });
    const placed = new Map(placements.map(({ id, service }) => [id, service]));
    const strays = new Set<string>();
    for (const [id, { service }] of Object.entries(host.status?.instances ?? {}))
      if (placed.get(id) !== service) strays.add(service);
    const { prefetch = [], resolve = {} } = host.assignment ?? {};
    const askers = new Set([...prefetch.map((release) => release.split('@')[0]!), ...Object.keys(resolve)]);
    return { placements, usage, strays, askers };
  }

  /**
   * Numbers begin anew after etcd was emptied: an instance that nothing but its host's report names may be of another
   * release than the one that has its number now. Its container tells; where none was made yet, the number is believed,
   * so that its ports stay its own (G9), unless another one has them.
   */
  private withTrueRelease(placement: Placement, host: HostView, usage: HostUsage): Placement {
    if (!placement.isReported) return placement;
    const release = this.releases.get(placement.service)?.get(placement.release);
    if (release === undefined) return placement;
    const report = host.status?.instances[placement.id];
    const isSame = report?.containerId === '' || isMadeFrom(report?.spec ?? '', release.container, release.config);
    return isSame && staticPort.check({ host, usage }, release) ? placement : { ...placement, release: 0 };
  }
}

function servicesOf({ placements }: HostEntry): ReadonlySet<string> {
  return new Set(placements.map(({ service }) => service));
}

function grouped(placements: readonly Placement[]): ReadonlyMap<string, readonly Placement[]> {
  const groups = new Map<string, Placement[]>();
  for (const placement of placements) {
    const group = groups.get(placement.service);
    if (group === undefined) groups.set(placement.service, [placement]);
    else group.push(placement);
  }
  return groups;
}

function sortedByHost<T>(byHost: Iterable<readonly [string, T]>): (readonly [string, T])[] {
  return [...byHost].sort(([a], [b]) => (a < b ? -1 : 1));
}

function setIf(set: Set<string>, name: string, isIn: boolean): void {
  if (isIn) set.add(name);
  else set.delete(name);
}

/** From under the names that it was under to those that it is under now. */
function move(
  sets: Map<string, Set<string>>,
  host: string,
  before: ReadonlySet<string>,
  now: ReadonlySet<string>,
): void {
  for (const name of before) if (!now.has(name)) removeFrom(sets, name, host);
  for (const name of now) {
    const hosts = sets.get(name);
    if (hosts === undefined) sets.set(name, new Set([host]));
    else hosts.add(host);
  }
}

function removeFrom(maps: Map<string, Set<string> | Map<string, unknown>>, name: string, host: string): void {
  const found = maps.get(name);
  found?.delete(host);
  if (found?.size === 0) maps.delete(name);
}
