/** Pure: what an operator has asked to stay as it is. */
import type { ClusterView } from '../view';

/** @returns why nothing of the service changes but repairs, for people; empty when it may change */
export function whyFrozen({ clusterIntent, serviceIntents }: ClusterView, service: string): string {
  const ofCluster = clusterIntent.document.freeze;
  const freeze = ofCluster ?? serviceIntents.get(service)?.document.freeze;
  if (freeze === undefined) return '';
  const what = ofCluster === undefined ? 'frozen' : 'the cluster is frozen';
  const by = freeze.by === '' ? '' : ` by ${freeze.by}`;
  const reason = freeze.reason === '' ? '' : `: ${freeze.reason}`;
  return `${what}${by}${reason}; "berth unfreeze${ofCluster === undefined ? ` ${service}` : ''}" ends it`;
}
