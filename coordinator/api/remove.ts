import { MAX_TXN_WRITES } from '../../lib/etcd/store';
import { nearestName } from '../../lib/nearest';
import { RpcError, type RemoveRequest, type RemoveResponse } from '../../lib/rpc/types';
import { requireKnown, writing, type ApiContext } from './context';
import { heldByFreeze } from './intents';

/** Deletes service documents: all of them, or, when one is not there or is frozen, none. */
export async function remove(context: ApiContext, { services }: RemoveRequest): Promise<RemoveResponse> {
  requireKnown(context);
  const names = [...new Set(services)];
  if (names.length === 0) throw new RpcError('invalid', 'name the services to remove');
  if (names.length > MAX_TXN_WRITES)
    throw new RpcError('invalid', `${names.length} services at once; ${MAX_TXN_WRITES} are the limit`);
  const present = context.cluster.view.services;
  const missing = names.filter((name) => !present.has(name));
  if (missing.length > 0) {
    const hints = missing.map((name) => {
      const nearest = nearestName(name, present.keys());
      return `"${name}"${nearest === undefined ? '' : ` (did you mean "${nearest}"?)`}`;
    });
    throw new RpcError('not-found', `there is no service ${hints.join(', ')}; nothing was removed`);
  }
  const frozen = names.map((name) => heldByFreeze(context.cluster.view, name)).filter((why) => why !== '');
  if (frozen.length > 0) throw new RpcError('refused', `${frozen.join('; ')}. Nothing was removed`);
  const keyOf = (name: string): string => context.keys.service(name);
  const { succeeded } = await writing(() =>
    context.store.txn({
      compares: names.map((name) => ({ key: keyOf(name), modRevision: present.get(name)!.modRevision })),
      writes: names.map((name) => ({ op: 'delete', key: keyOf(name) })),
    }),
  );
  if (!succeeded)
    throw new RpcError(
      'unavailable',
      'one of the services was changed at the same moment; nothing was removed, try again',
    );
  return {};
}
