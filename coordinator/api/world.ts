/** Whether the cluster is still what a plan was made for. */
import { createHash } from 'node:crypto';
import type { Keys } from '../../lib/documents/keys';
import type { Guard } from '../../lib/etcd/store';
import { RpcError } from '../../lib/rpc/types';
import type { ClusterView } from '../view';
import type { ApiContext } from './context';
import { writing } from './context';

const HEX_LENGTH = 12;
const AT = /^(\d{1,15})-([0-9a-f]{12})$/;
/** Of what changed, the first tell enough. */
const MAX_TOLD = 5;

/**
 * Everything that plans go by and that somebody wants: services, config, hosts and what is wanted of them. What follows from
 * it, statuses and assignments, changes all the time.
 * @returns "<etcd revision>-<hash>": the revision is for people, the hash finds what is gone, too
 */
export function worldAt(view: ClusterView, revision: number): string {
  const { services, config, hosts, serviceIntents, clusterIntent } = view;
  const hash = createHash('sha256');
  const add = (kind: string, entries: Iterable<readonly [string, unknown]>): void => {
    for (const [name, value] of [...entries].sort(([a], [b]) => (a < b ? -1 : 1)))
      hash.update(JSON.stringify([kind, name, value]));
  };
  add('service', revisionsOf(services));
  add('config', [['', config.cluster?.modRevision ?? 0]]);
  add('service config', revisionsOf(config.services));
  add('host config', revisionsOf(config.hosts));
  add(
    'host',
    [...hosts.values()].map(({ name, isLive, record, intent }) => [name, [isLive, record, intent]] as const),
  );
  // Who wrote a document says nothing about what becomes of it.
  add(
    'intent',
    [...serviceIntents].map(([name, { document }]) => [name, { ...document, author: undefined }] as const),
  );
  add('cluster', [['', { ...clusterIntent.document, released: {} }]]);
  return `${revision}-${hash.digest('hex').slice(0, HEX_LENGTH)}`;
}

function revisionsOf(documents: ReadonlyMap<string, { readonly modRevision: number }>): (readonly [string, number])[] {
  return [...documents].map(([name, { modRevision }]) => [name, modRevision]);
}

/** What a plan was made for, as it was found to be so still. */
export interface World {
  /** Of etcd. */
  readonly revision: number;
  /** All that is there, what matters most first. */
  readonly keys: readonly string[];
}

/**
 * Hold while it is the same. What was deleted since is noticed as far as there is room for its key: with hundreds of services
 * and hosts, one that goes in the very milliseconds of an apply may go unnoticed.
 * @param intentsSince of what is wanted of services: this apply may have written some of it already
 * @param room for so many guards
 */
export function guardsOf(keys: Keys, world: World, intentsSince: number, room: number): readonly Guard[] {
  const unchanged = [keys.services, keys.config, keys.hosts, keys.clusterIntent];
  const guards: readonly Guard[] = [
    ...unchanged.map((prefix) => ({ prefix, unchangedSince: world.revision })),
    { prefix: keys.serviceIntents, unchangedSince: intentsSince },
  ];
  const there = world.keys.slice(0, Math.max(0, room - guards.length));
  return [...guards, ...there.map((key): Guard => ({ key, exists: true }))];
}

function keysOf(
  { config, services, hosts, clusterIntent, serviceIntents }: ClusterView,
  keys: Keys,
): readonly string[] {
  return [
    ...(clusterIntent.modRevision > 0 ? [keys.clusterIntent] : []),
    ...(config.cluster === undefined ? [] : [keys.clusterConfig]),
    ...[...config.services.keys()].map((name) => keys.serviceConfig(name)),
    ...[...hosts.values()].flatMap(({ name, intent }) => (intent === undefined ? [] : [keys.hostIntent(name)])),
    ...[...services.keys()].map((name) => keys.service(name)),
    ...[...config.hosts.keys()].map((name) => keys.hostConfig(name)),
    ...[...hosts.values()].flatMap(({ name, isLive }) => (isLive ? [keys.hostAlive(name)] : [])),
    ...[...serviceIntents.keys()].map((name) => keys.serviceIntent(name)),
  ];
}

/** @throws RpcError 'refused' with what changed since, as far as that can be told */
export async function requireUnchangedSince(context: ApiContext, at: string): Promise<World> {
  const [, revision, hash] = AT.exec(at) ?? [];
  if (hash === undefined)
    throw new RpcError('invalid', `"${at}" is nothing that a plan gave; "berth plan" prints what --at takes`);
  // The view is a moment behind etcd.
  const { revision: newest } = await writing(() => context.store.range({ key: context.keys.clusterIntent }));
  await context.cluster.reached(newest);
  const { view } = context.cluster;
  if (worldAt(view, 0).endsWith(`-${hash}`))
    return { revision: context.cluster.freshness().revision, keys: keysOf(view, context.keys) };
  const changed = changedSince(view, Number(revision));
  const more = changed.length > MAX_TOLD ? ` and ${changed.length - MAX_TOLD} more` : '';
  const what =
    changed.length === 0
      ? 'a host (it came, went, or was cordoned, drained or freed), a wish of an operator, or something was removed'
      : changed.slice(0, MAX_TOLD).join(', ') + more;
  throw new RpcError(
    'refused',
    `The cluster is not what it was at the plan; changed since: ${what}. Nothing was written; plan again`,
  );
}

function changedSince({ services, config }: ClusterView, revision: number): readonly string[] {
  const newer = (what: string, documents: ReadonlyMap<string, { readonly modRevision: number }>): readonly string[] =>
    revisionsOf(documents).flatMap(([name, modRevision]) => (modRevision > revision ? [`${what} ${name}`.trim()] : []));
  return [
    ...newer('service', services),
    ...((config.cluster?.modRevision ?? 0) > revision ? ['config of the cluster'] : []),
    ...newer('config of service', config.services),
    ...newer('config of host', config.hosts),
  ];
}
