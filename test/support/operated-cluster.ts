/** A coordinator and agents without Docker over the in-memory store, on a clock that stands still: what operators ask is real. */
import { startCoordinator, type Coordinator } from '../../coordinator/coordinator';
import { keysUnder } from '../../lib/documents/keys';
import { createMemoryStore, type MemoryStore } from '../../lib/etcd/memory-store';
import { silentLogger } from '../../lib/log';
import { RpcError } from '../../lib/rpc/types';
import { FakeAgent, type FakeAgentOptions } from './fake-agent';
import { createFakeClock, type FakeClock } from './fake-clock';

/** Calls read from etcd, and wait until the view has what they wrote. */
const CALL_MS = 3000;

export class OperatedCluster {
  readonly keys = keysUnder('/b');
  readonly clock: FakeClock = createFakeClock();
  readonly etcd: MemoryStore = createMemoryStore(this.clock);
  readonly lead: Coordinator;
  private readonly agents = new Map<string, FakeAgent>();
  private seed = 1;

  private constructor() {
    this.lead = this.coordinator('c1');
  }

  static async start(...hosts: readonly string[]): Promise<OperatedCluster> {
    const cluster = new OperatedCluster();
    for (const host of hosts) cluster.add(host);
    await cluster.clock.advance(100);
    return cluster;
  }

  coordinator(identity: string): Coordinator {
    const random = (): number => (this.seed = (this.seed * 48271) % 2147483647) / 2147483647;
    const { keys, clock, etcd } = this;
    const store = etcd.connect();
    return startCoordinator({ store, keys, clock, log: silentLogger, random, identity, leaseTtlMs: 2000 });
  }

  add(name: string, more: Partial<FakeAgentOptions> = {}): FakeAgent {
    const { keys, clock, etcd } = this;
    const agent = new FakeAgent({ store: etcd.connect(), keys, clock, name, ...more }).start();
    this.agents.set(name, agent);
    return agent;
  }

  agent(name: string): FakeAgent {
    return this.agents.get(name)!;
  }

  async put(key: string, value: string): Promise<void> {
    await this.etcd.txn({ compares: [], writes: [{ op: 'put', key, value }] });
  }

  async delete(key: string): Promise<void> {
    await this.etcd.txn({ compares: [], writes: [{ op: 'delete', key }] });
  }

  async read(key: string): Promise<string | undefined> {
    return (await this.etcd.range({ key })).kvs[0]?.value;
  }

  /** Settles a call while the clock moves. @returns its answer, or the error with which it was refused */
  async settle<T>(ask: (coordinator: Coordinator) => Promise<T>, on: Coordinator = this.lead): Promise<T | RpcError> {
    const caught = ask(on).catch((error: unknown) => {
      if (error instanceof RpcError) return error;
      throw error;
    });
    await this.clock.advance(CALL_MS);
    return caught;
  }
}
