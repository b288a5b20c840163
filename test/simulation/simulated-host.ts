/** A host: a Docker Engine and a disk that outlive its agent, and the production agent on top. */
import { Agent } from '../../agent/agent';
import type { CopyOnDisk, DesiredCopy } from '../../agent/desired/disk-copy';
import { createMemoryEngine } from '../../agent/docker/memory-engine';
import { MemoryDocker, type Program } from '../../agent/docker/memory-docker';
import type { ImageNotes } from '../../agent/tidy/image-notes';
import type { Tidying } from '../../agent/tidy/tidy';
import type { Clock } from '../../lib/clock';
import { keysUnder } from '../../lib/documents/keys';
import type { KeptInstance, MemoryCopy } from '../../agent/memory-copy';
import type { ContainerSpec } from '../../lib/documents/types';
import type { MemoryStore } from '../../lib/etcd/memory-store';
import { silentLogger } from '../../lib/log';
import type { Chance } from './seeded-random';
import { LATENCY, NO_PROBES } from '../support/loop-host';
import { tidyingInMemory } from '../support/tidying';
import { SimulatedProcess } from './simulated-process';

export const PREFIX = '/sim';
export const LEASE_TTL_MS = 5000;
/** What an image of this name does: "broken" can't be started, "crashing" exits again and again. */
const PROGRAMS: Readonly<Record<string, Program>> = {
  broken: { refusal: 'exec: "/no/such": no such file' },
  crashing: { exitsAfterMs: 700, exitCode: 3 },
  stubborn: { obeysStop: false },
};

export class SimulatedHost {
  readonly docker: MemoryDocker;
  process: SimulatedProcess | undefined;
  /** Why an agent of this host gave up, if one did. */
  refusal: string | undefined;
  /** The newest that an agent of this host began to save: what it does, it does by this one. */
  obeyed: DesiredCopy | undefined;
  private onDisk: DesiredCopy | undefined;
  private images: ImageNotes = { images: [], services: {} };
  private remembered: ReadonlyMap<string, KeptInstance> = new Map();

  constructor(
    readonly name: string,
    private readonly clock: Clock,
    private readonly etcd: MemoryStore,
    private readonly chance: Chance,
  ) {
    const program = ({ image }: ContainerSpec): Program => PROGRAMS[image.split(':')[0]!] ?? {};
    this.docker = new MemoryDocker({ clock, program, latencyMs: LATENCY });
    for (const name of ['web', 'api', 'crashing', 'stubborn', 'broken'])
      for (const tag of [1, 2, 3]) this.docker.registry.add(`${name}:${tag}`);
  }

  startAgent(): void {
    if (this.process !== undefined) return;
    const process = new SimulatedProcess(this.clock, this.etcd);
    this.process = process;
    const engine = createMemoryEngine(this.docker, { host: this.name, prefix: PREFIX });
    const agent = new Agent({
      ...{ name: this.name, address: '10.0.0.1', labels: {}, leaseTtlMs: LEASE_TTL_MS, portRange: [20_000, 20_099] },
      ...{ keys: keysUnder(PREFIX), agentId: this.name, disk: this.disk(process), engine: process.engine(engine) },
      ...{ memoryCopy: this.memoryCopy(process), probes: NO_PROBES, tidying: this.tidying(process) },
      ...{ store: process.store, clock: process.clock, random: this.chance.next, log: silentLogger },
    });
    void agent.start(() => undefined).then((why) => (this.refusal = why));
  }

  /** As kill -9, or a host whose power is cut while Docker restarts its containers by itself. */
  killAgent(): void {
    this.process?.kill();
    this.process = undefined;
  }

  /** Every second host has a full disk: it keeps no image that is not wanted. */
  private tidying(process: SimulatedProcess): Tidying {
    const isFull = /[02468]$/.test(this.name);
    return tidyingInMemory({
      readDisk: () => Promise.resolve(isFull ? 0.95 : 0.5),
      copy: {
        load: () => Promise.resolve(this.images),
        save: async (notes) => {
          await new Promise<void>((done) => process.clock.after(2, done));
          this.images = notes;
        },
      },
    });
  }

  private memoryCopy(process: SimulatedProcess): MemoryCopy {
    return {
      load: () => Promise.resolve(this.remembered),
      save: async (kept) => {
        await new Promise<void>((done) => process.clock.after(2, done));
        this.remembered = kept;
      },
    };
  }

  /** What is saved is there for the next agent, unless this one was killed before it got so far. */
  private disk(process: SimulatedProcess): CopyOnDisk {
    return {
      load: () => Promise.resolve((this.obeyed = this.onDisk)),
      save: async (copy) => {
        this.obeyed = copy;
        await new Promise<void>((done) => process.clock.after(2, done));
        this.onDisk = copy;
      },
    };
  }
}
