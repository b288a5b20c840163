/** Freezes and unfreezes: nothing changes but repairs. */
import type { ChangeFreezeRequest, ChangeFreezeResponse } from '../../lib/rpc/types';
import { requireKnown, type ApiContext } from './context';
import { editClusterIntent, editServiceIntent, type IntentEdit } from './intents';
import { namesOf } from './releases';
import { commit, requireName, requireShort } from './writes';

type Freezable = Pick<Awaited<ReturnType<typeof editClusterIntent>>['before'], 'freeze'>;

export async function changeFreeze(context: ApiContext, request: ChangeFreezeRequest): Promise<ChangeFreezeResponse> {
  requireKnown(context);
  requireShort(request);
  const { service } = request;
  const { view } = context.cluster;
  if (service === '') return change(context, request, await editClusterIntent(context), 'the cluster');
  requireName('service', service, namesOf(view));
  const answer = await change(context, request, await editServiceIntent(context, service), service);
  const cluster = view.clusterIntent.document.freeze;
  return { ...answer, ...(!request.frozen && cluster && { cluster }) };
}

async function change<T extends Freezable>(
  context: ApiContext,
  { frozen, reason, by }: ChangeFreezeRequest,
  { before, change }: IntentEdit<T>,
  what: string,
): Promise<ChangeFreezeResponse> {
  const { freeze, ...rest } = before;
  // Once more, without a reason, takes nothing of the first one away.
  const again = reason === '' ? freeze : undefined;
  const after = (frozen ? { ...rest, freeze: again ?? { reason, by, atMs: context.wallMs() } } : rest) as T;
  const { compares, writes } = change(after);
  if (writes.length > 0) await commit(context, compares, writes, `what is wanted of ${what}`);
  return { ...(freeze && { before: freeze }) };
}
