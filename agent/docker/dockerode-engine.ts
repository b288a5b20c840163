import type { ContainerInfo } from 'dockerode';
import type { Clock } from '../../lib/clock';
import type { Logger } from '../../lib/log';
import type { Hook } from '../../lib/documents/types';
import type { ActualContainer, AppliedLimits } from '../plan/types';
import { DockerConnection, READ_DEADLINE_MS } from './connection';
import { createContainer } from './create/container-creation';
import { bridgeAddress, withResolvers } from './create/container-resolvers';
import { ContainerList } from './list/container-list';
import { EngineError, type CreateRequest, type Engine, type EngineFacts, type ExecResult } from './engine';
import type { EngineImage, LogRequest, PortHolder, PullOptions } from './engine';
import { readTakenPort, statusOf } from './errors';
import { containerEvents, followEvents, VOLUME_EVENTS } from './events';
import { readLogTail, runInContainer } from './exec';
import { whoHasPort } from './create/host-port';
import { ImagePuller, type RegistrySettings } from './images/image-puller';
import { listImages, removeImage } from './images/images';
import { changeLimits } from './limits';
import { volumeNames } from './volumes';
import { containerName, ownershipFilter, readIdentity, type Ownership } from './list/labels';

const START_DEADLINE_MS = 60_000;
/** What Docker said of the running containers counts so long for the question who has a port. */
const RUNNING_FOR_MS = 500;
const REMOVE_DEADLINE_MS = 60_000;
/** On top of the grace period: Docker itself waits 10 s for a process to be gone after SIGKILL. */
const STOP_DEADLINE_MS = 20_000;
/** For who wants no more of pulls than that an image comes. */
const PLAIN_REGISTRIES: RegistrySettings = { dockerConfig: '/nonexistent', mirrors: new Map(), minFreeSpace: 0 };

export interface DockerEngineOptions extends Ownership {
  /** unix:///path or tcp://host:port */
  readonly docker: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of the agent, what {{.Node.ID}} stands for; empty without. */
  readonly nodeId?: string;
  /** Of the host, for the environment of its containers. */
  readonly address?: string;
  /** For jitter; a number in [0, 1). */
  readonly random?: () => number;
  /** Resolvers for containers whose services name none and that are on a network; as of now. */
  readonly resolvers?: () => readonly string[];
  /** Without: no credentials, no mirrors, no check of free space. */
  readonly registries?: RegistrySettings;
}

/** The only door to Docker. Connects by itself, whenever it is asked something. */
export function createDockerEngine(options: DockerEngineOptions): Engine {
  return new DockerodeEngine(options);
}

class DockerodeEngine implements Engine {
  private readonly connection: DockerConnection;
  private readonly containers: ContainerList;
  private running: { readonly askedMs: number; readonly list: Promise<readonly ContainerInfo[]> } | undefined;
  private readonly puller: ImagePuller;

  constructor(private readonly options: DockerEngineOptions) {
    this.connection = new DockerConnection(options.docker, options.clock);
    this.containers = new ContainerList(this.connection, options, options.log);
    const dataRoot = async (): Promise<string> => (await this.facts()).dataRoot;
    this.puller = new ImagePuller(this.connection, options.registries ?? PLAIN_REGISTRIES, dataRoot);
  }

  async facts(): Promise<EngineFacts> {
    const info = (await this.connection.call('info', READ_DEADLINE_MS, (docker) => docker.info())) as {
      [name: string]: string | number;
    };
    const version = await this.connection.call('version', READ_DEADLINE_MS, (docker) => docker.version());
    return {
      version: version.Version,
      apiVersion: version.ApiVersion,
      os: String(info['OSType']),
      arch: String(info['Architecture']),
      nanoCpus: Number(info['NCPU']) * 1_000_000_000,
      memoryBytes: Number(info['MemTotal']),
      dataRoot: String(info['DockerRootDir']),
    };
  }

  list(): Promise<readonly ActualContainer[]> {
    return this.containers.read();
  }

  bridgeAddress(): Promise<string | undefined> {
    return bridgeAddress(this.connection);
  }

  async presentImages(references: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set((await this.imageIds(references)).keys());
  }

  imageIds(references: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return this.puller.imageIds(references);
  }

  images(): Promise<readonly EngineImage[]> {
    return listImages(this.connection);
  }

  async removeImage(name: string): Promise<void> {
    return removeImage(this.connection, await this.puller.nameOnHost(name));
  }

  pull(reference: string, options: PullOptions): Promise<void> {
    return this.puller.pull(reference, options);
  }

  resolveDigest(reference: string, signal: AbortSignal): Promise<string> {
    return this.puller.resolveDigest(reference, signal);
  }

  async create(request: CreateRequest): Promise<string> {
    const { host, prefix, nodeId = '', address = '' } = this.options;
    const image = await this.puller.nameOnHost(request.container.image);
    const onWarning = (warning: string): void =>
      this.options.log.warn('Docker leaves out a setting', { instance: request.instance, reason: warning });
    try {
      const container = withResolvers(request.container, this.options.resolvers?.() ?? []);
      const asked = { ...request, container };
      return await createContainer(this.connection, asked, { host, prefix, nodeId, address }, image, onWarning);
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'name-taken') throw error;
      throw new EngineError('name-taken', await this.whoHasName(containerName(request.instance)));
    }
  }

  async whoHasPort(port: number, protocol: string, hostIp: string): Promise<PortHolder | undefined> {
    const found = await whoHasPort(port, protocol, hostIp);
    // Without its userland proxy Docker holds a port and binds nothing; with it, the container says more than the proxy.
    const container = await this.publisherOf(port, protocol);
    return container === undefined ? found : { describe: () => Promise.resolve(container) };
  }

  async start(id: string): Promise<void> {
    try {
      await this.connection.call('start', START_DEADLINE_MS, (docker, abortSignal) =>
        unless([304], docker.getContainer(id).start({ abortSignal })),
      );
    } catch (error) {
      if (error instanceof EngineError && error.code === 'port-taken') throw await this.explainPort(error);
      throw error;
    } finally {
      this.changed(id);
    }
  }

  async stop(id: string, graceMs: number): Promise<void> {
    const t = Math.ceil(graceMs / 1000);
    try {
      // Docker itself sends the container's signal, waits, and kills, so an agent that dies meanwhile changes nothing.
      await this.connection.call('stop', graceMs + STOP_DEADLINE_MS, (docker, abortSignal) =>
        unless([304, 404], docker.getContainer(id).stop({ t, abortSignal })),
      );
    } finally {
      this.changed(id);
    }
  }

  async restart(id: string, graceMs: number): Promise<void> {
    const t = Math.ceil(graceMs / 1000);
    try {
      const deadlineMs = graceMs + STOP_DEADLINE_MS + START_DEADLINE_MS;
      await this.connection.call('restart', deadlineMs, (docker, abortSignal) =>
        docker.getContainer(id).restart({ t, abortSignal }),
      );
    } catch (error) {
      if (error instanceof EngineError && error.code === 'port-taken') throw await this.explainPort(error);
      throw error;
    } finally {
      this.changed(id);
    }
  }

  async update(id: string, limits: AppliedLimits): Promise<void> {
    try {
      await changeLimits(this.connection, id, limits);
    } finally {
      this.changed(id);
    }
  }

  exec(id: string, command: Hook, deadlineMs: number, onBegun?: () => void): Promise<ExecResult> {
    return runInContainer(this.connection, id, { command, deadlineMs, onBegun: onBegun ?? (() => undefined) });
  }

  logTail(id: string, request: LogRequest): Promise<readonly string[]> {
    return readLogTail(this.connection, id, request);
  }

  async remove(id: string): Promise<void> {
    try {
      // Never with force: a running container is stopped first, with its grace.
      await this.connection.call('remove', REMOVE_DEADLINE_MS, (docker, abortSignal) =>
        unless([404], docker.getContainer(id).remove({ v: true, abortSignal })),
      );
    } catch (error) {
      if (!/removal of container .* is already in progress/i.test((error as Error).message)) throw error;
    } finally {
      this.changed(id);
    }
  }

  watch(wake: () => void, signal: AbortSignal): void {
    const { log, random } = this.options;
    let wasConnected = false;
    followEvents({
      connection: this.connection,
      filters: containerEvents(ownershipFilter(this.options)),
      ...{ log, signal, random: random ?? Math.random },
      onEvent: (event) => {
        this.containers.hear(event);
        wake();
      },
      onConnected: (isConnected) => {
        // The end of the stream is often that of the engine: whoever asks is to find out now.
        if (isConnected || wasConnected) wake();
        wasConnected = isConnected;
        this.containers.tell(isConnected);
      },
    });
  }

  volumes(): Promise<readonly string[]> {
    return volumeNames(this.connection);
  }

  watchVolumes(wake: () => void, signal: AbortSignal): void {
    const { log, random } = this.options;
    followEvents({
      ...{ connection: this.connection, filters: VOLUME_EVENTS, log, signal, random: random ?? Math.random },
      onEvent: wake,
      onConnected: (isConnected) => isConnected && wake(),
    });
  }

  private async whoHasName(name: string): Promise<string> {
    const details = await this.connection
      .call('inspect', READ_DEADLINE_MS, (docker, abortSignal) => docker.getContainer(name).inspect({ abortSignal }))
      .catch(() => undefined);
    if (details === undefined) return `the container name ${name} is taken, and by whom Docker does not say`;
    const { Id, Config } = details;
    const owner = readIdentity(Config.Labels ?? {});
    const whose =
      owner === undefined
        ? 'a container that is not of Berth'
        : `a container of ${owner.service}@${owner.release} of the host "${Config.Labels['berth.host']}" under ${Config.Labels['berth.prefix']}`;
    return `the container name ${name} is taken by ${Id.slice(0, 12)}, ${whose}; remove or rename it`;
  }

  private changed(id?: string): void {
    this.containers.changed(id);
    this.running = undefined;
  }

  /** Of everybody. Asked for once for the many that are made in one pass: what comes in between, Docker's start finds out. */
  private runningContainers(): Promise<readonly ContainerInfo[]> {
    const nowMs = this.connection.clock.monotonicMs();
    if (this.running !== undefined && nowMs - this.running.askedMs < RUNNING_FOR_MS) return this.running.list;
    const list = this.connection.call('list', READ_DEADLINE_MS, (docker, abortSignal) =>
      docker.listContainers({ abortSignal }),
    );
    this.running = { askedMs: nowMs, list };
    return list;
  }

  /** @returns who of the running containers publishes the port, for people */
  private async publisherOf(port: number, protocol: string): Promise<string | undefined> {
    const running = await this.runningContainers();
    const publishes = ({ Ports }: ContainerInfo): boolean =>
      Ports.some(({ PublicPort, Type }) => PublicPort === port && Type === protocol);
    const container = running.find(publishes);
    return container && `container ${container.Names[0]?.slice(1)} (${container.Id.slice(0, 12)})`;
  }

  private async explainPort(error: EngineError): Promise<EngineError> {
    const { port, protocol } = readTakenPort(error.message);
    if (port === undefined) return error;
    this.running = undefined;
    const held = (protocol === undefined ? ['tcp', 'udp'] : [protocol]).map((each) => this.whoHasPort(port, each, ''));
    const holders = await Promise.all(held).catch(() => []);
    const holder = await holders.find((found) => found !== undefined)?.describe();
    const message = holder === undefined ? error.message : `host port ${port} is taken by ${holder}`;
    return new EngineError('port-taken', message, port);
  }
}

/** Some refusals say that what was asked for is so already. */
async function unless(statuses: readonly number[], call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!statuses.includes(statusOf(error) ?? 0)) throw error;
  }
}
