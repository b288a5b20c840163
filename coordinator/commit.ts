/** Writes what a plan changed: fenced, each document compared with what the plan saw, releases before who names them. */
import { encodeDocument } from '../lib/documents/codec';
import type { Keys } from '../lib/documents/keys';
import { commitFenced, type Fence, type FencedOutcome } from '../lib/etcd/fenced-txn';
import type { Compare, Store, Txn, Write } from '../lib/etcd/store';
import type { ClusterChanges } from './schedule/plan-cluster';
import type { ClusterView } from './view';

/** Well under what etcd takes in one transaction, and in one request. */
const MAX_WRITES = 64;
const MAX_BYTES = 1024 * 1024;

export interface Change {
  readonly key: string;
  readonly compare: Compare;
  /** Made when its turn comes: all of a large plan at once would be the fleet's documents once more. */
  readonly write: () => Write;
}

/** @returns every write that the changes need, in the order in which they have to be made; empty when there is nothing to do */
export function writesFor(changes: ClusterChanges, view: ClusterView, keys: Keys): readonly Change[] {
  const releases = changes.releases.map((release): Change => {
    const key = keys.release(release.service, release.number);
    return put({ key, createRevision: 0 }, () => encodeDocument('Release', release));
  });
  const assignments = [...changes.assignments].map(([host, assignment]): Change => {
    const compare = { key: keys.assignment(host), modRevision: view.hosts.get(host)?.assignmentRevision ?? 0 };
    return put(compare, () => encodeDocument('Assignment', assignment));
  });
  const drops = changes.dropReleases.map(({ service, number }): Change => {
    // Whatever is there, it goes; the service's own key is what must not have come back meanwhile.
    const modRevision = view.services.get(service)?.modRevision ?? 0;
    return remove({ key: keys.service(service), modRevision }, keys.release(service, number));
  });
  // Nothing that was wanted of it holds for another one of its name.
  const wishes = [...changes.statuses].flatMap(([service, status]): Change[] => {
    const isGone = status === undefined && changes.dropReleases.some((one) => one.service === service);
    if (!isGone || !view.serviceIntents.has(service)) return [];
    return [remove({ key: keys.service(service), modRevision: 0 }, keys.serviceIntent(service))];
  });
  const pauses = changes.dropPauses.map((key): Change => {
    return remove({ key, modRevision: view.pauses.get(key)?.modRevision ?? 0 });
  });
  const losses = [...changes.losses].map(([host, loss]): Change => {
    const compare = { key: keys.hostLoss(host), modRevision: view.hosts.get(host)?.loss?.modRevision ?? 0 };
    return loss === undefined ? remove(compare) : put(compare, () => encodeDocument('HostLoss', loss));
  });
  return [
    ...losses,
    ...clusterStatusOf(changes, view, keys),
    ...releases,
    // Before the assignments: what a rollout makes is written down as watched before any host makes it.
    ...statusesOf(changes, view, keys),
    ...assignments,
    ...wishes,
    ...drops,
    ...pauses,
  ];
}

function statusesOf({ statuses }: ClusterChanges, view: ClusterView, keys: Keys): readonly Change[] {
  return [...statuses].flatMap(([service, status]): Change[] => {
    const before = view.serviceStatuses.get(service);
    const compare = { key: keys.serviceStatus(service), modRevision: before?.modRevision ?? 0 };
    if (status === undefined) return before === undefined ? [] : [remove(compare)];
    if (before?.document === undefined) return [put(compare, () => encodeDocument('ServiceStatus', status))];
    const value = encodeDocument('ServiceStatus', status);
    return encodeDocument('ServiceStatus', before.document) === value ? [] : [put(compare, () => value)];
  });
}

function clusterStatusOf({ clusterStatus }: ClusterChanges, view: ClusterView, keys: Keys): readonly Change[] {
  const { document, modRevision } = view.clusterStatus;
  const value = encodeDocument('ClusterStatus', clusterStatus);
  if (encodeDocument('ClusterStatus', document) === value) return [];
  return [put({ key: keys.clusterStatus, modRevision }, () => value)];
}

function put(compare: Compare, value: () => string): Change {
  const { key } = compare;
  return { key, compare, write: () => ({ op: 'put', key, value: value() }) };
}

function remove(compare: Compare, key = compare.key): Change {
  return { key, compare, write: () => ({ op: 'delete', key }) };
}

/** In order, and as few as can be. */
function* batchesOf(changes: readonly Change[]): Generator<Txn, undefined> {
  let compares = new Map<string, Compare>();
  let writes: Write[] = [];
  let bytes = 0;
  for (const { compare, write: make } of changes) {
    const write = make();
    const size = write.key.length + (write.op === 'put' ? Buffer.byteLength(write.value) : 0);
    if (writes.length === MAX_WRITES || (writes.length > 0 && bytes + size > MAX_BYTES)) {
      yield { compares: [...compares.values()], writes };
      [compares, writes, bytes] = [new Map<string, Compare>(), [], 0];
    }
    bytes += size;
    compares.set(compare.key, compare);
    writes.push(write);
  }
  if (writes.length > 0) yield { compares: [...compares.values()], writes };
  return undefined;
}

/**
 * @param isLeading asked before each transaction
 * @returns 'committed' when all is written; otherwise what stopped it, with the first transactions written and the rest not
 */
export async function commitChanges(
  store: Store,
  fence: Fence,
  changes: readonly Change[],
  isLeading: () => boolean,
): Promise<{ outcome: FencedOutcome; transactions: number }> {
  let transactions = 0;
  for (const batch of batchesOf(changes)) {
    if (!isLeading()) return { outcome: 'deposed', transactions };
    const outcome = await commitFenced(store, fence, batch);
    transactions++;
    if (outcome !== 'committed') return { outcome, transactions };
  }
  return { outcome: 'committed', transactions };
}
