/** What operators ask of hosts, services and the cluster beside their documents, at the worst moment. */
import type { ClusterIntent, ServiceIntent } from '../../lib/documents/types';
import { decodeDocument, emptyDocument, encodeDocument } from '../../lib/documents/codec';
import { SERVICES } from './documents';
import { toHost, type Fault } from './fault';
import { LAYERS } from './layers';
import { keys, type SimulatedCluster } from './simulated-cluster';

const FREEZE = { reason: 'by chance', by: 'operator', atMs: 1 };

async function intentOf(cluster: SimulatedCluster, service: string): Promise<ServiceIntent> {
  const [kv] = (await cluster.etcd.range({ key: keys.serviceIntent(service) })).kvs;
  return kv === undefined ? emptyDocument('ServiceIntent') : decodeDocument('ServiceIntent', kv.value);
}

async function clusterIntentOf(cluster: SimulatedCluster): Promise<ClusterIntent> {
  const [kv] = (await cluster.etcd.range({ key: keys.clusterIntent })).kvs;
  return kv === undefined ? emptyDocument('ClusterIntent') : decodeDocument('ClusterIntent', kv.value);
}

/** As `berth alarms release` does. @returns how many there were */
export async function releaseAlarms(cluster: SimulatedCluster): Promise<number> {
  const [kv] = (await cluster.etcd.range({ key: keys.clusterStatus })).kvs;
  const { alarms } = kv === undefined ? { alarms: [] } : decodeDocument('ClusterStatus', kv.value);
  if (alarms.length === 0) return 0;
  const intent = await clusterIntentOf(cluster);
  const released = { ...intent.released, ...Object.fromEntries(alarms.map(({ kind, id }) => [kind, id])) };
  await cluster.write(keys.clusterIntent, encodeDocument('ClusterIntent', { ...intent, released }));
  return alarms.length;
}

/** Nobody wants anything any more but what documents say. */
export async function endWishes(cluster: SimulatedCluster): Promise<void> {
  const wishes = [
    ...cluster.hosts.map(({ name }) => keys.hostIntent(name)),
    ...SERVICES.map((service) => keys.serviceIntent(service)),
    keys.clusterIntent,
  ];
  for (const key of wishes) await cluster.etcd.txn({ compares: [], writes: [{ op: 'delete', key }] });
}

export const OPERATOR_FAULTS: readonly Fault[] = [
  toHost('cordon, drain, or neither', 4, async ({ name }, cluster) => {
    const what = cluster.chance.pick(['cordon', 'drain', 'drain', 'uncordon', 'uncordon'] as const);
    const intent = { ...emptyDocument('HostIntent'), schedulable: false, drain: what === 'drain' };
    const key = keys.hostIntent(name);
    if (what === 'uncordon') await cluster.etcd.txn({ compares: [], writes: [{ op: 'delete', key }] });
    else await cluster.write(key, encodeDocument('HostIntent', intent));
    return what;
  }),
  {
    name: 'freeze or unfreeze',
    weight: 2,
    act: async (cluster) => {
      const isFrozen = cluster.chance.happens(0.4);
      const change = { freeze: isFrozen ? FREEZE : undefined };
      const service = cluster.chance.pick([...SERVICES, undefined]);
      if (service === undefined) {
        const intent = { ...(await clusterIntentOf(cluster)), ...change };
        await cluster.write(keys.clusterIntent, encodeDocument('ClusterIntent', intent as ClusterIntent));
      } else {
        const intent = { ...(await intentOf(cluster, service)), ...change };
        await cluster.write(keys.serviceIntent(service), encodeDocument('ServiceIntent', intent as ServiceIntent));
      }
      return `${service ?? 'the cluster'} ${isFrozen ? 'frozen' : 'unfrozen'}`;
    },
  },
  {
    name: 'rollback',
    weight: 3,
    act: async (cluster) => {
      const service = cluster.chance.pick(SERVICES);
      const { kvs } = await cluster.etcd.range({ prefix: keys.releasesOf(service) });
      const numbers = kvs.map(({ key }) => Number(key.slice(keys.releasesOf(service).length)));
      if (numbers.length === 0) return `${service} has no release`;
      const rollback = {
        ...{ release: cluster.chance.pick(numbers), insteadOf: Math.max(...numbers) },
        ...{ by: 'operator', atMs: 1 },
      };
      const intent = { ...(await intentOf(cluster, service)), rollback };
      await cluster.write(keys.serviceIntent(service), encodeDocument('ServiceIntent', intent));
      return `${service} to ${rollback.release} instead of ${rollback.insteadOf}`;
    },
  },
  {
    name: 'redeploy',
    weight: 2,
    act: async (cluster) => {
      const service = cluster.chance.pick(SERVICES);
      const { kvs, revision } = await cluster.etcd.range({ prefix: keys.releasesOf(service) });
      const numbers = kvs.map(({ key }) => Number(key.slice(keys.releasesOf(service).length)));
      if (numbers.length === 0) return `${service} has no release`;
      const force = cluster.chance.happens(0.6);
      const redeploy = { atMs: revision, insteadOf: Math.max(...numbers), force, reason: '', by: 'operator' };
      const intent = { ...(await intentOf(cluster, service)), redeploy };
      await cluster.write(keys.serviceIntent(service), encodeDocument('ServiceIntent', intent));
      return `${service}@${redeploy.insteadOf}${force ? ' by force' : ''}`;
    },
  },
  {
    name: 'config',
    weight: 3,
    act: async (cluster) => {
      const service = cluster.chance.pick(SERVICES);
      const host = cluster.chance.pick(cluster.hosts).name;
      const key = cluster.chance.pick([keys.clusterConfig, keys.serviceConfig(service), keys.hostConfig(host)]);
      const values = cluster.chance.pick(LAYERS);
      await cluster.write(key, values);
      return `${key} ${values}`;
    },
  },
  {
    name: 'an operator releases alarms',
    weight: 2,
    act: async (cluster) => String(await releaseAlarms(cluster)),
  },
  toHost('power cut', 2, (host) => {
    host.killAgent();
    for (const { id, state } of [...host.docker.containers.values()])
      if (state === 'running') host.docker.exit(id, 137);
  }),
];
