/** G5: a document that is refused gives no release, and moves nothing; judged by the coordinator's own view. */
import { decodeDocument } from '../../lib/documents/codec';
import type { Keys } from '../../lib/documents/keys';
import type { ServiceStatus } from '../../lib/documents/types';
import type { Store } from '../../lib/etcd/store';
import { compileService } from '../../coordinator/compose/compile';
import type { ClusterView } from '../../coordinator/view';
import { delegateStore } from '../support/store-delegate';

export function refusalWitness(
  store: Store,
  keys: Keys,
  viewOf: () => ClusterView,
  breach: (what: string) => void,
): Store {
  const watched = delegateStore(store);
  watched.txn = (txn) => {
    const view = viewOf();
    for (const write of txn.writes) {
      if (write.op !== 'put') continue;
      const { key, value } = write;
      if (key.startsWith(keys.releases)) {
        const service = key.slice(keys.releases.length).split('/', 1)[0]!;
        if (!isAccepted(service, view)) breach(`G5: ${key} is cut from a document that is refused`);
      } else if (key.startsWith(keys.serviceStatuses)) {
        const service = key.slice(keys.serviceStatuses.length);
        const moved = movedByRefused(service, decodeDocument('ServiceStatus', value), view);
        if (moved !== undefined) breach(`G5: ${moved}`);
      }
    }
    return store.txn(txn);
  };
  return watched;
}

function isAccepted(service: string, { services }: ClusterView): boolean {
  const document = services.get(service);
  return document !== undefined && compileService(service, document.text).ok;
}

function movedByRefused(service: string, status: ServiceStatus, view: ClusterView): string | undefined {
  if (status.accepted || isAccepted(service, view) || !view.services.has(service)) return undefined;
  if (status.problems.length === 0) return `${service} is refused without a reason`;
  const before = view.serviceStatuses.get(service)?.document;
  // A rollout that fails goes back, and an operator may ask for it.
  const isAtRest = before !== undefined && before.move === undefined;
  const hasWish = view.serviceIntents.get(service)?.document.rollback !== undefined;
  const releases = view.releases.get(service);
  const isThere = releases?.has(before?.targetRelease ?? 0) === true;
  // Nobody wants the older one any more, and what was cut last was accepted.
  const isWishOver = status.targetRelease === Math.max(...(releases?.keys() ?? []));
  if (!isAtRest || hasWish || !isThere || isWishOver || status.targetRelease === before.targetRelease) return undefined;
  return `${service} goes from release ${before.targetRelease} to ${status.targetRelease} by a document that is refused`;
}
