/** A host whose Docker Engine can be stopped, killed, frozen and started again, with a cluster of its own around it. Needs root. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { Cluster } from './cluster';
import type { Daemon } from './daemon';
import { ensureTestImage } from './docker-images';
import { unmountUnder } from './own-engine';
import { until } from './wait';

const run = promisify(execFile);

/** It shares the machine's bridge and makes no rules; its containers have no network. */
const FLAGS = ['--iptables=false', '--ip-forward=false', '--ip-masq=false'];
/** On cgroup v2 systemd would make the groups, and knows parents by other names. */
const GROUPS = ['--exec-opt', 'native.cgroupdriver=cgroupfs', '--cgroup-parent'];
const START_TIMEOUT_MS = 60_000;

export const QUIET = 'image: berth-test/busybox:1\ncommand: sleep 86400\nstop_signal: SIGKILL\nnetwork_mode: none\n';

export interface SeenRun {
  readonly id: string;
  readonly instance: string;
  readonly isRunning: boolean;
  readonly startedAt: string;
  readonly pid: number;
}

export class HostileHost {
  private readonly folder = mkdtempSync(join(tmpdir(), 'berth-test-hostile-'));
  private child: ChildProcess | undefined;
  agent!: Daemon;

  private constructor(
    readonly cluster: Cluster,
    private readonly liveRestore: boolean,
  ) {}

  /** @param agentFlags of the agent, besides those that it needs */
  static async start({ liveRestore = false, agentFlags = [] as readonly string[] } = {}): Promise<HostileHost> {
    const host = new HostileHost(await Cluster.start({ agents: 0 }), liveRestore);
    try {
      await host.startEngine();
      const image = await ensureTestImage();
      await run('sh', ['-c', `docker save ${image} | docker -H ${host.address} load`]);
      host.agent = await host.cluster.addAgent('h1', ['--docker', host.address, ...agentFlags]);
    } catch (error) {
      await host.stop();
      throw error;
    }
    return host;
  }

  get address(): string {
    return `unix://${join(this.folder, 'docker.sock')}`;
  }

  private get cgroup(): string {
    return `/${basename(this.folder)}`;
  }

  async docker(...args: string[]): Promise<string> {
    return (await run('docker', ['-H', this.address, ...args], { maxBuffer: 16e6 })).stdout.trim();
  }

  /** What was left by one that was killed is taken over. */
  async startEngine(): Promise<void> {
    const places = ['data', 'exec'].map((name) => join(this.folder, name));
    for (const place of places) mkdirSync(place, { recursive: true });
    const args = [
      ...['--data-root', places[0]!, '--exec-root', places[1]!, '--pidfile', join(this.folder, 'docker.pid')],
      // The settings of this machine's own engine are not for this one.
      ...['--config-file', join(this.folder, 'daemon.json'), '-H', this.address, ...FLAGS, ...GROUPS, this.cgroup],
      ...(this.liveRestore ? ['--live-restore'] : []),
    ];
    rmSync(join(this.folder, 'docker.pid'), { force: true });
    // Its containerd died with the last one; where nobody reaps it, dockerd would take it for alive.
    rmSync(join(places[1]!, 'containerd/containerd.pid'), { force: true });
    writeFileSync(join(this.folder, 'daemon.json'), '{}');
    const child = spawn('dockerd', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-5000)));
    this.child = child;
    const isSettled = async (): Promise<boolean> =>
      child.exitCode !== null || (await this.docker('version', '--format', '{{.Server.Version}}')) !== '';
    await until('the engine to answer', isSettled, START_TIMEOUT_MS);
    if (child.exitCode !== null) throw new Error(`dockerd did not start: ${said}`);
  }

  /** SIGTERM and SIGKILL end it; it is gone when this settles. */
  async endEngine(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  freezeEngine(isFrozen: boolean): void {
    this.child?.kill(isFrozen ? 'SIGSTOP' : 'SIGCONT');
  }

  /** As Docker sees them, sorted by instance. */
  async runs(): Promise<readonly SeenRun[]> {
    const ids = await this.docker('ps', '-aq', '--no-trunc', '--filter', 'label=berth.instance');
    if (ids === '') return [];
    const format =
      '{{.Id}} {{index .Config.Labels "berth.instance"}} {{.State.Running}} {{.State.StartedAt}} {{.State.Pid}}';
    const lines = (await this.docker('inspect', '--format', format, ...ids.split('\n'))).split('\n');
    return lines
      .map((line) => line.split(' '))
      .map(([id, instance, isRunning, startedAt, pid]) => ({
        ...{ id: id!, instance: instance!, isRunning: isRunning === 'true', startedAt: startedAt!, pid: Number(pid) },
      }))
      .sort((a, b) => (a.instance < b.instance ? -1 : 1));
  }

  /** Settles when exactly so many containers are there, and all run. */
  running(count: number, timeoutMs = 60_000): Promise<readonly SeenRun[]> {
    return until(
      `${count} running containers`,
      async () => {
        const seen = await this.runs();
        return seen.length === count && seen.every(({ isRunning }) => isRunning) ? seen : undefined;
      },
      timeoutMs,
    );
  }

  /** Steps of a kind that the agent has begun. */
  async steps(kind: string): Promise<number> {
    const text = await this.metrics();
    const line = text.split('\n').find((one) => one.startsWith(`berth_agent_steps_total{kind="${kind}"} `));
    return Number(line?.split(' ')[1] ?? 0);
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.cluster.agentHttp[0]!}/metrics`, { signal: AbortSignal.timeout(5000) })).text();
  }

  async isDockerConnected(): Promise<boolean> {
    return (await this.cluster.metric(this.cluster.agentHttp[0]!, 'berth_agent_docker_connected')) === 1;
  }

  async stop(): Promise<void> {
    this.freezeEngine(false);
    await Promise.all(this.cluster.agents.map((agent) => agent.end('SIGKILL')));
    // Docker itself would take minutes over 300 containers.
    await this.endEngine('SIGKILL');
    this.endLeftovers();
    await this.cluster.stop();
    await unmountUnder(this.folder);
    // Only there: elsewhere groups of others come and go, and find fails over what goes while it looks.
    const groups = ['/sys/fs/cgroup', ...readdirSync('/sys/fs/cgroup').map((each) => join('/sys/fs/cgroup', each))];
    const left = groups.map((group) => join(group, this.cgroup)).filter((group) => existsSync(group));
    if (left.length > 0) await run('find', [...left, ...'-depth -type d -exec rmdir {} +'.split(' ')]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** An engine that was killed leaves its containerd, and one that ends while containers start, their shims. */
  private endLeftovers(): void {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(this.folder)) continue;
        const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
        for (const each of [...children, pid]) process.kill(Number(each), 'SIGKILL');
      } catch {
        // It is gone by now.
      }
    }
  }
}
