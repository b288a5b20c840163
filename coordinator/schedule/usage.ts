/** Pure: what is taken on hosts. */
import type { InstanceStatus, Release } from '../../lib/documents/types';
import type { Placement } from '../view';

/** What is taken on one host by the instances that are placed there. */
export interface HostUsage {
  readonly nanoCpus: number;
  readonly memoryBytes: number;
  readonly instances: number;
  /** Named resources. */
  readonly resources: ReadonlyMap<string, number>;
  /** Instances of each service. */
  readonly ofService: ReadonlyMap<string, number>;
  /** Services that are not to come there, since somebody there is to keep away from them: how many say so. */
  readonly shunned: ReadonlyMap<string, number>;
  /** Ids of who has a fixed host port, "port/protocol": two when a restored etcd brings back what was being replaced. */
  readonly ports: ReadonlyMap<string, readonly string[]>;
}

export const NO_USAGE: HostUsage = {
  ...{ nanoCpus: 0, memoryBytes: 0, instances: 0 },
  ...{ resources: new Map(), ofService: new Map(), shunned: new Map(), ports: new Map() },
};

/** Usage of one host that is being counted. */
export class Tally implements HostUsage {
  nanoCpus: number;
  memoryBytes: number;
  instances: number;
  readonly resources: Map<string, number>;
  readonly ofService: Map<string, number>;
  readonly shunned: Map<string, number>;
  readonly ports: Map<string, readonly string[]>;

  constructor(from: HostUsage = NO_USAGE) {
    this.nanoCpus = from.nanoCpus;
    this.memoryBytes = from.memoryBytes;
    this.instances = from.instances;
    this.resources = new Map(from.resources);
    this.ofService = new Map(from.ofService);
    this.shunned = new Map(from.shunned);
    this.ports = new Map(from.ports);
  }

  /**
   * @param release undefined when its document is gone: then the instance itself counts, and the host ports that its
   * host reports
   */
  take(placement: Placement, release: Release | undefined, report?: InstanceStatus): void {
    this.count(placement, release, 1);
    const ports = release === undefined ? reportedPorts(report) : placement.isBefore ? NO_PORTS : fixedPorts(release);
    for (const port of ports) this.ports.set(port, [...(this.ports.get(port) ?? []), placement.id]);
  }

  /** @param of the release that it was taken with */
  giveBack(placement: Placement, of: Release | undefined): void {
    this.count(placement, of, -1);
    for (const port of of === undefined ? [...this.ports.keys()] : fixedPorts(of)) {
      const ids = this.ports.get(port) ?? [];
      const others = ids.filter((id) => id !== placement.id);
      if (others.length === 0) this.ports.delete(port);
      else if (others.length < ids.length) this.ports.set(port, others);
    }
  }

  private count({ service }: Placement, of: Release | undefined, sign: 1 | -1): void {
    this.instances += sign;
    add(this.ofService, service, sign);
    if (of === undefined) return;
    const { nanoCpus, memoryBytes, resources } = of.deploy.reservations;
    this.nanoCpus += sign * nanoCpus;
    this.memoryBytes += sign * memoryBytes;
    for (const [name, amount] of Object.entries(resources)) add(this.resources, name, sign * amount);
    for (const other of of.deploy.keepAwayFrom) if (other !== service) add(this.shunned, other, sign);
  }
}

/** What a plan takes and gives back, over what is taken already: that stays as it is, since others read it too. */
export class Usage {
  private readonly changed = new Map<string, Tally>();
  private readonly gone = new Set<string>();
  private readonly log: string[] = [];

  /** @param base what is taken on a host as the plan finds it */
  constructor(private readonly base: (host: string) => HostUsage) {}

  of(host: string): HostUsage {
    return this.changed.get(host) ?? this.base(host);
  }

  /** Hosts on which something was taken or given back, in the order in which it was; grows. */
  get touched(): readonly string[] {
    return this.log;
  }

  /** What it took was given back. */
  isGone({ host, id }: Placement): boolean {
    return this.gone.has(`${host}/${id}`);
  }

  /** As Tally.take, on the placement's host. */
  take(placement: Placement, release: Release | undefined, report?: InstanceStatus): void {
    this.tally(placement.host).take(placement, release, report);
    if (this.gone.size > 0) this.gone.delete(`${placement.host}/${placement.id}`);
  }

  /** As Tally.giveBack, on the placement's host. */
  giveBack(placement: Placement, of: Release | undefined): void {
    this.tally(placement.host).giveBack(placement, of);
    this.gone.add(`${placement.host}/${placement.id}`);
  }

  private tally(host: string): Tally {
    this.log.push(host);
    let found = this.changed.get(host);
    if (found === undefined) this.changed.set(host, (found = new Tally(this.base(host))));
    return found;
  }
}

const NO_PORTS: readonly string[] = [];

/** Fixed host ports of a release, as "port/protocol". */
export function fixedPorts({ container: { ports } }: Release): readonly string[] {
  if (ports.length === 0) return NO_PORTS;
  return ports.filter(({ published }) => published > 0).map(({ published, protocol }) => `${published}/${protocol}`);
}

function reportedPorts(report: InstanceStatus | undefined): readonly string[] {
  return (report?.ports ?? []).map(({ published, protocol }) => `${published}/${protocol}`);
}

/** What is at nothing is left out, so that equal usages are equal maps. */
function add(counts: Map<string, number>, name: string, amount: number): void {
  const next = (counts.get(name) ?? 0) + amount;
  if (next === 0) counts.delete(name);
  else counts.set(name, next);
}
