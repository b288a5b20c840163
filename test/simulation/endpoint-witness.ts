/**
 * G8: of a host's agents, every endpoint that they write is of a container that runs and is well as far as they were told, and
 * it is gone before they stop the container. What can't be withdrawn, since etcd does not answer, is no breach.
 */
import type { Engine } from '../../agent/docker/engine';
import type { ActualContainer } from '../../agent/plan/types';
import type { Keys } from '../../lib/documents/keys';
import type { MemoryStore } from '../../lib/etcd/memory-store';
import type { Store, Txn } from '../../lib/etcd/store';
import type { SimulatedCluster } from './simulated-cluster';
import { overCalls } from './simulated-process';

/** A call to etcd that failed, or did not come back, so lately says that a withdrawal may have failed, too. */
const TROUBLE_MS = 3000;

export interface KnownHealth {
  /** Tries of its probe that failed, since the last one that did not. */
  failedTries(id: string): number;
  /** Failures in a row that make the instance ill, by its probe: the most of those that it had lately. Undefined: it has none. */
  allowedFailures(instance: string): number | undefined;
}

export interface EndpointWitnessOptions {
  readonly host: string;
  readonly keys: Keys;
  /** A client of its own, that no fault befalls. */
  readonly etcd: Store;
  readonly now: () => number;
  readonly health: KnownHealth;
  /** Etcd was put back to what it was so lately that nobody can have found out. */
  readonly isJustRestored: () => boolean;
  readonly breach: (what: string) => void;
}

/** Of one agent process. */
export class EndpointWitness {
  private seen = new Map<string, ActualContainer>();
  private readonly pending = new Map<object, number>();
  private troubledMs = -Infinity;

  constructor(private readonly options: EndpointWitnessOptions) {}

  overStore(store: MemoryStore): void {
    for (const call of ['range', 'grantLease', 'keepLeaseAlive', 'leaseKeys'] as const) {
      const act = (store[call] as (asked: unknown) => Promise<unknown>).bind(store);
      store[call] = ((asked: unknown) => this.listen(() => act(asked))) as never;
    }
    const txn = store.txn.bind(store);
    store.txn = (what) => {
      this.judgeWrites(what);
      return this.listen(() => txn(what));
    };
  }

  overEngine(engine: Engine): Engine {
    return overCalls(engine, async (call, act, args) => {
      if (call === 'stop' || call === 'restart') await this.judgeStop(call, args[0] as string);
      const answer: unknown = await act();
      if (call === 'list')
        this.seen = new Map((answer as readonly ActualContainer[]).map((container) => [container.id, container]));
      return answer;
    });
  }

  private async listen<T>(act: () => Promise<T>): Promise<T> {
    const call = {};
    this.pending.set(call, this.options.now());
    try {
      return await act();
    } catch (error) {
      this.troubledMs = this.options.now();
      throw error;
    } finally {
      this.pending.delete(call);
    }
  }

  private get isTroubled(): boolean {
    const nowMs = this.options.now();
    const hangs = [...this.pending.values()].some((sinceMs) => nowMs > sinceMs);
    return hangs || nowMs - this.troubledMs < TROUBLE_MS;
  }

  private judgeWrites({ writes }: Txn): void {
    const { host, keys, breach } = this.options;
    for (const write of writes) {
      if (write.op !== 'put' || !write.key.startsWith(keys.endpoints)) continue;
      const wrong = this.whyNot(write.key.slice(write.key.lastIndexOf('/') + 1));
      if (wrong !== undefined) breach(`${host}: G8: ${write.key} is published: ${wrong}`);
      if (write.lease === undefined) breach(`${host}: G8: ${write.key} hangs on no lease`);
    }
  }

  private whyNot(instance: string): string | undefined {
    const { health } = this.options;
    const containers = [...this.seen.values()].filter((one) => one.instance === instance);
    const running = containers.filter(({ state }) => state === 'running');
    if (running.length === 0) return `its containers are ${containers.map(({ state }) => state).join(', ') || 'gone'}`;
    const allowed = health.allowedFailures(instance);
    if (allowed === undefined) return undefined;
    const failed = Math.min(...running.map(({ id }) => health.failedTries(id)));
    return failed >= allowed ? `its probe has failed ${failed} times` : undefined;
  }

  private async judgeStop(call: string, id: string): Promise<void> {
    const { host, keys, etcd, breach, isJustRestored } = this.options;
    const container = this.seen.get(id);
    const isTwin = [...this.seen.values()].some((one) => one.id !== id && one.instance === container?.instance);
    if (container === undefined || isTwin || this.isTroubled || isJustRestored()) return;
    const key = keys.endpoint(container.service, container.instance);
    const [found, alive] = (await Promise.all([key, keys.hostAlive(host)].map((one) => etcd.range({ key: one })))).map(
      ({ kvs }) => kvs[0],
    );
    // One that somebody wrote by hand, or that hangs on an earlier lease after a loss, is not theirs any more.
    if (found?.lease !== undefined && found.lease === alive?.lease)
      breach(`${host}: G8: ${call} while ${key} is there`);
  }
}

/** In peace. @returns what is published and should not be, or the other way round */
export async function wrongEndpoints({ hosts, etcd }: SimulatedCluster, keys: Keys): Promise<readonly string[]> {
  const published = (await etcd.range({ prefix: keys.endpoints })).kvs.map(({ key }) => key);
  const serving = hosts.flatMap(({ docker }) =>
    [...docker.containers.values()]
      .filter(({ state, health, request }) => state === 'running' && health !== 'unhealthy' && !request.isJob)
      .map(({ request }) => keys.endpoint(request.service, request.instance)),
  );
  return [
    ...published.filter((key) => !serving.includes(key)).map((key) => `G8: ${key} is there, and nothing serves it`),
    ...serving.filter((key) => !published.includes(key)).map((key) => `G8: ${key} serves, and is not published`),
  ];
}
