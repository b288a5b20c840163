import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from './ports';

const run = promisify(execFile);
const READY_TIMEOUT_MS = 20_000;
const START_TRIES = 3;
const DIRECTORY_PREFIX = 'berth-test-etcd-';

/** A private etcd on loopback, with a data folder of its own. */
export interface EtcdServer {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string;
  /** Process id, or undefined when it does not run. */
  readonly pid: number | undefined;
  /** etcdctl (API 3) on this server. @returns what it printed */
  ctl(args: readonly string[], input?: string): Promise<string>;
  put(key: string, value: string): Promise<void>;
  get(key: string): Promise<string | undefined>;
  /** @param options `prefix` for every key that starts with it */
  del(key: string, options?: { prefix: boolean }): Promise<void>;
  /** Revision of the key space now. */
  revision(): Promise<number>;
  /** Compacts up to the present revision. */
  compact(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data; kills it before if it runs. */
  restart(): Promise<void>;
  /** SIGSTOP: it accepts connections and answers nothing. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Kills it if it runs and empties its data folder; `restart` then starts it at revision 1. */
  wipe(): Promise<void>;
  /** Takes a snapshot. @returns kills it, and puts its data folder back to the snapshot; `restart` then starts it so */
  backUp(): Promise<() => Promise<void>>;
  /** Kills it and removes its folder. */
  stop(): Promise<void>;
}

export interface EtcdCluster {
  readonly members: readonly EtcdServer[];
  readonly endpoints: readonly string[];
  stop(): Promise<void>;
}

export interface EtcdServerOptions {
  /** More arguments for etcd, e.g. `--quota-backend-bytes=…`. */
  readonly args?: readonly string[];
}

/** Starts one etcd and waits until it is healthy. It dies with this process, however that ends. */
export async function startEtcd(options: EtcdServerOptions = {}): Promise<EtcdServer> {
  return (await startEtcdCluster(1, options)).members[0] as EtcdServer;
}

/** Starts members of one cluster and waits until all are healthy. */
export async function startEtcdCluster(size: number, options: EtcdServerOptions = {}): Promise<EtcdCluster> {
  sweepFolders();
  for (let tries = 1; ; tries++) {
    const members = await createMembers(size, options);
    try {
      await Promise.all(members.map((member) => member.restart()));
      return {
        members,
        endpoints: members.map((member) => member.endpoint),
        stop: async () => void (await Promise.all(members.map((member) => member.stop()))),
      };
    } catch (error) {
      // Somebody may have taken a port between our look and etcd's start.
      await Promise.all(members.map((member) => member.stop()));
      if (tries === START_TRIES) throw error;
    }
  }
}

async function createMembers(size: number, options: EtcdServerOptions): Promise<readonly EtcdProcess[]> {
  const ports = await freePorts(size * 2);
  const port = (index: number): number => ports[index] as number;
  const names = Array.from({ length: size }, (_, index) => `m${index + 1}`);
  const initial = names.map((name, index) => `${name}=http://127.0.0.1:${port(size + index)}`).join(',');
  return names.map(
    (name, index) => new EtcdProcess(name, port(index), port(size + index), initial, options.args ?? []),
  );
}

class EtcdProcess implements EtcdServer {
  readonly endpoint: string;
  private readonly folder: string;
  private child: ChildProcess | undefined;

  constructor(
    private readonly name: string,
    clientPort: number,
    private readonly peerPort: number,
    private readonly initialCluster: string,
    private readonly args: readonly string[],
  ) {
    this.endpoint = `http://127.0.0.1:${clientPort}`;
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), `${DIRECTORY_PREFIX}${process.pid}-`));
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  async ctl(args: readonly string[], input = ''): Promise<string> {
    const running = run('etcdctl', [`--endpoints=${this.endpoint}`, ...args], {
      env: { ...process.env, ETCDCTL_API: '3' },
      maxBuffer: 64 * 1024 * 1024,
    });
    // One that refuses does not read to the end, and says why itself.
    running.child.stdin!.on('error', () => undefined).end(input);
    return (await running).stdout;
  }

  /** Through standard input: an argument of a command can't be as long as a document. */
  async put(key: string, value: string): Promise<void> {
    await this.ctl(['put', '--', key], value);
  }

  async get(key: string): Promise<string | undefined> {
    const reply = JSON.parse(await this.ctl(['get', '-w', 'json', key])) as { kvs?: { value?: string }[] };
    const kv = reply.kvs?.[0];
    return kv === undefined ? undefined : Buffer.from(kv.value ?? '', 'base64').toString('utf8');
  }

  async del(key: string, options: { prefix: boolean } = { prefix: false }): Promise<void> {
    await this.ctl(['del', key, ...(options.prefix ? ['--prefix'] : [])]);
  }

  async revision(): Promise<number> {
    const [status] = JSON.parse(await this.ctl(['endpoint', 'status', '-w', 'json'])) as {
      Status: { header: { revision: number } };
    }[];
    return status?.Status.header.revision ?? 0;
  }

  async compact(): Promise<void> {
    await this.ctl(['compact', String(await this.revision())]);
  }

  async kill(): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  async restart(): Promise<void> {
    await this.kill();
    const log = fs.openSync(path.join(this.folder, 'etcd.log'), 'a');
    // setpriv makes the kernel kill etcd when this process dies, even by SIGKILL.
    this.child = spawn('setpriv', ['--pdeathsig', 'KILL', 'etcd', ...this.commandLine()], {
      stdio: ['ignore', log, log],
    });
    fs.closeSync(log);
    this.child.on('error', () => undefined); // told by the wait below
    this.child.unref();
    await this.waitUntilHealthy(this.child);
  }

  pause(): void {
    this.child?.kill('SIGSTOP');
  }

  resume(): void {
    this.child?.kill('SIGCONT');
  }

  async wipe(): Promise<void> {
    await this.kill();
    fs.rmSync(this.dataFolder, { recursive: true, force: true });
  }

  async backUp(): Promise<() => Promise<void>> {
    const file = path.join(this.folder, 'snapshot');
    await this.ctl(['snapshot', 'save', file]);
    return async () => {
      await this.wipe();
      const [name, , , , , peer, cluster] = this.commandLine();
      await this.ctl(['snapshot', 'restore', file, name!, `--data-dir=${this.dataFolder}`, peer!, cluster!]);
    };
  }

  async stop(): Promise<void> {
    await this.kill();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  private get dataFolder(): string {
    return path.join(this.folder, 'data');
  }

  private commandLine(): readonly string[] {
    const peer = `http://127.0.0.1:${this.peerPort}`;
    return [
      `--name=${this.name}`,
      `--data-dir=${this.dataFolder}`,
      `--listen-client-urls=${this.endpoint}`,
      `--advertise-client-urls=${this.endpoint}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=${this.initialCluster}`,
      '--logger=zap',
      '--log-outputs=stderr',
      '--unsafe-no-fsync', // the machine does not lose power during a test
      ...this.args,
    ];
  }

  private async waitUntilHealthy(child: ChildProcess): Promise<void> {
    const deadlineMs = performance.now() + READY_TIMEOUT_MS;
    while (performance.now() < deadlineMs) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) break;
      const isHealthy = await fetch(`${this.endpoint}/health`, { signal: AbortSignal.timeout(1000) }).then(
        async (response) => ((await response.json()) as { health: unknown }).health === 'true',
        () => false,
      );
      if (isHealthy) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const log = fs.readFileSync(path.join(this.folder, 'etcd.log'), 'utf8').split('\n').slice(-15).join('\n');
    throw new Error(
      `etcd did not become healthy on ${this.endpoint}; are etcd, etcdctl and setpriv installed?\n${log}`,
    );
  }
}

/** Removes the folders of test processes that died without doing so. */
function sweepFolders(): void {
  for (const name of fs.readdirSync(os.tmpdir())) {
    const pid = new RegExp(`^${DIRECTORY_PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid)))
      fs.rmSync(path.join(os.tmpdir(), name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
