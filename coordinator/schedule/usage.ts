import type { InstanceStatus, Release } from '../../lib/documents/types';
import type { Placement } from '../view';
import type { HostUsage } from './types';

export function emptyUsage(): HostUsage {
  return { nanoCpus: 0, memoryBytes: 0, instances: 0, ofService: new Map(), ports: new Map() };
}

/** Fixed host ports of a release, as "port/protocol". */
export function fixedPorts(release: Release): readonly string[] {
  return release.container.ports
    .filter(({ published }) => published > 0)
    .map(({ published, protocol }) => `${published}/${protocol}`);
}

/**
 * @param release undefined when its document is gone: then the instance itself counts, and the host ports that its
 * host reports
 */
export function take(
  usage: HostUsage,
  placement: Placement,
  release: Release | undefined,
  report?: InstanceStatus,
): void {
  count(usage, placement, release, 1);
  const ports = release === undefined ? reportedPorts(report) : fixedPorts(release);
  for (const port of ports) usage.ports.set(port, [...(usage.ports.get(port) ?? []), placement.id]);
}

/** @param of the release that it was taken with */
export function giveBack(usage: HostUsage, placement: Placement, of: Release | undefined): void {
  count(usage, placement, of, -1);
  for (const [port, ids] of usage.ports) {
    const others = ids.filter((id) => id !== placement.id);
    if (others.length === 0) usage.ports.delete(port);
    else if (others.length < ids.length) usage.ports.set(port, others);
  }
}

function reportedPorts(report: InstanceStatus | undefined): readonly string[] {
  return (report?.ports ?? []).map(({ published, protocol }) => `${published}/${protocol}`);
}

function count(usage: HostUsage, placement: Placement, of: Release | undefined, sign: 1 | -1): void {
  usage.instances += sign;
  usage.ofService.set(placement.service, (usage.ofService.get(placement.service) ?? 0) + sign);
  usage.nanoCpus += sign * (of?.deploy.reservations.nanoCpus ?? 0);
  usage.memoryBytes += sign * (of?.deploy.reservations.memoryBytes ?? 0);
}

/** The host's usage, made when there is none yet. */
export function usageOf(usage: Map<string, HostUsage>, host: string): HostUsage {
  let found = usage.get(host);
  if (found === undefined) usage.set(host, (found = emptyUsage()));
  return found;
}
