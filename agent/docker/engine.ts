/**
 * What the agent asks of a Docker Engine. dockerode-engine.ts is the real one; a simulated one answers the
 * same contract suite. Every call settles within its deadline: with an EngineError when it fails.
 */
import type { ContainerSpec, DeploySpec, Hook } from '../../lib/documents/types';
import type { Config } from '../../lib/release/config';
import type { ActualContainer, AppliedLimits } from '../plan/types';

export interface EngineFacts {
  readonly version: string;
  readonly apiVersion: string;
  readonly os: string;
  readonly arch: string;
  readonly nanoCpus: number;
  readonly memoryBytes: number;
  /** Where images and containers are kept; a path of the engine's machine. */
  readonly dataRoot: string;
}

/** Who a container is: written as labels, read back by list(). */
export interface ContainerIdentity {
  readonly instance: string;
  readonly service: string;
  readonly slot: number;
  readonly release: number;
  /** Versioned hash of the ContainerSpec. */
  readonly spec: string;
  /** As the release names it. Absent of containers that were made before it was written on them. */
  readonly image?: string;
}

export interface CreateRequest extends ContainerIdentity {
  readonly container: ContainerSpec;
  readonly deploy: DeploySpec;
  /** Values for its placeholders, and for its environment if it takes them all. */
  readonly config: Config;
  /** It is a `before` job: no container answers to the service's name on its networks. */
  readonly isJob: boolean;
  /** Host port for each of container.ports, same order; all picked. */
  readonly publishedPorts: readonly number[];
}

export interface PullOptions {
  /** "os/arch[/variant]"; empty means the engine's own. */
  readonly platform: string;
  /** Ends the pull when it aborts. */
  readonly signal: AbortSignal;
  /** How far it has come, for people: "12 of 40 MB". At most a few times a second. */
  readonly onProgress: (progress: string) => void;
}

export interface ExecResult {
  readonly exitCode: number;
  /** The end of what it wrote, both streams; bounded. */
  readonly output: string;
}

export interface LogRequest {
  /** At most so many lines, the last ones. */
  readonly lines: number;
  /** Wall clock, milliseconds: what was written from and to. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

export interface EngineImage {
  readonly id: string;
  /** Tags and digests that it is known by, as Docker spells them; none of a dangling one. */
  readonly references: readonly string[];
  /** With the layers that it shares with other images. */
  readonly sizeBytes: number;
  /** A container was made from it, of whomever and in whatever state. */
  readonly isUsed: boolean;
}

/** Who has a host port. To find out costs time, so it is asked only when somebody wants to read it. */
export interface PortHolder {
  /** For people: a container or a process, as well as can be told. */
  describe(): Promise<string>;
}

export interface Engine {
  /** @throws EngineError 'unavailable' when Docker does not answer, 'unsupported' below the minimum API version. */
  facts(): Promise<EngineFacts>;
  /** All containers of ours on this host, running or not, by the labels. */
  list(): Promise<readonly ActualContainer[]>;
  /**
   * The host's address on Docker's default bridge, at which its containers reach it.
   * @returns undefined when the engine has no such bridge
   */
  bridgeAddress(): Promise<string | undefined>;
  /** Which of these image references are on the host. */
  presentImages(references: readonly string[]): Promise<ReadonlySet<string>>;
  /** Ids of these images, by reference; those that are not on the host are left out. */
  imageIds(references: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Every image on the engine, whoever brought it there. */
  images(): Promise<readonly EngineImage[]>;
  /**
   * Takes a name from an image, and deletes the image when that was its last. Success also when it is gone.
   * @param name reference or id
   * @throws EngineError 'bad-request' when the image is in use
   */
  removeImage(name: string): Promise<void>;
  /** @throws EngineError 'pull-failed', 'no-such-image', 'unauthorized' or 'no-space'. */
  pull(reference: string, options: PullOptions): Promise<void>;
  /**
   * What the image's name means at its registry now. Settles within 10 s.
   * @param signal ends it
   * @returns "sha256:…"
   * @throws EngineError 'no-such-image', 'unauthorized' or 'pull-failed', also when the registry does not answer
   */
  resolveDigest(reference: string, signal: AbortSignal): Promise<string>;
  /**
   * @returns the id. The name of the container is derived from the instance and is unique on the engine.
   * @throws EngineError 'name-taken', which says by whom; 'no-such-image'; 'bad-mount'; 'bad-request', also for a
   * network that the host does not have and for a setting that the engine is too old for: nothing is made then
   */
  create(request: CreateRequest): Promise<string>;
  /**
   * Whether a host port can be published: asks Docker for containers that run, and the kernel for all else.
   * @returns undefined when it is free
   */
  whoHasPort(port: number, protocol: string, hostIp: string): Promise<PortHolder | undefined>;
  /**
   * Success also when it runs already.
   * @throws EngineError 'port-taken', which says by whom; 'bad-mount'; 'bad-request' when its command can't be run
   */
  start(id: string): Promise<void>;
  /** The container's stop signal, grace, SIGKILL. Success also when it is stopped or gone. */
  stop(id: string, graceMs: number): Promise<void>;
  /** Stop and start in one call, which Docker finishes whatever becomes of the agent. @throws as `start` does */
  restart(id: string, graceMs: number): Promise<void>;
  /**
   * Of a running container, without a restart.
   * @param limits all of them. 0 leaves one as it is; a memory reservation of -1 takes it away. A memory limit of all that
   * the host has leaves the use of swap free.
   * @throws EngineError when the container uses more memory than it may from now on: it runs on as it was
   */
  update(id: string, limits: AppliedLimits): Promise<void>;
  /**
   * Runs a command in a running container.
   * @param onBegun called when Docker has begun it
   * @throws EngineError 'timeout' after `deadlineMs`; what was begun runs on
   */
  exec(id: string, command: Hook, deadlineMs: number, onBegun?: () => void): Promise<ExecResult>;
  /** @returns the last lines, oldest first, each cut to a bounded length; empty when the log driver keeps none */
  logTail(id: string, request: LogRequest): Promise<readonly string[]>;
  /** With its anonymous volumes; success also when it is gone. Never of a running container. */
  remove(id: string): Promise<void>;
  /**
   * Calls `wake` for every event of a container of ours, after each (re)connection, since events may
   * have been missed, and when the connection ends. Reconnects by itself until the signal aborts.
   */
  watch(wake: () => void, signal: AbortSignal): void;
  /** Names of the volumes that were given one, by whomever; sorted. */
  volumes(): Promise<readonly string[]>;
  /** Calls `wake` when a volume came or went, and after each (re)connection. Reconnects by itself until the signal aborts. */
  watchVolumes(wake: () => void, signal: AbortSignal): void;
}

export type EngineErrorCode =
  | 'unavailable'
  | 'timeout'
  | 'unsupported'
  | 'no-such-image'
  | 'no-such-container'
  | 'pull-failed'
  | 'unauthorized'
  | 'no-space'
  | 'hook-failed'
  | 'name-taken'
  | 'port-taken'
  | 'bad-mount'
  | 'bad-request'
  | 'other';

export class EngineError extends Error {
  constructor(
    readonly code: EngineErrorCode,
    message: string,
    /** The host port that is taken, of 'port-taken', when Docker says which. */
    readonly port?: number,
  ) {
    super(message);
    this.name = 'EngineError';
  }

  /** Whether the engine itself, rather than what was asked of it, is the trouble. */
  get engineDown(): boolean {
    return this.code === 'unavailable' || this.code === 'timeout';
  }
}
