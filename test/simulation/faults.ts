/** What happens to a simulated cluster: each once in a while, by chance. */
import { EngineError } from '../../agent/docker/engine';
import type { MemoryCall } from '../../agent/docker/memory-docker';
import { isUp } from '../../agent/docker/memory-docker';
import { keys, type SimulatedCluster } from './simulated-cluster';

export const SERVICES = ['web', 'api', 'job'];
const FAILING: readonly MemoryCall[] = ['list', 'create', 'start', 'stop', 'remove', 'pull', 'presentImages'];

export interface Fault {
  readonly name: string;
  /** How often, beside the others. */
  readonly weight: number;
  /** @returns what exactly, for the trace */
  readonly act: (cluster: SimulatedCluster) => Promise<string> | string;
}

/** Well-formed, ill-formed, and such as never run. */
function documentBy({ chance }: SimulatedCluster): string {
  if (chance.happens(0.1)) return chance.pick(['image: [', 'imagee: web:1', 'image: web:1\nports: ["99999:1"]']);
  const image = `${chance.pick(['web', 'web', 'api', 'api', 'stubborn', 'crashing', 'broken', 'nowhere'])}:${1 + chance.below(3)}`;
  const port = chance.happens(0.3) ? 'ports: ["8080:80"]\n' : 'ports: ["80"]\n';
  const check = chance.happens(0.4) ? 'healthcheck: { test: ["CMD", "x"] }\n' : '';
  const deploy = chance.happens(0.2) ? '{ mode: global }' : `{ replicas: ${chance.below(6)} }`;
  return `image: ${image}\n${port}${check}deploy: ${deploy}\n`;
}

const anyHost = (cluster: SimulatedCluster) => cluster.chance.pick(cluster.hosts);

function anyContainer(cluster: SimulatedCluster): [ReturnType<typeof anyHost>, string] | undefined {
  const host = anyHost(cluster);
  const up = [...host.docker.containers.values()].filter(isUp);
  return up.length === 0 ? undefined : [host, cluster.chance.pick(up).id];
}

function toContainer(name: string, weight: number, act: (host: ReturnType<typeof anyHost>, id: string) => void): Fault {
  return {
    name,
    weight,
    act: (cluster) => {
      const found = anyContainer(cluster);
      if (found !== undefined) act(...found);
      return found?.[0].name ?? 'none runs';
    },
  };
}

/** Whoever talks to etcd, one at a time. */
function anyClient({ hosts, coordinators, chance }: SimulatedCluster) {
  const named = [
    ...hosts.map(({ name, process }) => ({ name, process })),
    ...coordinators.map((one, index) => ({ name: `c${index + 1}`, process: one?.process })),
  ];
  return chance.pick(named);
}

function toClient(
  name: string,
  weight: number,
  act: (cluster: SimulatedCluster, store: SimulatedCluster['etcd']) => void,
): Fault {
  return {
    name,
    weight,
    act: (cluster) => {
      const client = anyClient(cluster);
      if (client.process !== undefined) act(cluster, client.process.store);
      return client.name;
    },
  };
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'edit',
    weight: 12,
    act: async (cluster) => {
      const [service, document] = [cluster.chance.pick(SERVICES), documentBy(cluster)];
      await cluster.put(service, document);
      return `${service}: ${JSON.stringify(document)}`;
    },
  },
  {
    name: 'delete a service',
    weight: 2,
    act: async (cluster) => {
      const service = cluster.chance.pick(SERVICES);
      await cluster.delete(service);
      return service;
    },
  },
  toContainer('exit', 5, ({ docker }, id) => docker.exit(id, 1)),
  toContainer('docker rm -f', 3, ({ docker }, id) => docker.removeByForce(id)),
  toContainer('unhealthy', 2, ({ docker }, id) => docker.setHealth(id, 'unhealthy')),
  {
    name: 'kill or start an agent',
    weight: 8,
    act: (cluster) => {
      const host = anyHost(cluster);
      if (host.process === undefined) host.startAgent();
      else host.killAgent();
      return `${host.name} ${host.process === undefined ? 'killed' : 'started'}`;
    },
  },
  {
    name: 'kill or start a coordinator',
    weight: 5,
    act: (cluster) => {
      const index = cluster.chance.below(cluster.coordinators.length);
      if (cluster.coordinators[index] === undefined) cluster.startCoordinator(index);
      else cluster.killCoordinator(index);
      return `c${index + 1} ${cluster.coordinators[index] === undefined ? 'killed' : 'started'}`;
    },
  },
  {
    name: 'a call to Docker fails',
    weight: 6,
    act: (cluster) => {
      const [host, call] = [anyHost(cluster), cluster.chance.pick(FAILING)];
      const code = cluster.chance.pick(['unavailable', 'timeout', 'other'] as const);
      host.docker.fail(call, new EngineError(code, `${call} is made to fail`), 1 + cluster.chance.below(4));
      return `${host.name} ${call} ${code}`;
    },
  },
  {
    name: 'Docker goes or comes',
    weight: 3,
    act: (cluster) => {
      const host = anyHost(cluster);
      const isDown = cluster.chance.happens(0.5);
      host.docker.setDown(isDown);
      return `${host.name} ${isDown ? 'down' : 'up'}`;
    },
  },
  {
    name: 'Docker loses events, or not',
    weight: 2,
    act: (cluster) => {
      const host = anyHost(cluster);
      host.docker.losesEvents = cluster.chance.happens(0.5);
      return `${host.name} ${String(host.docker.losesEvents)}`;
    },
  },
  toClient('cut off from etcd', 4, (_, store) => store.faults.disconnect()),
  toClient('frozen', 3, (_, store) => store.faults.freeze()),
  toClient('reconnected', 8, (_, store) => store.faults.reconnect()),
  toClient('replies lost', 3, ({ chance }, store) => store.faults.loseReplies(1 + chance.below(3))),
  toClient('requests lost', 3, ({ chance }, store) => store.faults.loseRequests(1 + chance.below(3))),
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
      return restore === undefined ? 'backed up' : 'restored';
    },
  },
  {
    name: 'garbage',
    weight: 2,
    act: async (cluster) => {
      const { name } = anyHost(cluster);
      const key = cluster.chance.pick([keys.assignment(name), keys.hostRecord(name), keys.serviceStatus('web')]);
      await cluster.write(key, cluster.chance.pick(['{', '[]', '{"x":1}', '']));
      return key;
    },
  },
  {
    name: 'somebody deletes a key',
    weight: 2,
    act: async (cluster) => {
      const { name } = anyHost(cluster);
      const ofHost = [keys.assignment(name), keys.status(name), keys.hostRecord(name), keys.hostAlive(name)];
      const key = cluster.chance.pick([...ofHost, keys.serviceStatus('web')]);
      await cluster.etcd.txn({ compares: [], writes: [{ op: 'delete', key }] });
      return key;
    },
  },
];
