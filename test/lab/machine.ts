/**
 * One machine of a lab: namespaces of its own for processes, mounts, network and host name, held by a first process
 * that does nothing but reap. When that is killed, or its parent ends, the kernel ends every process in it, engines
 * and containers too, and takes away its mounts and its network: the power is cut, and nothing has to be tidied.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, closeSync, readFileSync } from 'node:fs';
import type { LabFolder } from './folder';
import type { MachineLayout } from './layout';

/** Its value is the lab's folder: a process of a dead lab is known by it. */
export const MARK = 'LAB_FOLDER';

// What programs write under /run and /etc stays in memory, as the one does on every machine, and goes with it.
const BOOT = `set -e
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/etc /run/etc-work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/etc-work /etc
echo "$1" > /proc/sys/kernel/hostname
ip link set lo up
echo up
exec env --ignore-signal=CHLD sleep infinity >/dev/null 2>&1`;

export class Machine {
  private holder: ChildProcess | undefined;
  private first: number | undefined;

  constructor(
    readonly layout: Pick<MachineLayout, 'name' | 'kind'>,
    private readonly folder: LabFolder,
  ) {
    mkdirSync(folder.disk(layout.name), { recursive: true });
  }

  get isOn(): boolean {
    return this.first !== undefined;
  }

  /** Process id of its first process. @throws Error when it is off */
  get pid(): number {
    if (this.first === undefined) throw new Error(`${this.layout.name} is off`);
    return this.first;
  }

  async boot(): Promise<void> {
    if (this.isOn) throw new Error(`${this.layout.name} is on already`);
    const unshare = ['unshare', '--fork', '--kill-child', '--pid', '--mount', '--net', '--uts', '--mount-proc'];
    const holder = spawn('setpriv', ['--pdeathsig', 'KILL', ...unshare, 'sh', '-c', BOOT, 'sh', this.layout.name], {
      env: this.environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.holder = holder;
    let said = '';
    const ended = once(holder, 'exit');
    await new Promise<void>((up, fail) => {
      holder.stdout.on('data', (chunk: Buffer) => chunk.toString().includes('up\n') && up());
      holder.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
      void ended.then(() => fail(new Error(`${this.layout.name} does not boot: ${said.trim()}`)));
      holder.on('error', fail);
    });
    this.first = childOf(holder.pid!);
    void ended.then(() => (this.first = undefined));
  }

  /** Ends all that runs in it, at once. */
  async cutPower(): Promise<void> {
    if (this.first === undefined || this.holder === undefined) return;
    const ended = once(this.holder, 'exit');
    process.kill(this.first, 'SIGKILL');
    await ended;
  }

  /** Words before a command that runs in all of its namespaces. */
  entering(): readonly string[] {
    return ['nsenter', '--target', String(this.pid), '--mount', '--pid', '--net', '--uts', '--'];
  }

  /** Starts a process in it. Both its streams go to the log. */
  spawn(command: readonly string[], log: string): ChildProcess {
    const out = openSync(log, 'a');
    const [program, ...args] = ['setpriv', '--pdeathsig', 'KILL', ...this.entering(), ...command];
    const child = spawn(program, args, { env: this.environment(), stdio: ['ignore', out, out] });
    closeSync(out);
    return child;
  }

  /** As systemd's services have it: nothing of the environment of whoever made the lab. */
  private environment(): NodeJS.ProcessEnv {
    return { PATH: process.env['PATH'], HOME: this.folder.disk(this.layout.name), [MARK]: this.folder.path };
  }
}

/** The one process that another has forked. @returns undefined when there is none */
export function childOf(pid: number): number | undefined {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    return child === undefined || child === '' ? undefined : Number(child);
  } catch {
    return undefined;
  }
}
