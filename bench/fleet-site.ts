/** Thousands of hosts without Docker in two processes, a real etcd, and the built coordinator as production runs it. */
import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeDocument } from '../lib/documents/codec';
import { keysUnder, type Keys } from '../lib/documents/keys';
import { connectEtcd } from '../lib/etcd/etcd3-store';
import type { Store } from '../lib/etcd/store';
import { connectCoordinator } from '../lib/rpc/client';
import type { CoordinatorClient } from '../lib/rpc/types';
import { Daemon } from '../test/support/daemon';
import { startEtcd, type EtcdServer } from '../test/support/etcd-server';
import { freePort } from '../test/support/ports';
import { sleep, until } from '../test/support/wait';
import type { Tidings } from './hollow-hosts';
import { cpuMs } from './process-usage';

const PREFIX = '/berth-bench';
const PROCESSES = 2;
const PATIENCE_MS = 10 * 60_000;
const RPC_DEADLINE_MS = 60_000;
const WRITES_AT_ONCE = 100;
const LOOK_EVERY_MS = 2000;
/** A coordinator that takes less than this of a core, so many looks in a row, is through with what came last. */
const CALM = 0.05;
const CALM_LOOKS = 4;
/** The default of 2 GiB is too little for a million instances, with the revisions before the last. */
const ETCD_FLAGS = [
  '--quota-backend-bytes=8589934592',
  '--auto-compaction-mode=revision',
  '--auto-compaction-retention=1000',
];

export interface FleetSize {
  readonly hosts: number;
  readonly services: number;
  /** Of each service. */
  readonly replicas: number;
}

/** @param variable of the environment, "hosts,services,replicas": a look at fewer than `usual`, whose parts stand in for those left out */
export function sizeFrom(variable: string, usual: FleetSize): FleetSize {
  const given = (process.env[variable] ?? '').split(',').filter((text) => text !== '');
  const [hosts = usual.hosts, services = usual.services, replicas = usual.replicas] = given.map(Number);
  return { hosts, services, replicas };
}

export class FleetSite {
  readonly keys: Keys = keysUnder(PREFIX);
  private readonly tidings = new Map<ChildProcess, Tidings>();
  private isClosed = false;
  private hasLostHosts = false;

  private constructor(
    readonly etcd: EtcdServer,
    readonly store: Store,
    readonly coordinator: Daemon,
    readonly client: CoordinatorClient,
  ) {}

  static async open(hosts: number, say: (text: string) => void): Promise<FleetSite> {
    const etcd = await startEtcd({ args: ETCD_FLAGS });
    const ports = { grpc: await freePort(), http: await freePort() };
    const flags = ['--grpc', `127.0.0.1:${ports.grpc}`, '--http', `127.0.0.1:${ports.http}`, '--log-level', 'warn'];
    const coordinator = new Daemon(['coordinator', '--etcd', etcd.endpoint, '--prefix', PREFIX, ...flags]);
    const client = connectCoordinator(`127.0.0.1:${ports.grpc}`, RPC_DEADLINE_MS);
    const site = new FleetSite(etcd, connectEtcd({ endpoints: [etcd.endpoint] }), coordinator, client);
    try {
      say(`${hosts} hosts in ${PROCESSES} processes`);
      const each = Math.ceil(hosts / PROCESSES);
      for (let at = 0; at < hosts; at += each) site.addHosts(at, Math.min(each, hosts - at));
      await site.until(
        'all hosts are there',
        (all) => all.length === site.tidings.size && all.every(({ isReady }) => isReady),
      );
      await coordinator.start();
      return site;
    } catch (error) {
      await site.close();
      throw error;
    }
  }

  /** Documents of services, in few transactions. */
  async put(services: ReadonlyMap<string, string>): Promise<void> {
    const all = [...services].map(([name, value]) => ({ op: 'put', key: this.keys.service(name), value }) as const);
    for (let at = 0; at < all.length; at += WRITES_AT_ONCE)
      await this.store.txn({ compares: [], writes: all.slice(at, at + WRITES_AT_ONCE) });
  }

  /** From now on every host says that what it was assigned runs. */
  answer(): void {
    for (const child of this.tidings.keys()) child.send('answer');
  }

  /** Settles when nothing is under way any more. */
  async steady(services: number): Promise<void> {
    let steady = 0;
    const look = setInterval(() => {
      void this.store.range({ prefix: this.keys.serviceStatuses }).then(({ kvs }) => {
        steady = kvs.filter(({ value }) => decodeDocument('ServiceStatus', value).rollout === 'steady').length;
      });
    }, LOOK_EVERY_MS);
    try {
      await this.until('every service is steady', () => steady === services);
    } finally {
      clearInterval(look);
    }
    await this.calm();
  }

  /** Settles when the coordinator is through with all that it was told of. */
  async calm(): Promise<void> {
    for (let before = -Infinity, calm = 0; calm < CALM_LOOKS;) {
      const now = cpuMs(this.coordinator.pid);
      calm = now - before < CALM * LOOK_EVERY_MS ? calm + 1 : 0;
      before = now;
      await sleep(LOOK_EVERY_MS);
    }
  }

  get instances(): number {
    return [...this.tidings.values()].reduce((sum, { instances }) => sum + instances, 0);
  }

  /** @returns when the service's first instance was assigned, milliseconds since the Unix epoch */
  assignedAtMs(service: string): number | undefined {
    return [...this.tidings.values()].map(({ singles }) => singles[service]).find((atMs) => atMs !== undefined);
  }

  async until(what: string, isSo: (all: readonly Tidings[]) => boolean): Promise<void> {
    await until(
      what,
      () => {
        if (this.coordinator.exitCode !== undefined)
          throw new Error(`the coordinator ended: ${this.coordinator.output}`);
        if (this.hasLostHosts) throw new Error('a process of hollow hosts ended');
        return isSo([...this.tidings.values()]);
      },
      PATIENCE_MS,
    );
  }

  /** Most that the coordinator had in memory so far, megabytes of 1,000,000 bytes: proc(5). */
  get peakMb(): number {
    const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.coordinator.pid}/status`, 'utf8'));
    return (Number(line?.[1]) * 1024) / 1e6;
  }

  /** Milliseconds that each has taken of the cores so far: of a machine that is busy otherwise, it says more than the clock. */
  cpu(): Readonly<Record<'coordinator' | 'etcd' | 'hosts', number>> {
    const hosts = [...this.tidings.keys()].reduce((sum, { pid }) => sum + cpuMs(pid!), 0);
    return { coordinator: cpuMs(this.coordinator.pid), etcd: cpuMs(this.etcd.pid!), hosts };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const child of this.tidings.keys()) child.kill('SIGKILL');
    await this.coordinator.end('SIGKILL');
    this.client.close();
    this.store.close();
    await this.etcd.stop();
  }

  private addHosts(first: number, count: number): void {
    const args = [this.etcd.endpoint, PREFIX, String(first), String(count)];
    const execArgv = ['-r', join(__dirname, '../test/support/typescript-hook.js')];
    const child = fork(join(__dirname, 'hollow-hosts.ts'), args, { execArgv, serialization: 'advanced' });
    this.tidings.set(child, { isReady: false, instances: 0, singles: {} });
    child.on('message', (tidings) => this.tidings.set(child, tidings as Tidings));
    child.on('exit', () => {
      this.hasLostHosts = !this.isClosed;
    });
  }
}

/** Documents of so many services, as operators write them. The image has its digest: nobody is asked for it. */
export function serviceDocument(replicas: number): string {
  return (
    `image: registry.example.com/shop/app@sha256:${'a'.repeat(64)}\n` +
    'environment: { LOG_LEVEL: info }\nports: [{ name: http, target: 8080 }]\n' +
    `deploy: { replicas: ${replicas}, resources: { reservations: { cpus: "0.1", memory: 64M } } }\n`
  );
}
