// One whole cluster on this machine: an etcd, a coordinator, an agent, and the demo service on them.
import { join } from 'node:path';
import { freePort, HOST, makeFolder, ROOT, run, stage, start, until } from './machine.mjs';
import { buildImage, ensureDocker, sweepContainers, sweepLeftovers } from './machine.mjs';

const BERTH = join(ROOT, 'bin/berth');
const COMPOSE = 'examples/hello/compose.yaml';
export const REPLICAS = 2;

/** @returns addresses of everything, once the demo answers */
export async function bringUp() {
  await sweepLeftovers();
  const folder = makeFolder();
  await ensureDocker();
  await sweepContainers();
  const ports = await Promise.all(Array.from({ length: 6 }, freePort));
  const [etcdPort, peerPort, grpcPort, coordinatorHttp, agentHttp, dns] = ports.map((port) => `127.0.0.1:${port}`);
  const etcd = `http://${etcdPort}`;
  stage('starting etcd');
  startEtcd(join(folder, 'etcd'), etcd, `http://${peerPort}`);
  await until('etcd', () => isOk(`${etcd}/health`));
  stage('starting a coordinator and an agent');
  start('coordinator', BERTH, ['coordinator', '--etcd', etcd, '--grpc', grpcPort, '--http', coordinatorHttp]);
  const socket = join(folder, 'agent.sock');
  const own = ['--state-dir', join(folder, 'agent'), '--socket', socket, '--dns', dns];
  const place = ['--name', HOST, '--address', await bridgeAddress(), ...own];
  start('agent', BERTH, ['agent', '--etcd', etcd, ...place, '--http', agentHttp]);
  for (const address of [coordinatorHttp, agentHttp])
    await until('the daemons', () => isOk(`http://${address}/readyz`));
  await buildImage();
  const cluster = {
    etcd,
    coordinator: grpcPort,
    socket,
    metrics: [agentHttp, coordinatorHttp].map((at) => `http://${at}/metrics`),
  };
  stage(`applying ${COMPOSE}`);
  await berth(cluster, 'apply', '-f', COMPOSE, '--wait', '--timeout', '60');
  const urls = await answeringUrls(cluster, REPLICAS);
  stage('both instances answer');
  return { ...cluster, urls };
}

/** The address of this machine at which its containers reach it too, unlike 127.0.0.1. */
async function bridgeAddress() {
  const { Gateway } = JSON.parse(
    await run('docker', ['network', 'inspect', 'bridge', '--format', '{{json (index .IPAM.Config 0)}}']),
  );
  return Gateway ?? '127.0.0.1';
}

function startEtcd(dataDir, client, peer) {
  start('etcd', 'etcd', [
    ...['--data-dir', dataDir, '--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`],
  ]);
}

const isOk = async (url) => (await fetch(url)).ok;

export const berth = ({ coordinator }, ...args) =>
  run(BERTH, args, { env: { ...process.env, BERTH_COORDINATOR: coordinator } });

/** URLs of the demo's instances, once there are so many and each answers. */
export function answeringUrls(cluster, count, greeting = 'Hello from Berth') {
  return until(
    `${count} instances that answer "${greeting}"`,
    async () => {
      const { instances } = JSON.parse(await berth(cluster, 'ps', 'web', '--json'));
      const running = instances.filter(({ status }) => status.phase === 'RUNNING');
      if (instances.length !== count || running.length !== count) return undefined;
      const urls = running.map(
        ({ address, status }) => `http://${address}:${status.ports[0].published}/cgi-bin/index.cgi`,
      );
      const answers = await Promise.all(urls.map(async (url) => (await fetch(url)).text()));
      return answers.every((text) => text.startsWith(greeting)) ? urls : undefined;
    },
    60_000,
  );
}

/** What a person can try, as commands for a shell in the folder of the project. `check` tries them as they stand here. */
export function thingsToTry({ etcd, coordinator, socket }) {
  const first = `$(docker ps -q --filter label=berth.host=${HOST} | head -1)`;
  const etcdctl = `ETCDCTL_API=3 etcdctl --endpoints ${etcd}`;
  return {
    settings: [`export BERTH_COORDINATOR=${coordinator}`, `export BERTH_SOCKET=${socket}`],
    kill: `docker kill ${first}; sleep 1; bin/berth ps`,
    scale: 'bin/berth scale web=4 --wait && bin/berth ps',
    edit:
      `${etcdctl} get --print-value-only /berth/services/web | sed 's/Hello from/Greetings from/' \\\n` +
      `       | ${etcdctl} put /berth/services/web && sleep 5 && bin/berth services`,
    ask: 'bin/berth agent status',
    find: 'bin/berth dns _http._tcp.web.service.berth',
    inside: `docker exec ${first} busybox nslookup web.service.berth`,
  };
}
