/** A private etcd and coordinators as processes, with agents in this process that have no Docker: the operator's commands are real. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../lib/clock';
import { keysUnder, type Keys } from '../../lib/documents/keys';
import { connectEtcd } from '../../lib/etcd/etcd3-store';
import type { Store } from '../../lib/etcd/store';
import { PLAIN_ENVIRONMENT, type CommandResult } from './cluster';
import { BERTH, Daemon } from './daemon';
import { startEtcd, type EtcdServer } from './etcd-server';
import { FakeAgent, type FakeAgentOptions } from './fake-agent';
import { freePort } from './ports';
import { until } from './wait';

export class HollowCluster {
  readonly keys: Keys;
  readonly coordinators: { readonly daemon: Daemon; readonly grpc: string }[] = [];
  readonly agents = new Map<string, FakeAgent>();
  private readonly store: Store;

  private constructor(
    readonly etcd: EtcdServer,
    readonly prefix: string,
    readonly folder: string,
  ) {
    this.keys = keysUnder(prefix);
    this.store = connectEtcd({ endpoints: [etcd.endpoint] });
  }

  static async start({ hosts = 3, coordinators = 2 } = {}): Promise<HollowCluster> {
    const prefix = `/berth-test-${randomBytes(4).toString('hex')}`;
    const cluster = new HollowCluster(await startEtcd(), prefix, mkdtempSync(join(tmpdir(), 'berth-test-hollow-')));
    try {
      for (let i = 0; i < coordinators; i++) await cluster.addCoordinator();
      for (let i = 1; i <= hosts; i++) await cluster.addHost(`h${i}`);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  private async addCoordinator(): Promise<void> {
    const [grpc, http] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const etcd = ['--etcd', this.etcd.endpoint, '--prefix', this.prefix];
    const daemon = new Daemon(['coordinator', ...etcd, '--grpc', grpc, '--http', http, '--lease-ttl', '2s']);
    this.coordinators.push({ daemon, grpc });
    await daemon.start();
  }

  async addHost(name: string, more: Partial<FakeAgentOptions> = {}): Promise<FakeAgent> {
    const { store, keys } = this;
    const agent = new FakeAgent({ store, keys, clock: systemClock, name, ...more }).start();
    this.agents.set(name, agent);
    await until(`the status of ${name}`, async () => (await this.etcd.get(keys.status(name))) !== undefined);
    return agent;
  }

  /** Asks the coordinators in turn: any of them answers. */
  berth(...args: readonly string[]): Promise<CommandResult> {
    return this.berthAt(this.coordinators[(this.turn = (this.turn + 1) % this.coordinators.length)]!.grpc, ...args);
  }

  private turn = 0;

  private berthAt(grpc: string, ...args: readonly string[]): Promise<CommandResult> {
    return new Promise((resolve) => {
      const env = { ...PLAIN_ENVIRONMENT, BERTH_COORDINATOR: grpc };
      execFile(process.execPath, [BERTH, ...args], { env, cwd: this.folder }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  }

  /** Writes a Compose file. @returns its path */
  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  async stop(): Promise<void> {
    for (const agent of this.agents.values()) agent.die();
    await Promise.all(this.coordinators.map(({ daemon }) => daemon.end('SIGKILL')));
    this.store.close();
    await this.etcd.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
