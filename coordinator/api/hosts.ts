/** What operators want of hosts: cordon, drain, uncordon, removal. */
import { decodeDocument, DocumentError, emptyDocument, encodeDocument } from '../../lib/documents/codec';
import type { HostIntent } from '../../lib/documents/types';
import type { KeyValue } from '../../lib/etcd/store';
import {
  RpcError,
  type ChangeHostRequest,
  type ChangeHostResponse,
  type RemoveHostRequest,
  type RemoveHostResponse,
} from '../../lib/rpc/types';
import { isUsable, placementsOf, type HostView } from '../view';
import { requireKnown, type ApiContext } from './context';
import { commit, readKey, requireName, requireShort, unchanged } from './writes';

const ACTIONS = ['cordon', 'drain', 'uncordon'];

export async function changeHost(context: ApiContext, request: ChangeHostRequest): Promise<ChangeHostResponse> {
  requireKnown(context);
  requireShort(request);
  const { host, action, reason, by } = request;
  if (!ACTIONS.includes(action)) throw new RpcError('invalid', `"${action}" is none of ${ACTIONS.join(', ')}`);
  requireName('host', host, context.cluster.view.hosts);
  const key = context.keys.hostIntent(host);
  const before = await readKey(context, key);
  const none = emptyDocument('HostIntent');
  const isFreed = action === 'uncordon';
  // Once more, or on from cordoned to drained, without a reason takes nothing of the first one away.
  const told = reason === '' ? readable(before)?.reason : reason;
  const intent = isFreed ? none : { schedulable: false, drain: action === 'drain', reason: told ?? '', by };
  const value = encodeDocument('HostIntent', intent);
  if (isFreed ? before !== undefined : before?.value !== value) {
    const write = isFreed ? ({ op: 'delete', key } as const) : ({ op: 'put', key, value } as const);
    await commit(context, [unchanged(key, before)], [write], `the host ${host}`);
  }
  const { hosts } = context.cluster.view;
  const view = hosts.get(host);
  return {
    intent,
    changed: !isSameWish(readable(before) ?? none, intent),
    instances: instancesOn(view).size,
    live: view?.isLive ?? false,
    schedulableHosts: [...hosts.values()].filter((one) => isUsable(one) && takesInstances(one)).length,
  };
}

export async function removeHost(context: ApiContext, { host }: RemoveHostRequest): Promise<RemoveHostResponse> {
  requireKnown(context);
  requireName('host', host, context.cluster.view.hosts);
  const { keys, cluster } = context;
  if (await readKey(context, keys.hostAlive(host)))
    throw new RpcError(
      'refused',
      `${host} lives: its agent would register it again. Let it become empty ("berth drain ${host} --wait"), stop its agent ("systemctl disable --now berth-agent" on ${host}), and remove it when it is lost`,
    );
  const parts = ['record', 'intent', 'lost'].map((part) => keys.host(host) + part);
  const pauses = pausesOf(context, host);
  const doomed = [...parts, keys.status(host), keys.assignment(host), ...pauses];
  const found = await Promise.all(doomed.map(async (key) => ({ key, kv: await readKey(context, key) })));
  const instances = instancesOn(cluster.view.hosts.get(host)).size;
  const hasConfig = cluster.view.config.hosts.has(host);
  await commit(
    context,
    [{ key: keys.hostAlive(host), createRevision: 0 }, ...found.map(({ key, kv }) => unchanged(key, kv))],
    found.filter(({ kv }) => kv !== undefined).map(({ key }) => ({ op: 'delete', key })),
    `the host ${host}`,
  );
  return { instances, pauses: pauses.length, configKey: hasConfig ? keys.hostConfig(host) : '' };
}

/** What fits into the transaction; a pause that is left over names nothing, and ends by itself. */
const MAX_PAUSES = 100;

/** Keys of the host's own pause, and of those of instances that no other host has. */
function pausesOf({ keys, cluster: { view } }: ApiContext, host: string): readonly string[] {
  const isHere = (id: string): boolean => [...(view.index?.hostsOfInstance(id) ?? [])].every((name) => name === host);
  const paused = [...instancesOn(view.hosts.get(host))].filter((id) => view.pauses.has(keys.pause('instance', id)));
  const own = [keys.pause('host', host)].filter((key) => view.pauses.has(key));
  return [...own, ...paused.filter(isHere).map((id) => keys.pause('instance', id))].slice(0, MAX_PAUSES);
}

/** Ids of those that it is to run, and of those that it still has. */
function instancesOn(host: HostView | undefined): ReadonlySet<string> {
  if (host === undefined) return new Set();
  return new Set([...placementsOf(host).map(({ id }) => id), ...Object.keys(host.status?.instances ?? {})]);
}

function takesInstances({ intent }: HostView): boolean {
  return intent?.schedulable !== false && intent?.drain !== true;
}

function isSameWish(a: HostIntent, b: HostIntent): boolean {
  return (a.schedulable ?? true) === (b.schedulable ?? true) && a.drain === b.drain;
}

/** Garbage is written over: what it was meant to say is not known. */
function readable(kv: KeyValue | undefined): HostIntent | undefined {
  try {
    return kv && decodeDocument('HostIntent', kv.value);
  } catch (error) {
    if (error instanceof DocumentError) return undefined;
    throw error;
  }
}
