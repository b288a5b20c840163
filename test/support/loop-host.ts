/** A simulated Docker Engine with the agent's loop on top; a test says what is desired. */
import type { Engine } from '../../agent/docker/engine';
import type { MemoryContainer } from '../../agent/docker/simulated/memory-container';
import { MemoryDocker, type MemoryDockerOptions } from '../../agent/docker/simulated/memory-docker';
import { createMemoryEngine } from '../../agent/docker/simulated/memory-engine';
import type { ExecutorTools } from '../../agent/executor';
import { HostPorts } from '../../agent/host-ports';
import { Loop } from '../../agent/loop';
import type { PassReport } from '../../agent/loop-options';
import type { Probes } from '../../agent/probes/probes';
import type { KeptInstance, MemoryCopy } from '../../agent/memory/memory-copy';
import type { Cut, Desired } from '../../agent/plan/types';
import type { HostStatus, InstanceStatus } from '../../lib/documents/types';
import { Pauses } from '../../lib/pauses';
import { desiredOf } from './desired';
import { createFakeClock, type FakeClock } from './fake-clock';
import { recordLog, type LogLine } from './recorded-log';

/** About what a real engine takes, milliseconds. */
export const LATENCY = {
  ...{ list: 5, create: 120, start: 130, stop: 40, remove: 60, pull: 900, presentImages: 3 },
  ...{ restart: 170, update: 20, exec: 60, logTail: 10 },
};

export const NO_PROBES: Probes = {
  watch: () => undefined,
  follow: (containers) => containers,
  close: () => undefined,
};

/** A disk that outlives the agent. */
export function memoryInMemory(): MemoryCopy {
  let saved: ReadonlyMap<string, KeptInstance> = new Map();
  return { load: () => Promise.resolve(saved), save: (kept) => Promise.resolve(void (saved = kept)) };
}

/** The engine, with some of its calls done otherwise. */
export function over(engine: Engine, calls: Partial<Engine>): Engine {
  return Object.assign(Object.create(engine) as Engine, calls);
}

export interface LoopHostOptions extends Omit<MemoryDockerOptions, 'clock'> {
  /** On the host at the beginning; "web:1" without. A registry has "web:1" and "web:2". */
  readonly images?: readonly string[];
  readonly wrap?: (engine: Engine) => Engine;
  readonly withdraw?: ExecutorTools['withdraw'];
  readonly memoryCopy?: MemoryCopy;
  /** The same host, with another agent before. */
  readonly after?: LoopHost;
}

export class LoopHost {
  readonly clock: FakeClock;
  readonly docker: MemoryDocker;
  readonly loop: Loop;
  readonly statuses: HostStatus[] = [];
  readonly passes: PassReport[] = [];
  readonly lines: readonly LogLine[];
  readonly memoryCopy: MemoryCopy;
  mayAct = true;
  /** From etcd. */
  cut: Cut | undefined;
  private next: LoopHost | undefined;
  private wanted: Desired = desiredOf({});

  constructor(private readonly options: LoopHostOptions = {}) {
    const {
      wrap = (engine) => engine,
      images = ['web:1'],
      memoryCopy = memoryInMemory(),
      after,
      withdraw,
      ...rest
    } = options;
    this.clock = after?.clock ?? createFakeClock();
    this.memoryCopy = after?.memoryCopy ?? memoryCopy;
    const { clock } = this;
    this.docker = after?.docker ?? new MemoryDocker({ clock, latencyMs: LATENCY, ...rest });
    for (const image of ['web:1', 'web:2']) this.docker.registry.add(image);
    for (const image of images) this.docker.images.add(image);
    const engine = wrap(createMemoryEngine(this.docker, { host: 'h1', prefix: '/test' }));
    const { log, lines } = recordLog(clock);
    this.lines = lines;
    this.loop = new Loop({
      ...{ engine, clock, log, random: () => 0.999 },
      pauses: new Pauses(clock, log),
      ports: new HostPorts(engine, [20_000, 20_099]),
      ...{ probes: NO_PROBES, memoryCopy: this.memoryCopy, onBoundary: () => undefined },
      desired: () => this.wanted,
      mayAct: () => this.mayAct,
      cut: () => this.cut,
      problems: () => [],
      besides: () => ({ resolved: {}, volumes: [] }),
      withdraw: withdraw ?? (() => Promise.resolve()),
      onHealth: () => undefined,
      onStatus: (status) => void this.statuses.push(status),
      onPass: (pass) => void this.passes.push(pass),
    });
  }

  /** Ends the agent. @returns the host with the next one */
  restart(): LoopHost {
    this.loop.stop();
    return (this.next = new LoopHost({ ...this.options, after: this }));
  }

  /** Ends the agent, and those that came after it. */
  stop(): void {
    this.loop.stop();
    this.next?.stop();
  }

  /** Starts the loop at the first call. */
  async want(desired: Desired, forMs = 0): Promise<void> {
    const isFirst = this.passes.length === 0;
    this.wanted = desired;
    if (isFirst) this.loop.start();
    else this.loop.wake();
    await this.clock.advance(forMs);
  }

  get status(): HostStatus {
    return this.statuses[this.statuses.length - 1]!;
  }

  statusOf(instance: string): InstanceStatus | undefined {
    return this.status.instances[instance];
  }

  containerOf(instance: string): MemoryContainer | undefined {
    return [...this.docker.containers.values()].find(({ request }) => request.instance === instance);
  }

  /** "create web-1" and so on, of those that were begun. */
  get begun(): readonly string[] {
    return this.lines.filter(({ level }) => level === 'info').map(({ message }) => message);
  }

  get failures(): readonly string[] {
    return this.lines.filter(({ level }) => level === 'warn').map(({ fields }) => String(fields['error']));
  }

  /** When the step was begun, each time. */
  timesOf(message: string): readonly number[] {
    return this.lines.filter((line) => line.message === message).map(({ atMs }) => atMs);
  }
}

/** @returns makes hosts for the tests of a file; they are stopped after each test */
export function loopHosts(): (options?: LoopHostOptions) => LoopHost {
  const hosts: LoopHost[] = [];
  afterEach(() => hosts.splice(0).forEach((host) => host.stop()));
  return (options = {}) => {
    const host = new LoopHost(options);
    hosts.push(host);
    return host;
  };
}
