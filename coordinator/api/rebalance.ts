/** Moves instances to better hosts, as many as an operator asks for. */
import { RpcError, type RebalanceRequest, type RebalanceResponse } from '../../lib/rpc/types';
import { MAX_MOVES, planRebalance } from '../schedule/rebalance';
import { requireKnown, type ApiContext } from './context';
import { editClusterIntent } from './intents';
import { commit } from './writes';

export async function rebalance(
  context: ApiContext,
  { maxMoves, isPreview }: RebalanceRequest,
): Promise<RebalanceResponse> {
  requireKnown(context);
  if (maxMoves < 1 || maxMoves > MAX_MOVES)
    throw new RpcError('invalid', `${maxMoves} moves; 1 to ${MAX_MOVES} can be asked for`);
  const { view } = context.cluster;
  const { freeze } = view.clusterIntent.document;
  if (freeze !== undefined && !isPreview)
    throw new RpcError('refused', 'the cluster is frozen, and nothing moves; "berth unfreeze" ends it');
  const moves = planRebalance(view, { maxMoves, pauses: context.cluster.pauses() });
  const freshness = context.cluster.freshness();
  if (isPreview || moves.length === 0) return { moves, freshness };
  const { before, change } = await editClusterIntent(context);
  const { compares, writes } = change({ ...before, moves: moves.map(({ id }) => id) });
  if (writes.length > 0) await commit(context, compares, writes, 'what is wanted of the cluster');
  return { moves, freshness };
}
