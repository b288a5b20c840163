/** Everything at once, on one clock that stands still: an etcd, coordinators, hosts, and the operator's documents. */
import type { Engine } from '../../agent/docker/engine';
import type { MemoryDocker } from '../../agent/docker/simulated/memory-docker';
import type { ClusterView } from '../../coordinator/view';
import { startCoordinator, type Coordinator } from '../../coordinator/coordinator';
import { keysUnder } from '../../lib/documents/keys';
import type { KeyValue } from '../../lib/etcd/store';
import { createMemoryStore, type MemoryStore } from '../../lib/etcd/memory-store';
import { silentLogger } from '../../lib/log';
import { createFakeClock, type FakeClock } from '../support/fake-clock';
import { fenceWitness } from './fence-witness';
import { floorWitness } from './floor-witness';
import { refusalWitness } from './refusal-witness';
import type { Chance } from './seeded-random';
import { LEASE_TTL_MS, PREFIX, SimulatedHost } from './simulated-host';
import { SimulatedProcess } from './simulated-process';
import { Witness } from './witness';

export const keys = keysUnder(PREFIX);

export interface SimulatedCoordinator {
  readonly process: SimulatedProcess;
  readonly coordinator: Coordinator;
}

export interface ClusterOptions {
  readonly chance: Chance;
  readonly hosts: number;
  readonly coordinators: number;
  /** Makes every engine do wrong, to see that the witness says so. */
  readonly sabotage?: ((engine: Engine, docker: MemoryDocker) => Engine) | undefined;
}

export class SimulatedCluster {
  readonly clock: FakeClock = createFakeClock();
  readonly etcd: MemoryStore = createMemoryStore(this.clock);
  readonly chance: Chance;
  readonly witness: Witness;
  readonly hosts: readonly SimulatedHost[];
  readonly coordinators: (SimulatedCoordinator | undefined)[];
  /** What the operator wants, by service: the text that stands in etcd, or should. */
  readonly documents = new Map<string, string>();
  /** When that was last done, on the clock of all. */
  restoredAtMs = -Infinity;
  /** Puts etcd back to what it was; undefined when there is no backup. */
  backup: (() => void) | undefined;

  constructor({ chance, hosts, coordinators, sabotage }: ClusterOptions) {
    this.chance = chance;
    const { clock, etcd } = this;
    this.witness = new Witness(() => clock.monotonicMs());
    // Without a coordinator a host may be told to do what can't be done, and has to cope.
    if (coordinators > 0) this.witness.watchAssignments(etcd.connect(), keys);
    const names = Array.from({ length: hosts }, (_, index) => `h${index + 1}`);
    const isJustRestored = (): boolean => this.isJustRestored;
    this.hosts = names.map(
      (name) => new SimulatedHost({ name, clock, etcd, chance, witness: this.witness, isJustRestored, sabotage }),
    );
    for (const host of this.hosts) host.startAgent();
    this.coordinators = Array.from({ length: coordinators }, () => undefined);
    this.coordinators.forEach((_, index) => this.startCoordinator(index));
  }

  private get isJustRestored(): boolean {
    return this.clock.monotonicMs() - this.restoredAtMs <= LEASE_TTL_MS;
  }

  startCoordinator(index: number): void {
    if (this.coordinators[index] !== undefined) return;
    const process = new SimulatedProcess(this.clock, this.etcd);
    const { clock } = process;
    const breach = (what: string): void => this.witness.breach(`c${index + 1}: ${what}`);
    const fenced = fenceWitness(process.store, this.etcd, keys.leader, breach, () => this.isJustRestored);
    const view = (): ClusterView => coordinator.cluster.view;
    const store = refusalWitness(floorWitness(fenced, keys, view, breach), keys, view, breach);
    const coordinator: Coordinator = startCoordinator({
      ...{ store, clock, keys, log: silentLogger, random: this.chance.next, leaseTtlMs: LEASE_TTL_MS },
      identity: `c${index + 1}`,
    });
    this.coordinators[index] = { process, coordinator };
  }

  killCoordinator(index: number): void {
    this.coordinators[index]?.process.kill();
    this.coordinators[index] = undefined;
  }

  /** Everything answers again, and everyone runs. */
  heal(): void {
    for (const host of this.hosts) {
      host.heal();
      host.startAgent();
      host.process?.store.faults.reconnect();
    }
    this.coordinators.forEach((one, index) => {
      if (one === undefined) this.startCoordinator(index);
      else one.process.store.faults.reconnect();
    });
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

  async everything(): Promise<readonly KeyValue[]> {
    return (await this.etcd.range({ prefix: keys.all })).kvs;
  }

  /** Ends every process, so that nothing of this cluster wakes any more. */
  end(): void {
    for (const host of this.hosts) host.killAgent();
    this.coordinators.forEach((_, index) => this.killCoordinator(index));
  }
}
