/** What operators write into etcd, of all kinds: well-formed, ill-formed, and such as never run. */
import { toHost, type Fault } from './fault';
import { TAKES_COLOR } from './layers';
import { keys, type SimulatedCluster } from './simulated-cluster';
import { JOB_COMMAND } from './simulated-host';

export const SERVICES = ['web', 'api', 'job'];
const PAUSE_MS = 60_000;
export const GARBAGE_PAUSE = 'for an hour';

function documentBy({ chance }: SimulatedCluster): string {
  if (chance.happens(0.1)) return chance.pick(['image: [', 'imagee: web:1', 'image: web:1\nports: ["99999:1"]']);
  const name = chance.pick(['web', 'web', 'api', 'api', 'stubborn', 'crashing', 'broken', 'nowhere', 'sickly', 'done']);
  const lines = [
    `image: ${name}:${1 + chance.below(3)}`,
    chance.happens(0.3) ? 'ports: ["8080:80"]' : 'ports: ["80"]',
    chance.happens(0.4) && 'healthcheck: { test: ["CMD", "x"] }',
    chance.happens(0.14) &&
      `depends_on: ${chance.pick([`[${chance.pick(SERVICES)}]`, `{ ${chance.pick(SERVICES)}: { condition: service_healthy } }`])}`,
    chance.happens(0.08) && 'pull_policy: always',
    chance.happens(0.08) && 'post_start: [{ command: [warm] }]',
    chance.happens(0.08) && 'pre_stop: [{ command: [leave] }]',
    chance.happens(0.15) && TAKES_COLOR,
    chance.happens(0.4) && `x-berth: { ${berthBy(chance)} }`,
    `deploy: { ${deployBy(chance)} }`,
  ];
  return `${lines.filter((line) => line !== false).join('\n')}\n`;
}

function berthBy(chance: SimulatedCluster['chance']): string {
  const parts = [
    chance.happens(0.3) && 'drain: 3s',
    chance.happens(0.3) && 'config: all',
    chance.happens(0.3) && `canary: ${1 + chance.below(2)}${chance.happens(0.7) ? ', auto_promote: true' : ''}`,
    chance.happens(0.3) && `before: { command: [${chance.pick([JOB_COMMAND, JOB_COMMAND, 'hangs'])}], timeout: 20s }`,
    chance.happens(0.5) && `rollout_deadline: ${chance.pick(['1m', '2m'])}`,
    chance.happens(0.5) && `on_disconnect: ${chance.pick(['keep', '{ stop_after: 10s }', '{ replace_after: 20s }'])}`,
  ];
  return parts.filter((part) => part !== false).join(', ');
}

function deployBy(chance: SimulatedCluster['chance']): string {
  const parts = [
    chance.happens(0.2) ? 'mode: global' : `replicas: ${chance.below(6)}`,
    chance.happens(0.3) &&
      `resources: { limits: { memory: ${chance.pick(['64M', '5G'])}, cpus: "2" }, reservations: { memory: ${chance.pick(['32M', '3G'])}, cpus: "${chance.pick(['0.1', '1.5'])}" } }`,
    chance.happens(0.2) &&
      `restart_policy: { condition: ${chance.pick(['any', 'on-failure', 'none'])}, max_attempts: 3 }`,
    chance.happens(0.6) && `update_config: { ${updateBy(chance)} }`,
  ];
  return parts.filter((part) => part !== false).join(', ');
}

function updateBy(chance: SimulatedCluster['chance']): string {
  return [
    `parallelism: ${chance.below(3)}`,
    `monitor: ${chance.pick(['0s', '2s', '5s'])}`,
    `delay: ${chance.pick(['0s', '0s', '3s'])}`,
    `failure_action: ${chance.pick(['rollback', 'rollback', 'pause', 'continue'])}`,
    `max_failure_ratio: ${chance.pick(['0', '0.3'])}`,
    ...(chance.happens(0.3) ? ['order: stop-first'] : []),
  ].join(', ');
}

export const DOCUMENT_FAULTS: readonly Fault[] = [
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
  toHost('pause', 3, async ({ name: host, docker }, cluster) => {
    const instances = [...docker.containers.values()].map(({ request }) => request.instance);
    const [kind, name] = cluster.chance.pick([
      ['host', host] as const,
      ['service', cluster.chance.pick(SERVICES)] as const,
      ['instance', instances.length === 0 ? 'web-1-none' : cluster.chance.pick(instances)] as const,
    ]);
    const untilMs = cluster.clock.wallMs() + cluster.chance.next() * PAUSE_MS;
    const pause = { kind, name, untilMs: Math.floor(untilMs), reason: 'by chance', by: 'operator' };
    await cluster.write(keys.pause(kind, name), JSON.stringify(pause));
    return `${kind} ${name}`;
  }),
  {
    name: 'resume, or write garbage over a pause',
    weight: 2,
    act: async (cluster) => {
      const pauses = (await cluster.etcd.range({ prefix: keys.pauses })).kvs;
      if (pauses.length === 0) return 'nothing is paused';
      const { key } = cluster.chance.pick(pauses);
      const isResume = cluster.chance.happens(0.7);
      if (isResume) await cluster.etcd.txn({ compares: [], writes: [{ op: 'delete', key }] });
      else await cluster.write(key, GARBAGE_PAUSE);
      return `${key} ${isResume ? 'resumed' : 'garbage'}`;
    },
  },
];
