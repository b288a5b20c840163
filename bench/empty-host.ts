/** A host with an agent and nothing on it. Assignments are written straight into etcd, as a coordinator writes them. */
import { decodeDocument, emptyDocument, encodeDocument } from '../lib/documents/codec';
import type { Release } from '../lib/documents/types';
import { connectEtcd } from '../lib/etcd/etcd3-store';
import type { Store, Write } from '../lib/etcd/store';
import { releaseHash } from '../lib/release/release-hash';
import { Cluster } from '../test/support/cluster';
import { releaseOf } from '../test/support/desired';
import { sleep, until } from '../test/support/wait';
import { ContainerEvents, dockerCall } from './docker-api';
import { TwinMaker } from './twin';

/** Nothing that takes so long is a start any more: the benchmark has failed. */
export const PATIENCE_MS = 60_000;
/** After everything is gone: neither side pays for the cleaning up of the other. */
const QUIET_MS = 150;
const HOST = 'h1';
const FIRST_TWIN_PORT = 19_000;
const CONTAINER_PORT = 8080;

export class EmptyHost {
  private revision = 0;
  private release = 0;
  private rounds = 0;
  private isClosed = false;
  /** Containers that are being made without Berth: all are there, or never will be, when it settles. */
  private making: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly cluster: Cluster,
    private readonly store: Store,
    private readonly events: ContainerEvents,
  ) {}

  static async open(): Promise<EmptyHost> {
    const cluster = await Cluster.start({ coordinators: 0 });
    try {
      const store = connectEtcd({ endpoints: [cluster.etcd.endpoint] });
      const host = new EmptyHost(cluster, store, await ContainerEvents.follow(cluster.prefix));
      await host.assign([], PATIENCE_MS);
      return host;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /**
   * A release that nobody has seen, `count` instances of it: from the write to etcd until all run.
   * @returns milliseconds, and how to make the same containers without Berth
   */
  async runByBerth(count: number): Promise<{ durationMs: number; twins: TwinMaker }> {
    const ids = this.names('berth', count);
    const startedMs = performance.now();
    const revision = await this.put(ids);
    const durationMs = (await this.events.all('start', ids.map(containerName), PATIENCE_MS)) - startedMs;
    await this.settled(revision, count);
    const twins = await TwinMaker.of(containerName(ids[0]!));
    await this.assign([], PATIENCE_MS);
    await this.events.all('destroy', ids.map(containerName), PATIENCE_MS);
    await sleep(QUIET_MS);
    return { durationMs, twins };
  }

  /** The same containers by Docker's API alone, `parallel` at a time. @returns milliseconds until all run */
  async runRaw(twins: TwinMaker, count: number, parallel: number): Promise<number> {
    const names = this.names('raw', count);
    const queue = names.map((name, index) => ({ name, port: FIRST_TWIN_PORT + index }));
    const lane = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined && !this.isClosed; next = queue.shift())
        await twins.run(next.name, next.port);
    };
    const startedMs = performance.now();
    const lanes = Array.from({ length: parallel }, lane);
    this.making = Promise.allSettled(lanes);
    await Promise.all(lanes);
    const durationMs = (await this.events.all('start', names, PATIENCE_MS)) - startedMs;
    await twins.verify(names[0]!);
    const left = [...names];
    const removal = async (): Promise<void> => {
      for (let name = left.shift(); name !== undefined; name = left.shift())
        await dockerCall('DELETE', `/containers/${name}?force=1&v=1`);
    };
    await Promise.all([removal(), removal(), removal(), removal()]);
    await this.events.all('destroy', names, PATIENCE_MS);
    await sleep(QUIET_MS);
    return durationMs;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.making;
    this.events.close();
    this.store.close();
    await this.cluster.stop();
  }

  private names(side: string, count: number): readonly string[] {
    this.rounds++;
    return Array.from({ length: count }, (_, index) => `web-${index + 1}-${side}${this.rounds}`);
  }

  /** One transaction, as the coordinator writes it: the new release, and the assignment that names it. */
  private async put(ids: readonly string[]): Promise<number> {
    const { keys } = this.cluster;
    const release = benchRelease(++this.release);
    const hash = releaseHash(release);
    const instances = ids.map((id, index) => [id, { service: 'web', slot: index + 1, release: this.release, hash }]);
    const assignment = {
      ...{ ...emptyDocument('Assignment'), revision: ++this.revision },
      instances: Object.fromEntries(instances) as Record<string, never>,
    };
    const writes: Write[] = [
      { op: 'put', key: keys.release('web', release.number), value: encodeDocument('Release', release) },
      { op: 'put', key: keys.assignment(HOST), value: encodeDocument('Assignment', assignment) },
    ];
    await this.store.txn({ compares: [], writes });
    return this.revision;
  }

  private async assign(ids: readonly string[], timeoutMs: number): Promise<void> {
    await this.settled(await this.put(ids), ids.length, timeoutMs);
  }

  /** The agent has answered the assignment, so that none of its work falls into what is measured next. */
  private async settled(revision: number, count: number, timeoutMs = PATIENCE_MS): Promise<void> {
    await until(
      `the agent has answered revision ${revision}`,
      async () => {
        const [kv] = (await this.store.range({ key: this.cluster.keys.status(HOST) })).kvs;
        const status = decodeDocument('HostStatus', kv?.value ?? '{}');
        const phases = Object.values(status.instances).map(({ phase }) => phase);
        return (
          status.assignmentRevision === revision &&
          phases.length === count &&
          phases.every((phase) => phase === 'RUNNING')
        );
      },
      timeoutMs,
    );
  }
}

const containerName = (instance: string): string => `berth-${instance}`;

/** What services have: a port, limits, variables, the defaults of Berth. */
function benchRelease(number: number): Release {
  const base = releaseOf('web', { number, image: 'berth-test/busybox:1', hostPorts: [0] });
  const [port] = base.container.ports;
  return {
    ...base,
    container: {
      ...base.container,
      command: ['sleep', '86400'],
      environment: { LOG_LEVEL: 'info', REGION: 'eu-1' },
      stopSignal: 'SIGKILL',
      ports: [{ ...port!, name: 'http', target: CONTAINER_PORT }],
      limits: { nanoCpus: 500_000_000, memoryBytes: 64 * 1024 * 1024, pids: 100 },
    },
  };
}
