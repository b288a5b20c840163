/** A host with 100 containers of ten services, a real coordinator that wants them, and nothing left to do. */
import { Cluster } from '../test/support/cluster';
import type { Daemon } from '../test/support/daemon';
import { IDLE } from '../test/support/docker';
import { sleep, until } from '../test/support/wait';
import { ContainerEvents } from './docker-api';
import { get } from './http-get';

const SERVICES = 10;
const REPLICAS = 10;
export const CONTAINERS = SERVICES * REPLICAS;
const POPULATION_MS = 180_000;
/** The agent has written its status, V8 has thrown away what starting left. */
const SETTLE_MS = 15_000;
/** The defaults, where tests have others. */
const AGENT_FLAGS = ['--port-range', '20000-20999', '--lease-ttl', '5s'];

export class FullHost {
  private constructor(
    readonly cluster: Cluster,
    readonly events: ContainerEvents,
  ) {}

  static async open(say: (text: string) => void): Promise<FullHost> {
    say(`setting up a host with ${CONTAINERS} containers`);
    const cluster = await Cluster.start({ agents: 0 });
    try {
      const host = new FullHost(cluster, await ContainerEvents.follow(cluster.prefix));
      await cluster.addAgent('h1', AGENT_FLAGS);
      for (let service = 1; service <= SERVICES; service++) await cluster.put(`bench-${service}`, SERVICE);
      await until('all containers run', async () => isConverged(await host.metrics()), POPULATION_MS);
      await sleep(SETTLE_MS);
      return host;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get agent(): Daemon {
    return this.cluster.agents[0]!;
  }

  get coordinator(): Daemon {
    return this.cluster.coordinators[0]!;
  }

  get metricsUrl(): string {
    return `${this.cluster.agentHttp[0]}/metrics`;
  }

  /** What the agent says of itself. @throws Error when it does not answer */
  metrics(): Promise<string> {
    return get(this.metricsUrl);
  }

  /** Everything that was proposed to Raft so far, be it a key, a lease or an election. */
  async raftIndex(): Promise<number> {
    const text = await this.cluster.etcd.ctl(['endpoint', 'status', '-w', 'json']);
    const [status] = JSON.parse(text) as { Status: { raftIndex: number } }[];
    return status!.Status.raftIndex;
  }

  async close(): Promise<void> {
    this.events.close();
    await this.cluster.stop();
  }
}

const SERVICE =
  `${IDLE}environment: { LOG_LEVEL: info }\nports: [{ name: http, target: 8080 }]\n` +
  `deploy: { replicas: ${REPLICAS}, resources: { limits: { cpus: "0.5", memory: 64M } } }\n`;

/** @returns the value of a metric without labels; NaN when it is not there */
export function metricOf(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

/** The agent has read from etcd what it should run, has made a pass, and all of it runs. */
export function isConverged(metrics: string): boolean {
  return (
    metricOf(metrics, 'berth_agent_etcd_connected') === 1 &&
    metricOf(metrics, 'berth_agent_instances_desired') === CONTAINERS &&
    metricOf(metrics, 'berth_agent_instances_running') === CONTAINERS &&
    metricOf(metrics, 'berth_agent_instances_held') === 0
  );
}
