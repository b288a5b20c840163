import { emptyDocument } from '../../lib/documents/codec';
import type { Keys } from '../../lib/documents/keys';
import { isoTime } from '../../lib/iso-time';
import type { Alarm, InstanceStatus, Pause, Release } from '../../lib/documents/types';
import type {
  ListHostsRequest,
  ListHostsResponse,
  ListInstancesRequest,
  ListInstancesResponse,
  ListServicesRequest,
  ListServicesResponse,
  ListedHost,
  ListedInstance,
  ListedService,
} from '../../lib/rpc/types';
import { takesConfig } from '../releases/resolve-config';
import { indexPauses, unpaused } from '../schedule/pauses';
import { placementsOf, type ClusterView, type HostView } from '../view';
import { whyBound } from './bound';
import { requireKnown, type ApiContext } from './context';
import { namesOf } from './releases';
import { requireName } from './writes';

export function listServices(context: ApiContext, request: ListServicesRequest): ListServicesResponse {
  requireKnown(context);
  const { view } = context.cluster;
  const paused = indexPauses(context.cluster.pauses()).service;
  const known = namesOf(view);
  const names =
    request.services.length === 0 ? [...known] : [...new Set(request.services)].filter((name) => known.has(name));
  return {
    services: names.sort().map((name) => listedService(name, context, paused.get(name))),
    freshness: context.cluster.freshness(),
    alarms: openAlarms(view),
  };
}

/** Those that nobody has released. */
export function openAlarms({ clusterStatus, clusterIntent }: ClusterView): readonly Alarm[] {
  return clusterStatus.document.alarms.filter(({ kind, id }) => clusterIntent.document.released[kind] !== id);
}

export function listedService(name: string, { cluster, keys }: ApiContext, pause: Pause | undefined): ListedService {
  const { view } = cluster;
  const status = unpaused(view.serviceStatuses.get(name)?.document ?? emptyDocument('ServiceStatus'));
  const release = view.releases.get(name)?.get(status.targetRelease);
  const document = view.services.get(name);
  // The leader has not answered the present document yet.
  const isPending = document !== undefined && document.modRevision !== status.serviceRevision;
  return {
    name,
    status: {
      ...status,
      problems: [...status.problems, ...view.problems.filter(({ key }) => concernsService(key, name, release, keys))],
      // Of now: what the leader wrote of it may be a moment old.
      ...(pause && { rollout: 'paused', pause }),
      ...(isPending && { rollout: 'pending' }),
    },
    image: release?.container.image ?? '',
    project: release?.container.project ?? '',
    mode: release?.deploy.mode ?? '',
  };
}

export function listInstances(context: ApiContext, request: ListInstancesRequest): ListInstancesResponse {
  requireKnown(context);
  const { view } = context.cluster;
  const { services } = request;
  for (const host of request.hosts) requireName('host', host, view.hosts);
  const all = chosen(view, request).flatMap((host) => instancesOf(host, view));
  const instances = services.length === 0 ? all : all.filter(({ status }) => services.includes(status.service));
  instances.sort(
    (a, b) =>
      compareText(a.status.service, b.status.service) || a.status.slot - b.status.slot || compareText(a.id, b.id),
  );
  return { instances, freshness: context.cluster.freshness() };
}

const NOTHING_DONE = { progress: '', pausedUntilMs: 0, lastRestartReason: '', failedTries: 0 };

/** What the host reports, and what it is assigned and has not reported yet. */
export function instancesOf(host: HostView, view: ClusterView): readonly ListedInstance[] {
  const reported = host.status?.instances ?? {};
  const unreported = placementsOf(host).filter(({ id }) => !(id in reported));
  const statuses = [
    ...Object.entries(reported),
    ...unreported.map(({ id, service, slot, release }) => {
      const reason = host.isLive ? 'not yet taken up by its host' : 'its host is lost';
      const status = { service, slot, release, phase: 'PENDING' as const, containerId: '', ports: [], health: 'none' };
      return [id, { ...status, restarts: 0, reason, held: false, spec: '', ...NOTHING_DONE }] as const;
    }),
  ];
  return statuses.map(([id, status]) => ({
    id,
    host: host.name,
    address: host.record?.address ?? '',
    hostLive: host.isLive,
    status,
    image: view.releases.get(status.service)?.get(status.release)?.container.image ?? '',
    stuck: whyStuck(id, status, host, view),
  }));
}

/** Phases of a rollout that wait for others. */
const WAITING = ['waiting', 'canary', 'stopped'];

/** @returns why an instance does not move that is to; empty when it is not to, or it is only a matter of time */
function whyStuck(
  id: string,
  { service, release }: Pick<InstanceStatus, 'service' | 'release'>,
  host: HostView,
  view: ClusterView,
): string {
  // What else is on a lost host is replaced sooner or later, or an alarm says why not.
  if (!host.isLive) return whyBound(host, view.releases.get(service)?.get(release));
  const { intent } = host;
  const status = view.serviceStatuses.get(service)?.document;
  if (status === undefined) return '';
  const { stuck, frozen, move, pause } = status;
  if (stuck[id] !== undefined) return stuck[id];
  if (intent?.drain !== true) return '';
  if (pause !== undefined) return `its service is paused until ${isoTime(pause.untilMs)}`;
  if (frozen !== '') return `its service: ${frozen}`;
  if (move === undefined || !WAITING.includes(move.phase)) return '';
  if (move.phase === 'stopped')
    return `its service's rollout has failed and stopped: ${move.reason}; another document, or "berth rollback ${service}", moves it`;
  return `its service is in the middle of a rollout, ${move.phase}${move.reason === '' ? '' : `: ${move.reason}`}`;
}

export function listHosts(context: ApiContext, request: ListHostsRequest): ListHostsResponse {
  requireKnown(context);
  const { view } = context.cluster;
  const paused = indexPauses(context.cluster.pauses()).host;
  const hosts = [...chosen(view, request)]
    .sort((a, b) => compareText(a.name, b.name))
    .map((host) => listedHost(host, context, paused.get(host.name)));
  return { hosts, freshness: context.cluster.freshness(), alarms: openAlarms(view) };
}

/** @returns the hosts that were asked for, all of them when none was named */
function chosen(view: ClusterView, { hosts }: { readonly hosts: readonly string[] }): readonly HostView[] {
  if (hosts.length === 0) return [...view.hosts.values()];
  return [...new Set(hosts)].map((name) => view.hosts.get(name)).filter((host) => host !== undefined);
}

export function listedHost(host: HostView, { cluster, keys }: ApiContext, pause: Pause | undefined): ListedHost {
  const { view } = cluster;
  const placements = placementsOf(host);
  const reservations = placements.map(
    ({ service, release }) => view.releases.get(service)?.get(release)?.deploy.reservations,
  );
  return {
    name: host.name,
    live: host.isLive,
    record: host.record ?? emptyDocument('HostRecord'),
    intent: host.intent ?? emptyDocument('HostIntent'),
    instances: placements.length,
    reserved: {
      nanoCpus: reservations.reduce((sum, one) => sum + (one?.nanoCpus ?? 0), 0),
      memoryBytes: reservations.reduce((sum, one) => sum + (one?.memoryBytes ?? 0), 0),
      resources: {},
    },
    problems: [...(host.status?.problems ?? []), ...view.problems.filter(({ key }) => concerns(key, host, keys))],
    ...(pause && { pause }),
    lostSinceMs: host.isLive ? 0 : (host.loss?.document.sinceMs ?? 0),
  };
}

function concernsService(key: string, name: string, release: Release | undefined, keys: Keys): boolean {
  if (key === keys.clusterConfig) return release !== undefined && takesConfig(release);
  return key === keys.pause('service', name) || key === keys.serviceConfig(name);
}

function concerns(key: string, host: HostView, keys: Keys): boolean {
  if (key.startsWith(keys.config)) return key === keys.hostConfig(host.name);
  if (!key.startsWith(keys.pauses)) return key.endsWith(`/${host.name}`);
  const [kind, name = ''] = key.slice(keys.pauses.length).split('/');
  return kind === 'host' ? name === host.name : kind === 'instance' && name in (host.status?.instances ?? {});
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
