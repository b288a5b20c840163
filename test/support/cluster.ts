/** A whole cluster on this machine: a private etcd, coordinators and agents as processes, the real Docker Engine. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeDocument } from '../../lib/documents/codec';
import { keysUnder, type Keys } from '../../lib/documents/keys';
import type { Assignment, HostStatus, ServiceStatus } from '../../lib/documents/types';
import { BERTH, Daemon } from './daemon';
import { containersOf, removeContainers, type SeenContainer } from './docker';
import { ensureTestImage } from './docker-images';
import { startEtcd, type EtcdServer } from './etcd-server';
import { freePort } from './ports';
import { until } from './wait';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** As an operator's: the test runner asks its children for colours. */
export const PLAIN_ENVIRONMENT: NodeJS.ProcessEnv = { ...process.env, FORCE_COLOR: undefined };

export class Cluster {
  readonly coordinators: Daemon[] = [];
  readonly agents: Daemon[] = [];
  readonly hosts: string[] = [];
  readonly keys: Keys;
  grpc = '';
  coordinatorHttp = '';
  readonly agentHttp: string[] = [];

  private constructor(
    readonly etcd: EtcdServer,
    readonly prefix: string,
    readonly folder: string,
  ) {
    this.keys = keysUnder(prefix);
  }

  static async start({ agents = 1, coordinators = 1 } = {}): Promise<Cluster> {
    await ensureTestImage();
    const cluster = new Cluster(
      await startEtcd(),
      `/berth-test-${randomBytes(4).toString('hex')}`,
      mkdtempSync(join(tmpdir(), 'berth-test-cluster-')),
    );
    try {
      for (let i = 0; i < coordinators; i++) await cluster.addCoordinator();
      for (let i = 0; i < agents; i++) await cluster.addAgent(`h${i + 1}`);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  async addCoordinator(...more: readonly string[]): Promise<Daemon> {
    const grpc = `127.0.0.1:${await freePort()}`;
    const http = `127.0.0.1:${await freePort()}`;
    const daemon = new Daemon([
      'coordinator',
      '--etcd',
      this.etcd.endpoint,
      '--prefix',
      this.prefix,
      '--grpc',
      grpc,
      '--http',
      http,
      '--lease-ttl',
      '2s',
      ...more,
    ]);
    this.grpc ||= grpc;
    this.coordinatorHttp ||= `http://${http}`;
    this.coordinators.push(daemon);
    return daemon.start();
  }

  async addAgent(name: string, more: readonly string[] = []): Promise<Daemon> {
    const http = `127.0.0.1:${await freePort()}`;
    const stateDir = join(this.folder, name);
    // Two agents of a test must not pick the same ports, and other tests run beside this one.
    const low = 20_000 + Math.floor(Math.random() * 120) * 100;
    const daemon = new Daemon([
      ...['agent', '--name', name, '--address', '127.0.0.1', '--etcd', this.etcd.endpoint, '--prefix', this.prefix],
      ...['--socket', this.socketOf(name)],
      // One address on one bridge is for one agent: a test that wants it says so.
      ...['--dns', '127.0.0.1:0', '--container-dns', 'off'],
      ...['--state-dir', stateDir, '--http', http, '--port-range', `${low}-${low + 99}`, '--lease-ttl', '2s', ...more],
    ]);
    this.agents.push(daemon);
    this.hosts.push(name);
    this.agentHttp.push(`http://${http}`);
    await daemon.start();
    // What is put after this, a coordinator places with this host in mind.
    const record = this.keys.hostRecord(name);
    await until(`the record of ${name}`, async () => (await this.etcd.get(record)) !== undefined);
    await until(`the status of ${name}`, async () => (await this.hostStatus(name)) !== undefined);
    return daemon;
  }

  /** Of a host's agent. */
  socketOf(host: string): string {
    return join(this.folder, `${host}.sock`);
  }

  /** Puts a service document as an operator with etcdctl would. */
  put(service: string, document: string): Promise<void> {
    return this.etcd.put(this.keys.service(service), document);
  }

  remove(service: string): Promise<void> {
    return this.etcd.del(this.keys.service(service));
  }

  berth(...args: string[]): Promise<CommandResult> {
    return new Promise((resolve) => {
      const env = { ...PLAIN_ENVIRONMENT, BERTH_COORDINATOR: this.grpc };
      execFile(process.execPath, [BERTH, ...args], { env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  }

  containers(): Promise<readonly SeenContainer[]> {
    return containersOf(this.prefix);
  }

  /** Settles when exactly so many containers are there, and all run. */
  running(count: number, timeoutMs?: number): Promise<readonly SeenContainer[]> {
    return until(
      `${count} running containers`,
      async () => {
        const seen = await this.containers();
        return seen.length === count && seen.every(({ state }) => state === 'running') ? seen : undefined;
      },
      timeoutMs,
    );
  }

  async serviceStatus(service: string): Promise<ServiceStatus | undefined> {
    const text = await this.etcd.get(this.keys.serviceStatus(service));
    return text === undefined ? undefined : decodeDocument('ServiceStatus', text);
  }

  /** Settles when the service's newest release runs whole. */
  steady(service: string, release: number, timeoutMs?: number): Promise<ServiceStatus> {
    return until(
      `${service}@${release} is steady`,
      async () => {
        const status = await this.serviceStatus(service);
        return status !== undefined &&
          status.currentRelease === release &&
          status.rollout === 'steady' &&
          status.running >= status.wanted
          ? status
          : undefined;
      },
      timeoutMs,
    );
  }

  async hostStatus(host = 'h1'): Promise<HostStatus | undefined> {
    const text = await this.etcd.get(this.keys.status(host));
    return text === undefined ? undefined : decodeDocument('HostStatus', text);
  }

  async assignment(host = 'h1'): Promise<Assignment | undefined> {
    const text = await this.etcd.get(this.keys.assignment(host));
    return text === undefined ? undefined : decodeDocument('Assignment', text);
  }

  /** Value of a metric without labels. */
  async metric(base: string, name: string): Promise<number> {
    const text = await (await fetch(`${base}/metrics`)).text();
    const line = new RegExp(`^${name} (\\S+)$`, 'm').exec(text);
    if (line === null) throw new Error(`there is no metric ${name}`);
    return Number(line[1]);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.agents, ...this.coordinators].map((daemon) => daemon.end('SIGKILL')));
    await removeContainers(this.prefix);
    await this.etcd.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
