/**
 * A machine with systemd as its first process, in namespaces of its own as every machine of a lab: this machine's programs
 * and libraries, none of its settings. It has no network but its own, where etcd and a Docker Engine run as its units.
 * When it goes, the kernel ends all that ran in it.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { until } from '../support/wait';
import { run } from './command';
import { allFolders, LabFolder } from './folder';
import { MAX_LABS } from './layout';
import { childOf, MARK } from './machine';
import { startSweeper } from './sweeper';
import { removeTraces, sweepDeadLabs } from './traces';

const ROOT = join(__dirname, '../..');
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const NAME = 'h1';
/** A command in it that hangs ends here. */
const COMMAND_MS = 90_000;

const NEW_NAMESPACES = ['--fork', '--kill-child', '--pid', '--mount', '--net', '--uts', '--ipc'];

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class SystemdMachine {
  private constructor(
    private readonly folder: LabFolder,
    private readonly holder: ChildProcess,
    private readonly pid: number,
    private readonly sweeper: ChildProcess,
  ) {}

  /** Address of its Docker Engine on this machine, if one listens at /var/lib/docker/docker.sock. */
  get engine(): string {
    return `unix://${this.folder.disk(NAME)}/docker/docker.sock`;
  }

  static async boot(): Promise<SystemdMachine> {
    if (process.getuid!() !== 0) throw new Error('only root can make namespaces: run it with sudo');
    await sweepDeadLabs();
    const folder = claimFolder();
    const sweeper = startSweeper();
    const disk = folder.disk(NAME);
    mkdirSync(disk);
    const boot = [join(__dirname, 'systemd-boot.sh'), disk, NAME, ROOT, process.execPath];
    const holder = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', ...NEW_NAMESPACES, 'sh', ...boot], {
      env: { PATH, [MARK]: folder.path, CGROUP: folder.cgroup },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [holder.stdout, holder.stderr])
      stream.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-10_000)));
    try {
      const machine = await until('systemd to be up', async () => {
        if (holder.exitCode !== null || holder.signalCode !== null) throw new Error('it has ended');
        const pid = childOf(holder.pid!);
        if (pid === undefined) return undefined;
        const found = new SystemdMachine(folder, holder, pid, sweeper);
        return /running|degraded/.test((await found.ask('systemctl', 'is-system-running')).stdout) && found;
      });
      return machine;
    } catch (error) {
      holder.kill('SIGKILL');
      await removeTraces(folder);
      sweeper.kill();
      throw new Error(`a machine with systemd can not be made: ${said}`, { cause: error });
    }
  }

  /** @returns standard output, trimmed. @throws Error with what the command had to say */
  async run(command: string, ...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.ask(command, ...args);
    if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
    return stdout.trim();
  }

  /** @returns what a command said, however it ended */
  ask(command: string, ...args: readonly string[]): Promise<Answer> {
    const options = { env: { PATH, HOME: '/root' }, maxBuffer: 64e6, timeout: COMMAND_MS };
    return new Promise((done) =>
      execFile('nsenter', [...this.entering(), command, ...args], options, (error, stdout, stderr) =>
        done({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
      ),
    );
  }

  /** Starts a command that goes on. It ends with the machine. */
  spawn(command: string, ...args: readonly string[]): ChildProcess {
    return spawn('setpriv', ['--pdeathsig', 'KILL', 'nsenter', ...this.entering(), command, ...args], {
      env: { PATH, HOME: '/root' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  async write(path: string, text: string): Promise<void> {
    await this.run('mkdir', '-p', dirname(path));
    await run('nsenter', [...this.entering(), 'sh', '-c', 'cat > "$0"', path], text);
  }

  /** A property of a unit, as `systemctl show` has it. */
  show(unit: string, property: string): Promise<string> {
    return this.run('systemctl', 'show', unit, '--property', property, '--value');
  }

  async down(): Promise<void> {
    if (this.holder.exitCode === null && this.holder.signalCode === null) {
      const ended = once(this.holder, 'exit');
      process.kill(this.pid, 'SIGKILL');
      await ended;
    }
    await removeTraces(this.folder);
    this.sweeper.kill();
  }

  private entering(): readonly string[] {
    return ['--target', String(this.pid), '--mount', '--pid', '--net', '--uts', '--ipc', '--cgroup', '--'];
  }
}

function claimFolder(): LabFolder {
  const taken = new Set(allFolders().map(({ number }) => number));
  for (let number = 0; number < MAX_LABS; number++) {
    const folder = new LabFolder(number);
    if (!taken.has(number) && folder.claim()) return folder;
  }
  throw new Error('there is no free number for a lab');
}
