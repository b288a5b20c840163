import { strict as assert } from 'node:assert';
import { MAX_TXN_WRITES, StoreError } from './store';
import type { Compare, Store, Txn, Write } from './store';

/** What a leader may compare beside its fence: etcd bounds compares as it bounds writes. */
export const MAX_FENCED_COMPARES = MAX_TXN_WRITES - 1;

/** Proof of leadership: holds in the store as long as the leader that it was given to leads. */
export interface Fence {
  readonly compare: Compare;
}

export type FencedOutcome =
  /** The store holds what was to be written. */
  | 'committed'
  /** Nothing was written: a compare no longer holds. Read again and plan again. */
  | 'conflict'
  /** Nothing was written, and never will be: somebody else leads, or nobody. */
  | 'deposed';

/**
 * Commits a leader's writes together with the proof that it still leads.
 *
 * After a lost reply it reads back what the store holds, and never sends the transaction again. Each write
 * should have a compare of its own key: a request that is late in the network can then do no harm.
 * @throws StoreError when the store can't be asked; the writes may or may not have happened
 */
export async function commitFenced(store: Store, fence: Fence, txn: Txn): Promise<FencedOutcome> {
  assert(
    txn.compares.length <= MAX_FENCED_COMPARES && txn.writes.length <= MAX_TXN_WRITES,
    'the transaction is over its limit',
  );
  let mayHaveWritten = false;
  try {
    const result = await store.txn({ compares: [fence.compare, ...txn.compares], writes: txn.writes });
    if (result.succeeded) return 'committed';
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'unavailable') throw error;
    mayHaveWritten = true;
  }
  if (mayHaveWritten && (await isWritten(store, txn))) return 'committed';
  return (await holds(store, fence.compare)) ? 'conflict' : 'deposed';
}

/** Transactions are atomic, so one write tells of all; one with a compare tells more surely whose it is. */
async function isWritten(store: Store, txn: Txn): Promise<boolean> {
  const compareOf = (write: Write): Compare | undefined => txn.compares.find((compare) => compare.key === write.key);
  const telling = txn.writes.find((write) => compareOf(write) !== undefined) ?? txn.writes[0];
  if (telling === undefined) return true;
  const kv = (await store.range({ key: telling.key })).kvs[0];
  if (telling.op === 'delete') return kv === undefined;
  if (kv === undefined || kv.value !== telling.value) return false;
  const before = compareOf(telling);
  return before === undefined || !('modRevision' in before) || before.modRevision !== kv.modRevision;
}

async function holds(store: Store, compare: Compare): Promise<boolean> {
  const kv = (await store.range({ key: compare.key })).kvs[0];
  if ('modRevision' in compare) return (kv?.modRevision ?? 0) === compare.modRevision;
  return (kv?.createRevision ?? 0) === compare.createRevision;
}
