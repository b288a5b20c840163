/** What the calls that write have in common. */
import { MAX_TXN_WRITES, type Compare, type KeyValue, type Write } from '../../lib/etcd/store';
import { nearestName } from '../../lib/nearest';
import { RpcError } from '../../lib/rpc/types';
import { writing, type ApiContext } from './context';

const MAX_REASON_CHARACTERS = 300;
const MAX_BY_CHARACTERS = 200;

/** @throws RpcError 'invalid' for words that would fill a document */
export function requireShort({ reason = '', by }: { readonly reason?: string; readonly by: string }): void {
  if (reason.length > MAX_REASON_CHARACTERS || by.length > MAX_BY_CHARACTERS)
    throw new RpcError(
      'invalid',
      `a reason has ${MAX_REASON_CHARACTERS} characters at most, a name ${MAX_BY_CHARACTERS}`,
    );
}

/** @throws RpcError 'not-found' with the nearest name */
export function requireName(
  kind: string,
  name: string,
  known: { has(name: string): boolean; keys(): Iterable<string> },
): void {
  if (known.has(name)) return;
  const nearest = nearestName(name, known.keys());
  throw new RpcError(
    'not-found',
    `there is no ${kind} "${name}"${nearest === undefined ? '' : ` (did you mean "${nearest}"?)`}`,
  );
}

/** What etcd has under a key now: the view may be a moment old, and what is written over must have been read. */
export async function readKey({ store }: ApiContext, key: string): Promise<KeyValue | undefined> {
  return (await writing(() => store.range({ key }))).kvs[0];
}

/** Holds when the key is as it was read. */
export function unchanged(key: string, before: { readonly modRevision: number } | undefined): Compare {
  return { key, modRevision: before?.modRevision ?? 0 };
}

/**
 * All of the writes or none, and settles when the view has them.
 * @param what was changed by somebody else when the compares do not hold: "the host h1"
 */
export async function commit(
  context: ApiContext,
  compares: readonly Compare[],
  writes: readonly Write[],
  what: string,
): Promise<void> {
  if (writes.length > MAX_TXN_WRITES)
    throw new RpcError('invalid', `${writes.length} documents at once; ${MAX_TXN_WRITES} are the limit`);
  const { succeeded, revision } = await writing(() => context.store.txn({ compares, writes }));
  if (!succeeded)
    throw new RpcError(
      'unavailable',
      `somebody else changed ${what} at the same moment; nothing was written, try again`,
    );
  await context.cluster.reached(revision);
}
