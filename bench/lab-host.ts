/** Three hosts of the lab with Berth and Docker Swarm side by side on the same engines: each does the same, at once or in turn. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Lab } from '../test/lab/lab';
import { until } from '../test/support/wait';

/** Nothing that takes so long works any more: the benchmark has failed. */
const PATIENCE_MS = 180_000;
const MANAGER = 'h1';
const IMAGE = 'berth-test/busybox:1';

/** Who made a container, and which of its services it belongs to. */
export type Maker = 'berth' | 'swarm';
const LABEL: Readonly<Record<Maker, string>> = {
  berth: 'berth.service',
  swarm: 'com.docker.swarm.service.name',
};

interface Started {
  readonly host: string;
  readonly maker: Maker;
  readonly service: string;
  /** performance.now() when its event came. */
  readonly atMs: number;
}

export class LabHost {
  private readonly started: Started[] = [];
  private readonly followers = new Map<string, ChildProcess>();

  private constructor(readonly lab: Lab) {}

  /** Every host is a manager of the swarm, as every host of three would be. */
  static async open(say: (text: string) => void): Promise<LabHost> {
    const lab = await Lab.up({ hosts: 3, etcd: 3, coordinators: 2 }, say);
    const host = new LabHost(lab);
    try {
      say('Docker Swarm on the same engines');
      await lab.docker(MANAGER, 'swarm', 'init', '--advertise-addr', lab.address(MANAGER));
      const token = await lab.docker(MANAGER, 'swarm', 'join-token', '--quiet', 'manager');
      for (const name of lab.hosts.filter((each) => each !== MANAGER))
        await lab.docker(name, 'swarm', 'join', '--token', token, `${lab.address(MANAGER)}:2377`);
      for (const name of lab.hosts) host.follow(name);
      return host;
    } catch (error) {
      await host.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const follower of this.followers.values()) follower.kill('SIGKILL');
    await this.lab.down();
  }

  /** Tells of starts on a host from now on; again after it was killed. */
  follow(host: string): void {
    this.followers.get(host)?.kill('SIGKILL');
    const socket = `unix://${this.lab.folder.engineSocket(host)}`;
    const words = ['events', '--filter', 'type=container', '--filter', 'event=start', '--format', '{{json .Actor}}'];
    const events = spawn('docker', ['--host', socket, ...words], { stdio: ['ignore', 'pipe', 'ignore'] });
    this.followers.set(host, events);
    createInterface({ input: events.stdout }).on('line', (line) => {
      const { Attributes: attributes } = JSON.parse(line) as { Attributes: Record<string, string> };
      for (const maker of ['berth', 'swarm'] as const) {
        const service = attributes[LABEL[maker]];
        if (service !== undefined) this.started.push({ host, maker, service, atMs: performance.now() });
      }
    });
  }

  /** Milliseconds until a service's container has started on another host. @param sinceMs performance.now() of the begin */
  async startsElsewhere(maker: Maker, service: string, lost: string, sinceMs: number): Promise<number> {
    const isIt = (one: Started): boolean =>
      one.maker === maker && one.service === service && one.host !== lost && one.atMs >= sinceMs;
    await until(`a replacement by ${maker}`, () => this.started.some(isIt), PATIENCE_MS);
    return this.started.find(isIt)!.atMs - sinceMs;
  }

  /** @param version tells one release from the next */
  async apply(service: string, replicas: number, version: number, update: string, wait = true): Promise<void> {
    const input = `services:
  ${service}:
    image: ${IMAGE}
    command: [sleep, "1000000"]
    stop_signal: SIGKILL
    environment: { VERSION: "${version}" }
    deploy: { replicas: ${replicas}, update_config: ${update} }
`;
    const words = ['apply', '-f', '-', '-p', 'bench', ...(wait ? ['--wait', '--timeout', '170'] : [])];
    const { code, stdout, stderr } = await this.lab.berth(words, { input });
    if (code !== 0) throw new Error(`apply ended with ${code}: ${stdout}${stderr}`);
  }

  /** Settles when Swarm says that all run. */
  async swarmCreate(service: string, replicas: number, ...options: readonly string[]): Promise<void> {
    const words = [
      'service',
      'create',
      '--quiet',
      '--no-resolve-image',
      '--name',
      service,
      '--replicas',
      `${replicas}`,
    ];
    const rest = ['--stop-signal', 'SIGKILL', '--env', 'VERSION=0', IMAGE, 'sleep', '1000000'];
    await this.lab.docker(MANAGER, ...words, ...options, ...rest);
  }

  /** Settles when Swarm says that all are updated. */
  async swarmUpdate(service: string, version: number): Promise<void> {
    const words = ['service', 'update', '--quiet', '--no-resolve-image', '--env-add', `VERSION=${version}`, service];
    await this.lab.docker(MANAGER, ...words);
  }

  async swarmRemove(service: string): Promise<void> {
    await this.lab.docker(MANAGER, 'service', 'rm', service);
  }

  /** Running containers of a service that have a version, on every host. */
  async countOf(maker: Maker, service: string, version: number): Promise<number> {
    const filters = ['--filter', `label=${LABEL[maker]}=${service}`];
    const counts = await Promise.all(
      this.lab.hosts.map(async (host) => {
        const ids = (await this.lab.docker(host, 'ps', '--quiet', ...filters)).split('\n').filter((id) => id !== '');
        if (ids.length === 0) return 0;
        const format = '{{range .Config.Env}}{{println .}}{{end}}';
        const environments = await this.lab.docker(host, 'inspect', '--format', format, ...ids);
        return environments.split('\n').filter((line) => line === `VERSION=${version}`).length;
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Settles when a killed host is a member of both again. */
  async bringBack(host: string): Promise<void> {
    await this.lab.start('host', host);
    this.follow(host);
    await until(
      `${host} in the swarm`,
      async () => {
        const state = await this.lab.docker(
          MANAGER,
          'node',
          'inspect',
          '--format',
          '{{.Status.State}}',
          await this.nodeOf(host),
        );
        return state === 'ready';
      },
      PATIENCE_MS,
    );
    await until(
      `${host} live`,
      async () => {
        const { stdout } = await this.lab.berth(['hosts', '--json']);
        const { hosts } = JSON.parse(stdout) as { hosts: { name: string; live: boolean }[] };
        return hosts.find(({ name }) => name === host)?.live === true;
      },
      PATIENCE_MS,
    );
  }

  private async nodeOf(host: string): Promise<string> {
    return this.lab.docker(host, 'info', '--format', '{{.Swarm.NodeID}}');
  }
}
