/**
 * A Docker Engine in memory: its containers, images and ports, and what a test or the simulator lets happen to them.
 * Agents reach it through memory-engine.ts. Deterministic: time comes from the clock, ids from a counter.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../../lib/clock';
import type { ContainerSpec, Hook } from '../../../lib/documents/types';
import { wantedLimits } from '../../plan/limits';
import { EngineError, type CreateRequest, type ExecResult, type LogRequest } from '../engine';
import { containerName, type Ownership } from '../list/labels';
import {
  imageIdOf,
  isUp,
  SIGKILL_CODE,
  SIGNALS,
  SIGTERM_CODE,
  type MemoryContainer,
  type Program,
} from './memory-container';

export interface MemoryDockerOptions {
  readonly clock: Clock;
  /** What the container of a spec does. Without: runs, obeys, is healthy at once. */
  readonly program?: (container: ContainerSpec) => Program;
  /** Told of every run that begins. */
  readonly onRun?: (container: MemoryContainer) => void;
  /** How long calls take, milliseconds; 0 without. */
  readonly latencyMs?: Partial<Record<MemoryCall, number>>;
}

export const MEMORY_CALLS = [
  ...(['facts', 'list', 'presentImages', 'pull', 'create', 'start', 'stop', 'restart', 'update', 'exec'] as const),
  ...(['logTail', 'remove', 'whoHasPort', 'images', 'removeImage', 'volumes'] as const),
  'resolveDigest' as const,
];
export type MemoryCall = (typeof MEMORY_CALLS)[number];

export class MemoryDocker {
  readonly containers = new Map<string, MemoryContainer>();
  readonly images = new Set<string>();
  /** What a pull finds. */
  readonly registry = new Set<string>();
  /** What tags mean there that were moved. */
  readonly digests = new Map<string, string>();
  /** Folders of the host that a bind mount finds. */
  readonly hostPaths = new Set<string>();
  readonly networks = new Set(['bridge']);
  /** Those that have names, and those that Docker named itself. */
  readonly volumes = new Set<string>();
  /** "8080/tcp" → who has it, for people. */
  readonly foreignPorts = new Map<string, string>();
  /** Calls that change something, since the beginning. */
  mutatingCalls = 0;
  /** Events are lost while this is set. */
  losesEvents = false;
  private isDown = false;
  private created = 0;
  private readonly faults: { call: MemoryCall; error: EngineError; left: number }[] = [];
  private readonly watchers = new Set<{ owner: Ownership; wake: () => void }>();
  private readonly volumeWatchers = new Set<() => void>();

  constructor(readonly options: MemoryDockerOptions) {}

  /** The next calls of this kind fail so. */
  fail(call: MemoryCall, error: EngineError, times = 1): void {
    this.faults.push({ call, error, left: times });
  }

  /** No call is answered; containers run on. When it is up again, every watcher is woken once. */
  setDown(isDown: boolean): void {
    this.isDown = isDown;
    if (isDown) return;
    this.watchers.forEach(({ wake }) => this.soon(wake));
    this.tellVolumes();
  }

  /** Answers every call from now on, and loses no event. */
  heal(): void {
    this.faults.length = 0;
    this.losesEvents = false;
    this.setDown(false);
  }

  /** The process of a running container ends. */
  exit(id: string, code: number, oomKilled = false): void {
    const container = this.containers.get(id);
    if (container === undefined || !isUp(container)) return;
    container.cancels.forEach((cancel) => cancel());
    const { clock } = this.options;
    container.written.push({ line: `exits with ${code}`, atMs: clock.wallMs() });
    Object.assign(container, {
      state: 'exited',
      health: 'none',
      cancels: [],
      ended: { code, oomKilled, signal: SIGNALS[code] ?? '', atMs: clock.monotonicMs(), wallMs: clock.wallMs() },
    } satisfies Partial<MemoryContainer>);
    this.tell(container);
  }

  kill(id: string): void {
    this.exit(id, SIGKILL_CODE);
  }

  /** As `docker rm -f` does. */
  removeByForce(id: string): void {
    const container = this.containers.get(id);
    if (container === undefined) return;
    this.kill(id);
    this.containers.delete(id);
    this.tell(container);
  }

  setHealth(id: string, health: 'starting' | 'healthy' | 'unhealthy'): void {
    const container = this.containers.get(id);
    if (container === undefined || !isUp(container) || container.health === 'none') return;
    container.health = health;
    this.tell(container);
  }

  /** @returns a function that ends it */
  watch(owner: Ownership, wake: () => void): () => void {
    const watcher = { owner, wake: () => this.watchers.has(watcher) && wake() };
    this.watchers.add(watcher);
    if (!this.isDown) this.soon(watcher.wake);
    return () => void this.watchers.delete(watcher);
  }

  /** @returns a function that ends it */
  watchVolumes(wake: () => void): () => void {
    const watcher = (): void => void (this.volumeWatchers.has(watcher) && wake());
    this.volumeWatchers.add(watcher);
    if (!this.isDown) this.soon(watcher);
    return () => void this.volumeWatchers.delete(watcher);
  }

  addVolume(name: string): void {
    if (this.volumes.has(name)) return;
    this.volumes.add(name);
    this.tellVolumes();
  }

  removeVolume(name: string): void {
    if (this.volumes.delete(name)) this.tellVolumes();
  }

  /** Waits as long as the call takes. @throws EngineError when the engine is down or the call is to fail */
  async admit(call: MemoryCall): Promise<void> {
    const latencyMs = this.options.latencyMs?.[call] ?? 0;
    if (latencyMs > 0) await new Promise<void>((resolve) => void this.options.clock.after(latencyMs, resolve));
    if (this.isDown) throw new EngineError('unavailable', 'the simulated engine is down');
    const fault = this.faults.find((one) => one.call === call && one.left > 0);
    if (fault === undefined) return;
    fault.left--;
    throw fault.error;
  }

  create(request: CreateRequest, owner: Ownership): MemoryContainer {
    this.mutatingCalls++;
    const container: MemoryContainer = {
      id: createHash('sha256').update(String(++this.created)).digest('hex'),
      ...{ owner, request, createdMs: this.created, state: 'created', health: 'none' },
      ...{ startedMs: undefined, startedWallMs: 0, ended: undefined, cancels: [], commands: [], written: [] },
      limits: wantedLimits(request),
    };
    this.containers.set(container.id, container);
    this.tell(container);
    for (const { type, source } of request.container.mounts)
      if (type === 'volume' && source !== '') this.addVolume(source);
    return container;
  }

  /** @returns the running container that publishes the port, or who else has it, for people */
  holderOf(port: number, protocol: string, apartFrom?: MemoryContainer): string | undefined {
    for (const container of this.containers.values()) {
      const { ports } = container.request.container;
      const publishes = container.request.publishedPorts.some(
        (published, index) => published === port && ports[index]!.protocol === protocol,
      );
      if (publishes && isUp(container) && container !== apartFrom)
        return `container ${containerName(container.request.instance)} (${container.id.slice(0, 12)})`;
    }
    return this.foreignPorts.get(`${port}/${protocol}`);
  }

  start(container: MemoryContainer): void {
    this.mutatingCalls++;
    if (isUp(container)) return;
    const { clock } = this.options;
    const { healthCheck } = container.request.container;
    const program = this.programOf(container);
    if (program.refusal !== undefined) throw new EngineError('bad-request', program.refusal);
    const hasCheck = healthCheck !== undefined && healthCheck.test[0] !== 'NONE';
    this.options.onRun?.(container);
    container.state = 'running';
    container.health = hasCheck ? 'starting' : 'none';
    container.startedMs = clock.monotonicMs();
    container.startedWallMs = clock.wallMs();
    const { exitsAfterMs, exitCode = 0, oomKilled, log = [], health = { afterMs: 0, status: 'healthy' } } = program;
    for (const line of log) container.written.push({ line, atMs: clock.wallMs() });
    if (exitsAfterMs !== undefined)
      container.cancels.push(clock.after(exitsAfterMs, () => this.exit(container.id, exitCode, oomKilled)));
    if (hasCheck)
      container.cancels.push(clock.after(health.afterMs, () => this.setHealth(container.id, health.status)));
    this.tell(container);
  }

  /** @throws EngineError 'timeout' */
  async exec(container: MemoryContainer, command: Hook, deadlineMs: number): Promise<ExecResult> {
    this.mutatingCalls++;
    container.commands.push(command.command.join(' '));
    const { exec, execCode = 0 } = this.programOf(container);
    const { takesMs = 0, ...result } = exec?.(command) ?? { exitCode: execCode, output: '' };
    if (takesMs > 0)
      await new Promise<void>((done) => void this.options.clock.after(Math.min(takesMs, deadlineMs), done));
    if (takesMs <= deadlineMs) return result;
    throw new EngineError('timeout', `Docker did not answer "exec" within ${deadlineMs / 1000} s`);
  }

  /** @returns the last lines that it wrote within this time */
  logOf({ written }: MemoryContainer, { lines, sinceMs, untilMs }: LogRequest): readonly string[] {
    const within = written.filter(({ atMs }) => atMs >= sinceMs && atMs <= untilMs);
    return within.slice(-lines).map(({ line }) => line);
  }

  /** Settles when the container is down. */
  async stop(container: MemoryContainer, graceMs: number): Promise<void> {
    this.mutatingCalls++;
    if (!isUp(container)) return;
    if (this.programOf(container).obeysStop ?? true) return this.exit(container.id, SIGTERM_CODE);
    await new Promise<void>((resolve) => {
      const cancel = this.options.clock.after(graceMs, () => {
        this.kill(container.id);
        resolve();
      });
      // It may end by itself before.
      container.cancels.push(() => {
        cancel();
        resolve();
      });
    });
  }

  remove(container: MemoryContainer): void {
    this.mutatingCalls++;
    if (isUp(container))
      throw new EngineError('bad-request', `You cannot remove a running container ${container.id}. Stop it first`);
    this.containers.delete(container.id);
    this.tell(container);
  }

  /** With a digest or without: what a tag meant before, a registry has, too. */
  offers(reference: string): boolean {
    return this.registry.has(reference) || this.registry.has(reference.split('@')[0]!);
  }

  /** What the registry says that a name means. */
  digestOf(reference: string): string {
    return this.digests.get(reference) ?? imageIdOf(reference);
  }

  /** By any container, of whomever and in whatever state. */
  usesImage(reference: string): boolean {
    return [...this.containers.values()].some(({ request }) => request.container.image === reference);
  }

  removeImage(reference: string): void {
    this.mutatingCalls++;
    if (this.usesImage(reference))
      throw new EngineError('bad-request', `conflict: unable to remove ${reference}: a container is using it`);
    this.images.delete(reference);
  }

  private programOf(container: MemoryContainer): Program {
    return this.options.program?.(container.request.container) ?? {};
  }

  private tell({ owner }: MemoryContainer): void {
    if (this.losesEvents || this.isDown) return;
    for (const watcher of this.watchers)
      if (watcher.owner.host === owner.host && watcher.owner.prefix === owner.prefix) this.soon(watcher.wake);
  }

  private tellVolumes(): void {
    if (!this.losesEvents && !this.isDown) this.volumeWatchers.forEach((wake) => this.soon(wake));
  }

  private soon(wake: () => void): void {
    this.options.clock.after(0, wake);
  }
}
