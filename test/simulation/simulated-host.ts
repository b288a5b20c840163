/** A host: a Docker Engine, a disk and a wall clock that outlive its agent, and the production agent on top. */
import { Agent } from '../../agent/agent';
import type { Boundary } from '../../agent/boundaries';
import type { CopyOnDisk, DesiredCopy } from '../../agent/desired/disk-copy';
import type { Engine } from '../../agent/docker/engine';
import { createMemoryEngine } from '../../agent/docker/simulated/memory-engine';
import type { MemoryContainer, Program } from '../../agent/docker/simulated/memory-container';
import { MemoryDocker } from '../../agent/docker/simulated/memory-docker';
import type { KeptInstance, MemoryCopy } from '../../agent/memory/memory-copy';
import { createProber } from '../../agent/probes/prober';
import type { ImageNotes } from '../../agent/tidy/image-notes';
import type { Tidying } from '../../agent/tidy/tidy';
import type { Clock } from '../../lib/clock';
import { keysUnder } from '../../lib/documents/keys';
import type { ContainerSpec } from '../../lib/documents/types';
import type { MemoryStore } from '../../lib/etcd/memory-store';
import { silentLogger } from '../../lib/log';
import { LATENCY } from '../support/loop-host';
import { tidyingInMemory } from '../support/tidying';
import { EndpointWitness } from './endpoint-witness';
import { EngineFaults } from './engine-faults';
import type { Chance } from './seeded-random';
import { SimulatedHealth } from './simulated-health';
import { SimulatedProcess } from './simulated-process';
import type { Knowledge } from './judge';
import { Renewals } from './renewals';
import type { Witness } from './witness';

export const PREFIX = '/sim';
export const LEASE_TTL_MS = 5000;
export const OWNER = (host: string): { host: string; prefix: string } => ({ host, prefix: PREFIX });
const HISTORY_MS = 120_000;
/** Of a disk, to make a small file durable. */
const WRITE_MS = 2;

/** What `before` jobs run, whatever their image. */
export const JOB_COMMAND = 'migrate';
/** What an image of this name does. */
const JOB: Program = { exitsAfterMs: 3000, exitCode: 0, log: ['one step'] };
const PROGRAMS: Readonly<Record<string, Program>> = {
  ...{ web: {}, api: {} },
  broken: { refusal: 'exec: "/no/such": no such file' },
  crashing: { exitsAfterMs: 700, exitCode: 3 },
  done: { exitsAfterMs: 1500, exitCode: 0 },
  stubborn: { obeysStop: false },
  sickly: { health: { afterMs: 3000, status: 'unhealthy' } },
  badhook: { execCode: 1 },
};
export const TAGS = [1, 2, 3];
export const imagesOf = (name: string): readonly string[] => TAGS.map((tag) => `${name}:${tag}`);

export interface SimulatedHostOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly etcd: MemoryStore;
  readonly chance: Chance;
  readonly witness: Witness;
  /** Etcd was put back to what it was, a moment ago. */
  readonly isJustRestored: () => boolean;
  /** An engine that does wrong, to see that the witness says so. */
  readonly sabotage?: ((engine: Engine, docker: MemoryDocker) => Engine) | undefined;
}

export class SimulatedHost {
  readonly docker: MemoryDocker;
  readonly faults: EngineFaults;
  readonly health: SimulatedHealth;
  readonly name: string;
  process: SimulatedProcess | undefined;
  /** Why an agent of this host gave up, if one did. */
  refusal: string | undefined;
  /** Every write to it fails. */
  isDiskFull = false;
  /** Told of every boundary that the agent passes. */
  onBoundary: (boundary: Boundary) => void = () => undefined;
  private readonly renewals: Renewals;
  private readonly cutRuns = new Set<string>();
  private readonly clock: Clock;
  private wallOffsetMs = 0;
  private hasJumped = false;
  private onDisk: DesiredCopy | undefined;
  private images: ImageNotes = { images: [], services: {} };
  private remembered: ReadonlyMap<string, KeptInstance> = new Map();
  private obeyed: DesiredCopy | undefined;
  private isConfirmed = false;
  private history: { readonly atMs: number; readonly copy: DesiredCopy }[] = [];

  constructor(private readonly options: SimulatedHostOptions) {
    const { clock, name } = options;
    this.name = name;
    this.clock = {
      monotonicMs: () => clock.monotonicMs(),
      wallMs: () => clock.wallMs() + this.wallOffsetMs,
      after: (delayMs, wake) => clock.after(delayMs, wake),
    };
    const program = ({ image, command: [command] }: ContainerSpec): Program =>
      command === JOB_COMMAND ? JOB : (PROGRAMS[image.split(':')[0]!] ?? {});
    const onRun = (container: MemoryContainer): void => options.witness.began(name, container);
    this.docker = new MemoryDocker({ clock: this.clock, program, onRun, latencyMs: LATENCY });
    this.renewals = new Renewals(clock, keysUnder(PREFIX).hostAlive(name));
    this.faults = new EngineFaults(this.clock, this.docker);
    this.health = new SimulatedHealth(this.docker);
    for (const image of Object.keys(PROGRAMS).flatMap(imagesOf)) this.docker.registry.add(image);
  }

  startAgent(): void {
    if (this.process !== undefined) return;
    const { name, etcd, chance, sabotage, witness } = this.options;
    const process = new SimulatedProcess(this.clock, etcd);
    this.process = process;
    this.isConfirmed = false;
    this.renewals.over(process.store);
    const engine = this.faults.over(createMemoryEngine(this.docker, OWNER(name)));
    const endpoints = this.endpointWitness();
    endpoints.overStore(process.store);
    const witnessed = endpoints.overEngine(witness.over(engine, this.knowledge()));
    const agent = new Agent({
      ...{
        name,
        address: '10.0.0.1',
        http: '0.0.0.0:7423',
        labels: {},
        resources: {},
        weight: 100,
        leaseTtlMs: LEASE_TTL_MS,
        portRange: [20_000, 20_099],
      },
      ...{ keys: keysUnder(PREFIX), agentId: name, disk: this.disk(process), tidying: this.tidying(process) },
      engine: process.engine(sabotage?.(witnessed, this.docker) ?? witnessed),
      memoryCopy: this.memoryCopy(process),
      probes: createProber({
        tryProbe: this.health.tryProbe(process),
        ...{ clock: process.clock, random: chance.next, log: silentLogger },
      }),
      ...{ store: process.store, clock: process.clock, random: chance.next, log: silentLogger },
      onBoundary: (boundary) => process.isKilled || this.onBoundary(boundary),
    });
    void agent.start(() => undefined).then((why) => (this.refusal = why));
  }

  private endpointWitness(): EndpointWitness {
    const { name, etcd, witness, clock, isJustRestored } = this.options;
    return new EndpointWitness({
      ...{ host: name, keys: keysUnder(PREFIX), etcd, isJustRestored, now: () => clock.monotonicMs() },
      health: {
        failedTries: (id) => this.health.failedTries(id),
        allowedFailures: (instance) => this.allowedFailures(instance),
      },
      breach: (what) => witness.breach(what),
    });
  }

  /** An agent goes by the newest copy, or by one that it has not begun to save yet. */
  private allowedFailures(instance: string): number | undefined {
    // Of a host that has lost its copy and its assignment nobody knows any more what probes there are.
    if (this.obeyed === undefined) return undefined;
    const recent = [...this.history.map(({ copy }) => copy), this.obeyed];
    const probes = recent.map(({ assignment, releases }) => {
      const wanted = assignment.instances[instance];
      return wanted && releases.get(`${wanted.service}@${wanted.release}`)?.deploy.probe;
    });
    return probes.includes(undefined) || probes.length === 0
      ? undefined
      : Math.max(...probes.map((probe) => probe!.failures));
  }

  /** As kill -9, or a host whose power is cut while Docker restarts its containers by itself. */
  killAgent(): void {
    this.process?.kill();
    this.process = undefined;
  }

  /** Somebody, or the time service, sets the clock of the host. */
  setClock(byMs: number): void {
    this.wallOffsetMs += byMs;
    this.hasJumped = true;
  }

  get wallMs(): number {
    return this.clock.wallMs();
  }

  /** A machine with a new disk: the containers are there, and what its agents kept is not. */
  loseDisk(): void {
    this.killAgent();
    this.options.witness.forgetJobs(this.name);
    this.onDisk = undefined;
    this.remembered = new Map();
    this.images = { images: [], services: {} };
    this.startAgent();
  }

  /** Everything works from now on. */
  heal(): void {
    this.docker.heal();
    this.faults.heal();
    this.health.heal();
    this.isDiskFull = false;
  }

  private obey(copy: DesiredCopy | undefined, isConfirmed: boolean): void {
    const nowMs = this.clock.monotonicMs();
    // What was obeyed until now was so until now.
    if (this.obeyed !== undefined) this.history.push({ atMs: nowMs, copy: this.obeyed });
    this.history = this.history.filter(({ atMs }) => atMs >= nowMs - HISTORY_MS);
    this.obeyed = copy;
    this.isConfirmed = isConfirmed;
  }

  private knowledge(): Knowledge {
    return {
      ...{ name: this.name, docker: this.docker, renewals: this.renewals, cutRuns: this.cutRuns },
      hasJumped: () => this.hasJumped,
      obeyed: () => this.obeyed,
      isConfirmed: () => this.isConfirmed,
      failedTries: (id) => this.health.failedTries(id),
      obeyedWithin: (ms) => {
        const sinceMs = this.clock.monotonicMs() - ms;
        const past = this.history.filter(({ atMs }) => atMs >= sinceMs).map(({ copy }) => copy);
        return this.obeyed === undefined ? past : [...past, this.obeyed];
      },
      isPaused: (instance, service, { assignment }) =>
        !this.hasJumped &&
        assignment.pauses.some(({ kind, name, untilMs }) => {
          const isMeant = kind === 'host' || name === (kind === 'service' ? service : instance);
          return isMeant && untilMs > this.wallMs;
        }),
    };
  }

  /** Every second host has a full disk: it keeps no image that is not wanted. */
  private tidying(process: SimulatedProcess): Tidying {
    const isFull = /[02468]$/.test(this.name);
    return tidyingInMemory({
      readDisk: () => Promise.resolve(isFull ? 0.95 : 0.5),
      copy: {
        load: () => process.call(() => Promise.resolve(this.images)),
        save: (notes) => process.call(() => this.write(process, () => (this.images = notes))),
      },
    });
  }

  private memoryCopy(process: SimulatedProcess): MemoryCopy {
    return {
      load: () => process.call(() => Promise.resolve(this.remembered)),
      save: (kept) => process.call(() => this.write(process, () => (this.remembered = kept))),
    };
  }

  private disk(process: SimulatedProcess): CopyOnDisk {
    return {
      load: () =>
        process.call(() => {
          this.obey(this.onDisk, false);
          return Promise.resolve(this.onDisk);
        }),
      save: (copy) =>
        process.call(() => {
          this.obey(copy, true);
          return this.write(process, () => (this.onDisk = copy));
        }),
    };
  }

  /** What is written is there for the next agent, unless this one was killed before it got so far. */
  private async write(process: SimulatedProcess, act: () => void): Promise<void> {
    await new Promise<void>((done) => process.clock.after(WRITE_MS, done));
    if (this.isDiskFull) throw new Error('ENOSPC: no space left on device');
    act();
  }
}
