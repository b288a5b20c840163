/** What happens to etcd, and between it and its clients. */
import { toHost, type Fault } from './fault';
import { keys, type SimulatedCluster } from './simulated-cluster';

/** To whoever talks to etcd, one at a time. */
function toClient(
  name: string,
  weight: number,
  act: (cluster: SimulatedCluster, store: SimulatedCluster['etcd']) => void,
): Fault {
  return {
    name,
    weight,
    act: (cluster) => {
      const { hosts, coordinators, chance } = cluster;
      const client = chance.pick([
        ...hosts.map((host) => ({ name: host.name, process: host.process })),
        ...coordinators.map((one, index) => ({ name: `c${index + 1}`, process: one?.process })),
      ]);
      if (client.process !== undefined) act(cluster, client.process.store);
      return client.name;
    },
  };
}

export const ETCD_FAULTS: readonly Fault[] = [
  toClient('cut off from etcd', 4, (_, store) => store.faults.disconnect()),
  toClient('frozen', 3, (_, store) => store.faults.freeze()),
  toClient('reconnected', 8, (_, store) => store.faults.reconnect()),
  toClient('replies lost', 3, ({ chance }, store) => store.faults.loseReplies(1 + chance.below(3))),
  toClient('requests lost', 3, ({ chance }, store) => store.faults.loseRequests(1 + chance.below(3))),
  toHost('its lease is lost', 2, async ({ name }, { etcd }) => {
    const lease = (await etcd.range({ key: keys.hostAlive(name) })).kvs[0]?.lease;
    if (lease !== undefined) etcd.faults.expireLease(lease);
    return lease ?? 'it has none';
  }),
  {
    name: 'compact',
    weight: 2,
    act: ({ etcd }) => {
      etcd.faults.compact(etcd.revision);
      return String(etcd.revision);
    },
  },
  {
    name: 'etcd is emptied',
    weight: 1,
    act: ({ etcd }) => {
      etcd.faults.wipe();
      return '';
    },
  },
  {
    name: 'etcd is backed up, or restored',
    weight: 3,
    act: async (cluster) => {
      const restore = cluster.backup;
      cluster.backup = restore === undefined ? cluster.etcd.faults.backUp() : undefined;
      restore?.();
      if (restore !== undefined) cluster.restoredAtMs = cluster.clock.monotonicMs();
      return restore === undefined ? 'backed up' : 'restored';
    },
  },
  toHost('garbage', 2, async ({ name }, cluster) => {
    const key = cluster.chance.pick([keys.assignment(name), keys.hostRecord(name), keys.serviceStatus('web')]);
    await cluster.write(key, cluster.chance.pick(['{', '[]', '{"x":1}', '']));
    return key;
  }),
  toHost('its assignment is lost, and what its agents kept on disk', 1, async (host, { etcd }) => {
    await etcd.txn({ compares: [], writes: [{ op: 'delete', key: keys.assignment(host.name) }] });
    host.loseDisk();
  }),
  toHost('somebody deletes a key', 4, async ({ name }, cluster) => {
    const ofHost = [keys.assignment(name), keys.status(name), keys.hostRecord(name), keys.hostAlive(name)];
    const key = cluster.chance.pick([...ofHost, keys.serviceStatus('web')]);
    await cluster.etcd.txn({ compares: [], writes: [{ op: 'delete', key }] });
    return key;
  }),
];
