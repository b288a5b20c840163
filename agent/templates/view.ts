/** What templates see of endpoints and of the host. The names are those of the documentation: templates are written by them. */
import type { KnownEndpoint, KnownService } from '../discovery/discovery';

/** As the placement of instances and the order of DNS answers have it. */
const ZONE_LABEL = 'zone';

export interface HostFacts {
  readonly name: string;
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Fields that are always there, so that a template that names another one is told. */
export function hostView({ name, address, labels }: HostFacts): object {
  return { name, address, labels: sorted(labels), zone: labels[ZONE_LABEL] ?? '' };
}

export class ServiceViews {
  private readonly made = new WeakMap<KnownService, readonly object[]>();

  /** @returns the same list as long as the service is the same object; in the order of their instances */
  of(service: KnownService): readonly object[] {
    const known = this.made.get(service);
    if (known !== undefined) return known;
    const view = service.endpoints.map(endpointView);
    this.made.set(service, view);
    return view;
  }
}

function endpointView(endpoint: KnownEndpoint): object {
  return {
    instance: endpoint.instance,
    slot: endpoint.slot,
    host: endpoint.host,
    host_name: endpoint.hostName,
    port: endpoint.port,
    ports: sorted(endpoint.ports),
    release: endpoint.release,
    labels: sorted(endpoint.labels),
    zone: endpoint.labels[ZONE_LABEL] ?? '',
    weight: endpoint.weight,
    stale: endpoint.isStale,
  };
}

/** A template may go through them. */
function sorted<T>(map: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}
