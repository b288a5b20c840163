/** Writes what a plan changed: fenced, each document compared with what the plan saw, releases before who names them. */
import { encodeDocument } from '../lib/documents/codec';
import type { Keys } from '../lib/documents/keys';
import { commitFenced, type Fence, type FencedOutcome } from '../lib/etcd/fenced-txn';
import type { Compare, Store, Write } from '../lib/etcd/store';
import type { ClusterChanges } from './schedule/plan-cluster';
import type { ClusterView } from './view';

/** Well under what etcd takes in one transaction, and in one request. */
const MAX_WRITES = 64;
const MAX_BYTES = 1024 * 1024;

export interface Change {
  readonly compare: Compare;
  readonly write: Write;
}

/** @returns every write that the changes need, in the order in which they have to be made; empty when there is nothing to do */
export function writesFor(changes: ClusterChanges, view: ClusterView, keys: Keys): readonly Change[] {
  const releases = changes.releases.map((release): Change => {
    const key = keys.release(release.service, release.number);
    return {
      compare: { key, createRevision: 0 },
      write: { op: 'put', key, value: encodeDocument('Release', release) },
    };
  });
  const assignments = [...changes.assignments].map(([host, assignment]): Change => {
    const key = keys.assignment(host);
    const modRevision = view.hosts.get(host)?.assignmentRevision ?? 0;
    return {
      compare: { key, modRevision },
      write: { op: 'put', key, value: encodeDocument('Assignment', assignment) },
    };
  });
  const statuses = [...changes.statuses].flatMap(([service, status]): Change[] => {
    const key = keys.serviceStatus(service);
    const before = view.serviceStatuses.get(service);
    const compare = { key, modRevision: before?.modRevision ?? 0 };
    if (status === undefined) return before === undefined ? [] : [{ compare, write: { op: 'delete', key } }];
    const value = encodeDocument('ServiceStatus', status);
    const isSame = before?.document !== undefined && encodeDocument('ServiceStatus', before.document) === value;
    return isSame ? [] : [{ compare, write: { op: 'put', key, value } }];
  });
  const drops = changes.dropReleases.map(({ service, number }): Change => {
    const key = keys.release(service, number);
    // Whatever is there, it goes; the service's own key is what must not have come back meanwhile.
    const modRevision = view.services.get(service)?.modRevision ?? 0;
    return {
      compare: { key: keys.service(service), modRevision },
      write: { op: 'delete', key },
    };
  });
  // Nothing that was wanted of it holds for another one of its name.
  const wishes = [...changes.statuses].flatMap(([service, status]): Change[] => {
    const isGone = status === undefined && changes.dropReleases.some((one) => one.service === service);
    if (!isGone || !view.serviceIntents.has(service)) return [];
    const compare = { key: keys.service(service), modRevision: 0 };
    return [{ compare, write: { op: 'delete', key: keys.serviceIntent(service) } }];
  });
  const pauses = changes.dropPauses.map((key): Change => {
    const modRevision = view.pauses.get(key)?.modRevision ?? 0;
    return { compare: { key, modRevision }, write: { op: 'delete', key } };
  });
  const losses = [...changes.losses].map(([host, loss]): Change => {
    const key = keys.hostLoss(host);
    const compare = { key, modRevision: view.hosts.get(host)?.loss?.modRevision ?? 0 };
    if (loss === undefined) return { compare, write: { op: 'delete', key } };
    return { compare, write: { op: 'put', key, value: encodeDocument('HostLoss', loss) } };
  });
  return [
    ...losses,
    ...clusterStatusOf(changes, view, keys),
    ...releases,
    // Before the assignments: what a rollout makes is written down as watched before any host makes it.
    ...statuses,
    ...assignments,
    ...wishes,
    ...drops,
    ...pauses,
  ];
}

function clusterStatusOf({ clusterStatus }: ClusterChanges, view: ClusterView, keys: Keys): readonly Change[] {
  const key = keys.clusterStatus;
  const { document, modRevision } = view.clusterStatus;
  const value = encodeDocument('ClusterStatus', clusterStatus);
  if (encodeDocument('ClusterStatus', document) === value) return [];
  return [{ compare: { key, modRevision }, write: { op: 'put', key, value } }];
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
  for (let at = 0; at < changes.length;) {
    let bytes = 0;
    let end = at;
    while (end < changes.length && end - at < MAX_WRITES) {
      const { write } = changes[end]!;
      bytes += Buffer.byteLength(write.op === 'put' ? write.value : '') + write.key.length;
      if (bytes > MAX_BYTES && end > at) break;
      end++;
    }
    if (!isLeading()) return { outcome: 'deposed', transactions };
    const batch = changes.slice(at, end);
    const compares = [...new Map(batch.map(({ compare }) => [compare.key, compare])).values()];
    const outcome = await commitFenced(store, fence, { compares, writes: batch.map(({ write }) => write) });
    transactions++;
    if (outcome !== 'committed') return { outcome, transactions };
    at = end;
  }
  return { outcome: 'committed', transactions };
}
