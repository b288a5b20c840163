/** Everything at once, on one clock that stands still: an etcd, coordinators, hosts, and the operator's documents. */
import { startCoordinator, type Coordinator } from '../../coordinator/coordinator';
import { keysUnder } from '../../lib/documents/keys';
import { createMemoryStore, type MemoryStore } from '../../lib/etcd/memory-store';
import { silentLogger } from '../../lib/log';
import { createFakeClock, type FakeClock } from '../support/fake-clock';
import { LEASE_TTL_MS, PREFIX, SimulatedHost } from './simulated-host';
import { SimulatedProcess } from './simulated-process';
import type { Chance } from './seeded-random';

export const keys = keysUnder(PREFIX);

export interface SimulatedCoordinator {
  readonly process: SimulatedProcess;
  readonly coordinator: Coordinator;
}

export class SimulatedCluster {
  readonly clock: FakeClock = createFakeClock();
  readonly etcd: MemoryStore = createMemoryStore(this.clock);
  readonly hosts: readonly SimulatedHost[];
  readonly coordinators: (SimulatedCoordinator | undefined)[] = [undefined, undefined];
  /** What the operator wants, by service: the text that stands in etcd, or should. */
  readonly documents = new Map<string, string>();
  /** Puts etcd back to what it was; undefined when there is no backup. */
  backup: (() => void) | undefined;

  constructor(
    readonly chance: Chance,
    hostCount: number,
  ) {
    const names = Array.from({ length: hostCount }, (_, index) => `h${index + 1}`);
    this.hosts = names.map((name) => new SimulatedHost(name, this.clock, this.etcd, chance));
    for (const host of this.hosts) host.startAgent();
    this.coordinators.forEach((_, index) => this.startCoordinator(index));
  }

  startCoordinator(index: number): void {
    if (this.coordinators[index] !== undefined) return;
    const process = new SimulatedProcess(this.clock, this.etcd);
    const { store, clock } = process;
    const coordinator = startCoordinator({
      ...{ store, clock, keys, log: silentLogger, random: this.chance.next, leaseTtlMs: LEASE_TTL_MS },
      identity: `c${index + 1}`,
    });
    this.coordinators[index] = { process, coordinator };
  }

  killCoordinator(index: number): void {
    this.coordinators[index]?.process.kill();
    this.coordinators[index] = undefined;
  }

  async put(service: string, document: string): Promise<void> {
    this.documents.set(service, document);
    await this.write(keys.service(service), document);
  }

  async delete(service: string): Promise<void> {
    this.documents.delete(service);
    await this.etcd.txn({ compares: [], writes: [{ op: 'delete', key: keys.service(service) }] });
  }

  async write(key: string, value: string): Promise<void> {
    await this.etcd.txn({ compares: [], writes: [{ op: 'put', key, value }] });
  }

  /** An operator applies everything again, as after the loss of etcd. */
  async applyAll(): Promise<void> {
    for (const [service, document] of this.documents) await this.write(keys.service(service), document);
  }

  /** Ends every process, so that nothing of this cluster wakes any more. */
  end(): void {
    for (const host of this.hosts) host.killAgent();
    this.coordinators.forEach((_, index) => this.killCoordinator(index));
  }
}
