/**
 * A lab for tests: hosts with their own addresses, Docker Engines and agents, etcd and coordinators, all on this
 * machine and out of the way of everything else on it. It goes when this process ends, however that ends.
 *
 *     const lab = await Lab.up({ hosts: 3, etcd: 3 });
 *     await lab.cutOff('h2');
 *     await lab.kill('etcd', 'e1');
 *     await lab.down();
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PLAIN_ENVIRONMENT, type CommandResult } from '../support/cluster';
import { BERTH } from '../support/daemon';
import { sourceCommand } from '../support/source-process';
import { until } from '../support/wait';
import type { MachineState, StartOptions } from './cluster-lab';
import { run } from './command';
import type { DaemonOptions } from './daemons';
import { LabFolder, startTicks } from './folder';
import { checkSize, type LabSize, type PartKind } from './layout';
import type { Slowness } from './network';
import { sweepDeadLabs } from './traces';
import { ask, type LabStatus, type Target, type Verb } from './verbs';

export type LabOptions = LabSize & DaemonOptions;
export const DEFAULTS: LabOptions = { hosts: 3, etcd: 1, coordinators: 1, leaseTtl: '5s' };

/** What a supervisor says on its standard output, a line of JSON each. */
export type Progress = { readonly stage: string } | { readonly up: LabStatus } | { readonly failed: string };

const ROOT = join(__dirname, '../..');
/** Of someone who became root by su too. */
const PATH = [...(process.env['PATH'] ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
const NEEDED = {
  ip: 'iproute2',
  iptables: 'iptables',
  nsenter: 'util-linux',
  dockerd: 'docker.io',
  etcd: 'etcd-server',
  perl: 'perl-base',
};

export class Lab {
  private constructor(
    private readonly supervisor: ChildProcess,
    readonly folder: LabFolder,
    /** As it was when it was made. */
    readonly made: LabStatus,
  ) {}

  /**
   * @param say told what is going on
   * @throws Error with the reason when there can be no lab; nothing is left of it then
   */
  static async up(options: Partial<LabOptions> = {}, say: (stage: string) => void = () => undefined): Promise<Lab> {
    const whole = { ...DEFAULTS, ...options };
    checkSize(whole);
    checkMachine();
    // A group of its own: Ctrl-C reaches the owner alone.
    const supervisor = spawn(process.execPath, [...sourceCommand('test/lab/supervisor.ts'), JSON.stringify(whole)], {
      cwd: ROOT,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, PATH: PATH.join(':') },
    });
    let trouble = '';
    supervisor.stderr.on('data', (chunk: Buffer) => (trouble += chunk.toString()));
    try {
      const status = await new Promise<LabStatus>((up, fail) => {
        createInterface({ input: supervisor.stdout }).on('line', (line) => {
          const progress = JSON.parse(line) as Progress;
          if ('stage' in progress) say(progress.stage);
          else if ('up' in progress) up(progress.up);
          else fail(new Error(progress.failed));
        });
        supervisor.on('error', fail);
        supervisor.on('exit', (code) => fail(new Error(`the lab's supervisor ended (${code}): ${trouble.trim()}`)));
      });
      return new Lab(supervisor, new LabFolder(status.number), status);
    } catch (error) {
      const { pid } = supervisor;
      supervisor.kill('SIGKILL');
      await until('the end of the supervisor', () => pid === undefined || startTicks(pid) === undefined);
      await sweepDeadLabs();
      throw error;
    }
  }

  get hosts(): readonly string[] {
    return this.made.machines.filter(({ kind }) => kind === 'host').map(({ name }) => name);
  }

  address(name: string): string {
    const machine = this.made.machines.find((each) => each.name === name);
    if (machine === undefined) throw new Error(`there is no ${name} in this lab`);
    return machine.address;
  }

  async status(): Promise<LabStatus> {
    return (await this.ask({ verb: 'status' }))!;
  }

  async machine(name: string): Promise<MachineState> {
    return (await this.status()).machines.find((each) => each.name === name)!;
  }

  /** Pulls the machine's cable: nothing comes through to it or from it, and connections hang. */
  async cutOff(name: string): Promise<void> {
    await this.ask({ verb: 'cut-off', name });
  }

  /** The link is whole again after `cutOff` and `slow`. */
  async restore(name: string): Promise<void> {
    await this.ask({ verb: 'restore', name });
  }

  /** Both ways. Replaces an earlier slowness. */
  async slow(name: string, slowness: Slowness): Promise<void> {
    await this.ask({ verb: 'slow', name, slowness });
  }

  /** SIGKILL; of a host, to all of its processes, containers too. */
  async kill(target: Target, name: string): Promise<void> {
    await this.ask({ verb: 'kill', target, name });
  }

  /** Settles when it is ready, unless told not to wait. A host boots, with its engine and its agent. */
  async start(target: Target, name: string, options: StartOptions = {}): Promise<void> {
    await this.ask({ verb: 'start', target, name, options });
  }

  /** SIGTERM, and waits for the end. */
  async stop(target: PartKind, name: string): Promise<void> {
    await this.ask({ verb: 'stop', target, name });
  }

  /** SIGSTOP: it keeps its connections and answers nothing. */
  async pause(target: PartKind, name: string): Promise<void> {
    await this.ask({ verb: 'pause', target, name });
  }

  /** SIGCONT. */
  async resume(target: PartKind, name: string): Promise<void> {
    await this.ask({ verb: 'resume', target, name });
  }

  /** Runs a command of an operator. @param options `coordinator`: the first one unless told; `input` for it to read */
  berth(args: readonly string[], options: { coordinator?: string; input?: string } = {}): Promise<CommandResult> {
    const { coordinator = this.made.coordinators[0], input } = options;
    return new Promise((resolve) => {
      const env = { ...PLAIN_ENVIRONMENT, BERTH_COORDINATOR: coordinator };
      const child = execFile(process.execPath, [BERTH, ...args], { env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
      // A command that ends without reading says why on its own.
      child.stdin!.on('error', () => undefined).end(input);
    });
  }

  /** Docker's command line on the engine of a host. @returns standard output, trimmed */
  docker(host: string, ...args: string[]): Promise<string> {
    return run('docker', ['--host', `unix://${this.folder.engineSocket(host)}`, ...args]);
  }

  /** etcdctl on all members. @returns standard output, trimmed */
  etcdctl(...args: string[]): Promise<string> {
    return run('env', ['ETCDCTL_API=3', 'etcdctl', `--endpoints=${this.made.endpoints.join()}`, ...args]);
  }

  /** From now on it stays when this process ends. @param owner id of a process with which it goes instead */
  async detach(owner?: number): Promise<void> {
    await this.ask({ verb: 'detach', ...(owner !== undefined && { owner }) });
    const { stdin, stdout, stderr } = this.supervisor;
    this.supervisor.unref();
    for (const stream of [stdin, stdout, stderr]) stream?.destroy();
  }

  /** Takes all of it away. @throws Error when something is left */
  async down(): Promise<void> {
    if (this.supervisor.exitCode !== null || this.supervisor.signalCode !== null) return;
    const ended = once(this.supervisor, 'exit');
    await this.ask({ verb: 'down' });
    const [code] = (await ended) as [number | null];
    if (code !== 0) throw new Error(`lab ${this.folder.number} did not go away whole: see ${this.folder.path}`);
  }

  private ask(verb: Verb): Promise<LabStatus | null> {
    return ask(this.folder, verb);
  }
}

function checkMachine(): void {
  if (process.getuid!() !== 0) throw new Error('only root can make network namespaces: run it with sudo');
  const missing = Object.entries(NEEDED).filter(([tool]) => !PATH.some((path) => existsSync(join(path, tool))));
  if (missing.length > 0)
    throw new Error(`these are missing: ${missing.map(([tool, from]) => `${tool} (package ${from})`).join(', ')}`);
  if (!existsSync(join(ROOT, 'dist/cli/main.js'))) throw new Error('Berth is not built: npm run build');
}
