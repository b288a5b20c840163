/** What Berth does not do before an operator says so. */
import {
  RpcError,
  type ListAlarmsResponse,
  type ReleaseAlarmRequest,
  type ReleaseAlarmResponse,
} from '../../lib/rpc/types';
import { requireKnown, type ApiContext } from './context';
import { editClusterIntent } from './intents';
import { openAlarms } from './lists';
import { commit } from './writes';

export function listAlarms(context: ApiContext): ListAlarmsResponse {
  requireKnown(context);
  const { view } = context.cluster;
  const open = openAlarms(view);
  const alarms = view.clusterStatus.document.alarms.map((alarm) => ({ alarm, released: !open.includes(alarm) }));
  return { alarms, freshness: context.cluster.freshness() };
}

export async function releaseAlarm(context: ApiContext, { kind }: ReleaseAlarmRequest): Promise<ReleaseAlarmResponse> {
  requireKnown(context);
  const { alarms } = context.cluster.view.clusterStatus.document;
  const alarm = alarms.find((one) => one.kind === kind);
  if (alarm === undefined) {
    const kinds = alarms.map((one) => one.kind).join(', ');
    throw new RpcError(
      'not-found',
      `there is no alarm "${kind}"; ${kinds === '' ? 'there is none at all' : `there is ${kinds}`}`,
    );
  }
  const { before, change } = await editClusterIntent(context);
  const { compares, writes } = change({ ...before, released: { ...before.released, [kind]: alarm.id } });
  if (writes.length > 0) await commit(context, compares, writes, 'what is wanted of the cluster');
  return { alarm };
}
