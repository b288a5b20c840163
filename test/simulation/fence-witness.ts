/** G4: whatever a coordinator writes carries the proof that it leads, and what is committed was the leader's. */
import type { Store, Txn, TxnResult } from '../../lib/etcd/store';
import { delegateStore } from '../support/store-delegate';

/**
 * @param etcd a client of its own, that no fault befalls
 * @param leader prefix of the election's keys
 * @param isJustRestored a backup may have brought back keys of leaders that are gone, and their leases have not ended yet:
 * who is first in the queue then is nobody who writes
 * @returns the coordinator's store, with every transaction judged
 */
export function fenceWitness(
  store: Store,
  etcd: Store,
  leader: string,
  breach: (what: string) => void,
  isJustRestored: () => boolean = () => false,
): Store {
  const judge = async ({ compares, writes }: Txn, result: TxnResult): Promise<void> => {
    const what = writes.map(({ key }) => key).join(', ');
    const fence = compares.find(({ key }) => key.startsWith(leader));
    if (fence === undefined || !('createRevision' in fence) || fence.createRevision === 0)
      return breach(`G4: ${what} written without a proof of leadership`);
    const { kvs, revision } = await etcd.range({ prefix: leader });
    // Something else was written since: who led then can't be told any more.
    if (revision !== result.revision || isJustRestored()) return;
    const oldest = kvs.reduce((a, b) => (b.createRevision < a.createRevision ? b : a));
    if (oldest.key !== fence.key) breach(`G4: ${what} written by ${fence.key} while ${oldest.key} leads`);
  };
  // Taking part in the election is everybody's right.
  const isOfLeader = ({ writes }: Txn): boolean => writes.some(({ key }) => !key.startsWith(leader));
  const watched = delegateStore(store);
  watched.txn = async (txn) => {
    const result = await store.txn(txn);
    if (result.succeeded && isOfLeader(txn)) await judge(txn, result);
    return result;
  };
  return watched;
}
