import { systemClock } from '../lib/clock';
import type { AgentConfig } from '../lib/config/daemons';
import { keysUnder } from '../lib/documents/keys';
import { connectEtcd } from '../lib/etcd/etcd3-store';
import { plain, startHttpServer } from '../lib/http-server';
import { isLoopback } from '../lib/listen-address';
import { createLogger } from '../lib/log';
import { waitForSignal } from '../lib/signals';
import { Agent } from './agent';
import type { AgentOptions } from './agent-options';
import { createAgentApi } from './api/agent-api';
import { serveOnSocket } from './api/socket';
import { copyInFolder } from './desired/disk-copy';
import { createDockerEngine } from './docker/dockerode-engine';
import { takeInherited } from './dns/server/inherited';
import { HostDiscovery } from './host-discovery';
import type { ForeignEndpoints } from './endpoints/foreign/foreign-endpoints';
import type { ForeignTools } from './endpoints/foreign/start-foreign';
import { lockStateDir, readAgentId } from './identity';
import { memoryInFolder } from './memory/memory-copy';
import { createAgentMetrics, type AgentMetrics } from './metrics';
import { createProber } from './probes/prober';
import { createTryProbe } from './probes/try-probe';
import { readDiskUse } from './tidy/disk-use';
import { imagesInFolder } from './tidy/image-notes';

/**
 * Runs the agent until SIGTERM or SIGINT. Containers are left as they are, however it ends.
 * @param onBoundary for tests, which end the agent there
 * @returns the exit code: 0 after a signal, 1 when this agent must not run
 */
export async function runAgent(
  config: AgentConfig,
  { onBoundary }: Pick<AgentOptions, 'onBoundary'> = {},
): Promise<number> {
  const stopped = waitForSignal();
  const log = createLogger({ component: 'agent', level: config.logLevel }).child({ host: config.name });
  const lock = await lockStateDir(config.stateDir);
  const { name, address, prefix, docker, stateDir } = config;
  const { dockerConfig, registryMirrors: mirrors, minFreeSpace } = config;
  const registries = { dockerConfig, mirrors, minFreeSpace };
  const clock = systemClock;
  const random = Math.random;
  const store = connectEtcd({ endpoints: config.etcd });
  const agentMetrics = createAgentMetrics();
  const agentId = await readAgentId(stateDir);
  const inherited = await takeInherited(process.env, process.pid);
  const discovery = new HostDiscovery(config, {
    ...{ store, clock, random, log, metrics: agentMetrics, inherited },
    engine: { bridgeAddress: () => engine.bridgeAddress() },
    onProblems: () => agent.tellProblems(),
  });
  const engine = createDockerEngine({
    ...{ docker, host: name, address, nodeId: agentId, prefix, clock, log, registries },
    resolvers: () => discovery.resolvers,
  });
  const agent = new Agent({
    ...hostOf(config),
    ...{ store, clock, log, random, engine, agentId, metrics: agentMetrics },
    disk: copyInFolder(stateDir, { host: name, prefix }),
    memoryCopy: memoryInFolder(stateDir),
    tidying: {
      keepReleases: config.keepReleases,
      highWater: config.imageHighWater,
      copy: imagesInFolder(stateDir),
      // The disk of another machine is not seen from here.
      readDisk: docker.startsWith('unix:') ? readDiskUse : () => Promise.resolve(undefined),
    },
    probes: createProber({
      ...{ tryProbe: createTryProbe({ engine, clock }), clock, log, random },
      onTry: (result, durationMs) => agentMetrics.onTry(result, durationMs),
    }),
    keys: keysUnder(prefix),
    problemsBeside: () => discovery.problems,
    foreign: await foreignOf(config, { engine, clock, log }),
    ...(onBoundary && { onBoundary }),
  });
  await discovery.start();
  const web = await startHttpServer(config.http, pagesOf(agent, discovery, agentMetrics));
  // Without it nobody can ask here; that is no reason to leave containers alone.
  const local = await serveOnSocket(config.socket, createAgentApi(agent, name, clock, discovery.explain)).catch(
    (error: Error) =>
      log.error('"berth agent status" will get no answer: the socket can not be made', { reason: error.message }),
  );
  if (isLoopback(config.address))
    log.warn('other hosts, and containers, do not reach here what it publishes: set address', {
      reason: `its address is ${config.address}`,
    });
  const refused = agent.start(() => process.stdout.write(`berth agent ${config.name} ready: http ${web.address}\n`));
  const end = await Promise.race([stopped, refused]);
  await local?.close();
  await agent.stop();
  await discovery.close();
  store.close();
  await web.close();
  lock.close();
  if (end === 'stop') return 0;
  process.stderr.write(`berth agent: ${end}\n`);
  return 1;
}

/** Loaded only where it is wanted. */
async function foreignOf(
  config: AgentConfig,
  tools: Omit<ForeignTools, 'docker'>,
): Promise<ForeignEndpoints | undefined> {
  if (!config.registerForeign) return undefined;
  const { startForeign } = await import('./endpoints/foreign/start-foreign.js');
  return startForeign(hostOf(config), { docker: config.docker, ...tools });
}

/** What the agent's settings say of the host itself. */
function hostOf(config: AgentConfig) {
  const { name, address, http, labels, resources, weight, portRange, leaseTtl: leaseTtlMs } = config;
  const { skydnsDomain: domain, skydnsTtl } = config;
  const skyDns = domain === '' ? undefined : { domain, ttlS: Math.ceil(skydnsTtl / 1000) };
  return { name, address, http, labels, resources, weight, portRange, leaseTtlMs, skyDns };
}

function pagesOf(
  agent: Agent,
  discovery: HostDiscovery,
  { metrics }: AgentMetrics,
): Parameters<typeof startHttpServer>[1] {
  return {
    '/metrics': async () => {
      discovery.count();
      return { status: 200, contentType: metrics.contentType, body: await metrics.render() };
    },
    '/healthz': () => answer(agent.whyUnhealthy()),
    '/readyz': () => answer(agent.whyNotReady()),
  };
}

function answer(trouble: string | undefined): ReturnType<typeof plain> {
  return trouble === undefined ? plain(200, 'ok') : plain(503, trouble);
}
