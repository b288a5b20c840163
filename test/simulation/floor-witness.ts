/**
 * G7: no transaction of a coordinator takes more ready instances away than the service's update limits allow, as far as the
 * coordinator could know: judged by its own view, at the time of the write.
 */
import { decodeDocument } from '../../lib/documents/codec';
import type { Keys } from '../../lib/documents/keys';
import type { Assignment, Release, ServiceStatus } from '../../lib/documents/types';
import type { Store, Txn } from '../../lib/etcd/store';
import { isDone, isReady } from '../../coordinator/rollouts/readiness';
import { liveReportOf, placementsOf, type ClusterView, type HostView, type Placement } from '../../coordinator/view';
import { mayMiss, placesOf, stayingOf } from '../support/places';
import { delegateStore } from '../support/store-delegate';

export function floorWitness(store: Store, keys: Keys, view: () => ClusterView, breach: (what: string) => void): Store {
  const watched = delegateStore(store);
  watched.txn = (txn) => {
    for (const what of oversteps(txn, keys, view())) breach(what);
    return store.txn(txn);
  };
  return watched;
}

/** What of the cluster is another after a transaction. */
interface Written {
  readonly assignments: ReadonlyMap<string, Assignment>;
  readonly releases: ReadonlyMap<string, Release>;
  readonly statuses: ReadonlyMap<string, ServiceStatus>;
}

function oversteps(txn: Txn, keys: Keys, view: ClusterView): readonly string[] {
  const written = writtenBy(txn, keys);
  const after = new Map(view.hosts);
  for (const [name, assignment] of written.assignments) {
    const host = view.hosts.get(name);
    // An index of what was placed before does not know.
    if (host !== undefined) after.set(name, { ...host, assignment, isAssignmentGarbage: false });
  }
  if (written.assignments.size === 0) return [];
  return [...view.services.keys()].flatMap((service) => overstep(service, view, after, written) ?? []);
}

function overstep(
  service: string,
  view: ClusterView,
  after: ReadonlyMap<string, HostView>,
  { releases, statuses }: Written,
): string | undefined {
  const status = statuses.get(service) ?? view.serviceStatuses.get(service)?.document;
  const number = status?.targetRelease ?? 0;
  const releaseOf = (one: number): Release | undefined =>
    releases.get(`${service}/${one}`) ?? view.releases.get(service)?.get(one);
  const target = releaseOf(number);
  if (status === undefined || target === undefined) return undefined;
  const isFromEveryHost = ({ release }: Placement): boolean => releaseOf(release)?.deploy.mode === 'global';
  const placesIn = (placements: readonly Placement[]): number => placesOf(placements, target, isFromEveryHost);
  const instancesOn = (hosts: ReadonlyMap<string, HostView>): readonly Placement[] =>
    [...hosts.values()]
      .flatMap(placementsOf)
      .filter((one) => one.service === service && !one.isBefore && (one.slot >= 1 || isFromEveryHost(one)));
  const isReadyHere = (one: Placement): boolean => isWell(view, one);
  const before = stayingOf(instancesOn(view.hosts), target, view.hosts, isFromEveryHost);
  const was = placesIn(before.filter(isReadyHere));
  const is = placesIn(instancesOn(after).filter(isReadyHere));
  // A slot that has never had an instance, for want of room, is not missed.
  const there = placesIn(before);
  const floor = Math.min(was, there - mayMiss(target, status.move, releaseOf));
  if (is >= floor) return undefined;
  return `G7: ${service}: ${was} slots were ready, ${is} are left, and no fewer than ${floor} may be`;
}

function isWell(view: ClusterView, placement: Placement): boolean {
  const report = liveReportOf(view, placement);
  return isReady(report) || isDone(report);
}

function writtenBy({ writes }: Txn, keys: Keys): Written {
  const [assignments, releases, statuses] = [
    new Map<string, Assignment>(),
    new Map<string, Release>(),
    new Map<string, ServiceStatus>(),
  ];
  for (const write of writes) {
    if (write.op !== 'put') continue;
    const { key, value } = write;
    if (key.startsWith(keys.assignments))
      assignments.set(key.slice(keys.assignments.length), decodeDocument('Assignment', value));
    if (key.startsWith(keys.releases)) releases.set(key.slice(keys.releases.length), decodeDocument('Release', value));
    if (key.startsWith(keys.serviceStatuses))
      statuses.set(key.slice(keys.serviceStatuses.length), decodeDocument('ServiceStatus', value));
  }
  return { assignments, releases, statuses };
}
