/** Pure: what Prometheus scrapes, as groups of its service discovery. */
import type { Candidate, HostRecord, InstanceStatus, Release, ScrapedPort } from '../../lib/documents/types';
import { joinAddress } from '../../lib/listen-address';
import type { HostView } from '../view';

/** https://prometheus.io/docs/prometheus/latest/http_sd */
export interface TargetGroup {
  readonly targets: readonly [string];
  readonly labels: Readonly<Record<string, string>>;
}

type Releases = ReadonlyMap<string, ReadonlyMap<number, Release>>;

/** Services of operators may have these names too; `__meta_berth_kind` tells them apart. */
const AGENT = 'berth-agent';
const COORDINATOR = 'berth-coordinator';
/** Prometheus's own, when nothing is said. */
const DEFAULT_PATH = '/metrics';
const DEFAULT_SCHEME = 'http';

/**
 * Of a host: its agent, and every instance with x-berth.metrics whose container runs, healthy or not. That a host is lost
 * is what an alert on its agent is for: the agent stays. Of the instances nobody knows whether they are there.
 */
export function hostTargets(host: HostView, releases: Releases): readonly TargetGroup[] {
  const { record, isLive } = host;
  if (record === undefined) return [];
  const [place, meta] = [placeOf(host.name, record), metaOf(host.name, record)];
  const agent = record.http === '' ? [] : [group(record.http, AGENT, place, { __meta_berth_kind: 'agent', ...meta })];
  const instances = isLive ? Object.entries(host.status?.instances ?? {}) : [];
  const scraped = instances.flatMap(([id, status]) => {
    const release = releases.get(status.service)?.get(status.release);
    const port = release?.deploy.metrics && portOf(status, release, release.deploy.metrics);
    if (port === undefined) return [];
    const { service, slot, release: number } = status;
    const own = { release: String(number), slot: String(slot) };
    const labels = {
      ...{ __meta_berth_kind: 'service', __meta_berth_service: service, __meta_berth_instance: id },
      ...{ __meta_berth_release: own.release, __meta_berth_slot: own.slot, ...meta },
      ...scrapeOf(release!.deploy.metrics!),
    };
    const target = group(joinAddress(record.address, port), service, { ...place, ...own, instance_id: id }, labels);
    return [{ target, service, slot, id }];
  });
  scraped.sort((a, b) => compareText(a.service, b.service) || a.slot - b.slot || compareText(a.id, b.id));
  return [...agent, ...scraped.map(({ target }) => target)];
}

/**
 * Sorted by address. Of several that are reached at the same, which can be so with loopback alone, this one's own counts:
 * whoever asks it is beside it.
 */
export function coordinatorTargets(candidates: readonly Candidate[], own: Candidate): readonly TargetGroup[] {
  const byAddress = new Map([...candidates, own].map((one) => [one.http, one]));
  byAddress.delete('');
  return [...byAddress]
    .sort(([a], [b]) => compareText(a, b))
    .map(([address, { identity }]) => {
      const host = identity.replace(/:\d+$/, '');
      return group(address, COORDINATOR, { host }, { __meta_berth_kind: 'coordinator', __meta_berth_host: host });
    });
}

function group(
  target: string,
  service: string,
  labels: Readonly<Record<string, string>>,
  meta: Readonly<Record<string, string>>,
): TargetGroup {
  return { targets: [target], labels: { service, ...labels, ...meta } };
}

function portOf({ phase, ports }: InstanceStatus, { container }: Release, { port }: ScrapedPort): number | undefined {
  if (phase !== 'RUNNING' && phase !== 'DRAINING') return undefined;
  if (container.networkMode === 'host') return port;
  return ports.find(({ target, protocol, published }) => target === port && protocol === 'tcp' && published > 0)
    ?.published;
}

function scrapeOf({ path, scheme }: ScrapedPort): Record<string, string> {
  return {
    ...(path !== DEFAULT_PATH && { __metrics_path__: path }),
    ...(scheme !== DEFAULT_SCHEME && { __scheme__: scheme }),
  };
}

/** What stays on the series. */
function placeOf(host: string, { labels }: HostRecord): Record<string, string> {
  return { host, ...(labels['zone'] !== undefined && { zone: labels['zone'] }) };
}

/** What relabelling can choose by; gone afterwards. */
function metaOf(host: string, { labels }: HostRecord): Record<string, string> {
  const all = Object.entries(labels)
    .sort(([a], [b]) => compareText(a, b))
    .map(([name, value]) => [`__meta_berth_host_label_${name.replace(/[^a-zA-Z0-9_]/g, '_')}`, value] as const);
  const zone = labels['zone'] !== undefined && { __meta_berth_zone: labels['zone'] };
  return { __meta_berth_host: host, ...zone, ...Object.fromEntries(all) };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
