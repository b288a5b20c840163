import type { Hook } from '../../../lib/documents/types';
import type { ActualContainer, AppliedLimits } from '../../plan/types';
import { containerConfig, publishedPorts } from '../create/container-config';
import { noNetwork, noVolume } from '../create/container-needs';
import { compareContainers } from '../list/container-reading';
import { EngineError, type CreateRequest, type Engine, type EngineFacts, type ExecResult } from '../engine';
import type { EngineImage, LogRequest, PortHolder, PullOptions } from '../engine';
import { containerName, type Ownership } from '../list/labels';
import { imageIdOf, isUp, type MemoryContainer } from './memory-container';
import type { MemoryDocker } from './memory-docker';
import { fillContainer } from '../create/placeholders';
import { cancelled } from '../images/pull-errors';
import { namedOnes } from '../volumes';

const FACTS: EngineFacts = {
  ...{ version: '0.0.0-memory', apiVersion: '1.41', os: 'linux', arch: 'x86_64' },
  ...{ nanoCpus: 4_000_000_000, memoryBytes: 8 * 1024 ** 3, dataRoot: '/var/lib/docker' },
};

const IMAGE_BYTES = 100 * 1024 ** 2;

/** One agent's way to a simulated Docker Engine; several may share one. Held to the contract of the real one. */
export function createMemoryEngine(docker: MemoryDocker, owner: Ownership): Engine {
  return new MemoryEngine(docker, owner);
}

class MemoryEngine implements Engine {
  constructor(
    private readonly docker: MemoryDocker,
    private readonly owner: Ownership,
  ) {}

  async facts(): Promise<EngineFacts> {
    await this.docker.admit('facts');
    return FACTS;
  }

  async list(): Promise<readonly ActualContainer[]> {
    await this.docker.admit('list');
    const { host, prefix } = this.owner;
    const nowMs = this.docker.options.clock.wallMs();
    return [...this.docker.containers.values()]
      .filter(({ owner }) => owner.host === host && owner.prefix === prefix)
      .map((container) => ({ ...toActual(container, nowMs), createdMs: container.createdMs }))
      .sort(compareContainers);
  }

  bridgeAddress(): Promise<string | undefined> {
    return Promise.resolve('172.17.0.1');
  }

  async presentImages(references: readonly string[]): Promise<ReadonlySet<string>> {
    await this.docker.admit('presentImages');
    return new Set(references.filter((reference) => this.docker.images.has(reference)));
  }

  async imageIds(references: readonly string[]): Promise<ReadonlyMap<string, string>> {
    await this.docker.admit('presentImages');
    const present = references.filter((reference) => this.docker.images.has(reference));
    return new Map(present.map((reference) => [reference, imageIdOf(reference)]));
  }

  async images(): Promise<readonly EngineImage[]> {
    await this.docker.admit('images');
    return [...this.docker.images].map((reference) => {
      const isUsed = this.docker.usesImage(reference);
      return { id: imageIdOf(reference), references: [reference], sizeBytes: IMAGE_BYTES, isUsed };
    });
  }

  async removeImage(name: string): Promise<void> {
    await this.docker.admit('removeImage');
    const reference = [...this.docker.images].find((one) => one === name || imageIdOf(one) === name);
    if (reference !== undefined) this.docker.removeImage(reference);
  }

  async pull(reference: string, { signal }: PullOptions): Promise<void> {
    if (signal.aborted) throw cancelled();
    this.docker.mutatingCalls++;
    await this.docker.admit('pull');
    if (signal.aborted) throw cancelled();
    if (!this.docker.offers(reference))
      throw new EngineError('no-such-image', `pull access denied for ${reference}, repository does not exist`);
    this.docker.images.add(reference);
  }

  async resolveDigest(reference: string, signal: AbortSignal): Promise<string> {
    if (signal.aborted) throw cancelled();
    await this.docker.admit('resolveDigest');
    if (signal.aborted) throw cancelled();
    if (!this.docker.offers(reference)) throw new EngineError('no-such-image', `manifest unknown: ${reference}`);
    return this.docker.digestOf(reference);
  }

  async create(request: CreateRequest): Promise<string> {
    await this.docker.admit('create');
    const { instance } = request;
    const node = { ...this.owner, nodeId: '', address: '' };
    const container = fillContainer(request, node);
    containerConfig({ ...request, container }, node, FACTS.apiVersion);
    const network = container.networks.find(({ name }) => !this.docker.networks.has(name));
    if (network !== undefined) throw noNetwork(network.name);
    const volume = container.mounts.find(
      ({ volumeExternal, source }) => volumeExternal && !this.docker.volumes.has(source),
    );
    if (volume !== undefined) throw noVolume(volume.source);
    const missing = container.mounts.find(
      ({ type, source, createHostPath }) => type === 'bind' && !createHostPath && !this.docker.hostPaths.has(source),
    );
    if (missing !== undefined)
      throw new EngineError('bad-mount', `invalid mount config: bind source path does not exist: ${missing.source}`);
    if (!this.docker.images.has(container.image))
      throw new EngineError('no-such-image', `No such image: ${container.image}`);
    const holder = [...this.docker.containers.values()].find((other) => other.request.instance === instance);
    if (holder !== undefined)
      throw new EngineError(
        'name-taken',
        `the container name ${containerName(instance)} is taken by ${holder.id.slice(0, 12)}, ` +
          `a container of ${holder.request.service}@${holder.request.release} of the host "${holder.owner.host}"`,
      );
    return this.docker.create(request, this.owner).id;
  }

  async whoHasPort(port: number, protocol: string): Promise<PortHolder | undefined> {
    await this.docker.admit('whoHasPort');
    const holder = this.docker.holderOf(port, protocol);
    return holder === undefined ? undefined : { describe: () => Promise.resolve(holder) };
  }

  async start(id: string): Promise<void> {
    await this.docker.admit('start');
    this.startNow(id);
  }

  private startNow(id: string): void {
    const container = this.known(id);
    if (container.state === 'paused')
      throw new EngineError('bad-request', 'cannot start a paused container, try unpause instead');
    const { publishedPorts: ports, container: spec } = container.request;
    for (const [index, port] of ports.entries()) {
      const holder = this.docker.holderOf(port, spec.ports[index]!.protocol, container);
      if (holder !== undefined) throw new EngineError('port-taken', `host port ${port} is taken by ${holder}`, port);
    }
    this.docker.start(container);
  }

  async stop(id: string, graceMs: number): Promise<void> {
    await this.docker.admit('stop');
    const container = this.docker.containers.get(id);
    if (container !== undefined) await this.docker.stop(container, graceMs);
  }

  async restart(id: string, graceMs: number): Promise<void> {
    await this.docker.admit('restart');
    const container = this.docker.containers.get(id);
    if (container !== undefined) await this.docker.stop(container, graceMs);
    this.startNow(id);
  }

  async update(id: string, limits: AppliedLimits): Promise<void> {
    await this.docker.admit('update');
    const container = this.known(id);
    this.docker.mutatingCalls++;
    container.limits = { ...limits, memoryReservationBytes: Math.max(0, limits.memoryReservationBytes) };
  }

  async exec(id: string, command: Hook, deadlineMs: number, onBegun?: () => void): Promise<ExecResult> {
    await this.docker.admit('exec');
    const container = this.running(id);
    onBegun?.();
    return this.docker.exec(container, command, deadlineMs);
  }

  async logTail(id: string, request: LogRequest): Promise<readonly string[]> {
    await this.docker.admit('logTail');
    return this.docker.logOf(this.known(id), request);
  }

  private known(id: string): MemoryContainer {
    const container = this.docker.containers.get(id);
    if (container === undefined) throw new EngineError('no-such-container', `No such container: ${id}`);
    return container;
  }

  private running(id: string): MemoryContainer {
    const container = this.known(id);
    if (container.state !== 'running') throw new EngineError('bad-request', `Container ${id} is not running`);
    return container;
  }

  async remove(id: string): Promise<void> {
    await this.docker.admit('remove');
    const container = this.docker.containers.get(id);
    if (container !== undefined) this.docker.remove(container);
  }

  async volumes(): Promise<readonly string[]> {
    await this.docker.admit('volumes');
    return namedOnes([...this.docker.volumes]);
  }

  watchVolumes(wake: () => void, signal: AbortSignal): void {
    if (signal.aborted) return;
    signal.addEventListener('abort', this.docker.watchVolumes(wake));
  }

  watch(wake: () => void, signal: AbortSignal): void {
    if (signal.aborted) return;
    signal.addEventListener('abort', this.docker.watch(this.owner, wake));
  }
}

/** @param wallMs now: the only clock that Docker tells */
function toActual(container: MemoryContainer, wallMs: number): ActualContainer {
  const { id, request, state, health, startedWallMs, ended } = container;
  const { instance, service, slot, release, spec, image } = request;
  const untilMs = isUp(container) ? wallMs : (ended?.wallMs ?? wallMs);
  return {
    ...{ id, instance, service, slot, release, spec, state, health },
    ...(image !== undefined && { image }),
    ports: publishedPorts(request).map((port, index) => {
      const { hostIp } = request.container.ports[index]!;
      return hostIp === '' ? port : { ...port, hostIp };
    }),
    // Docker counts in whole seconds.
    stopGracePeriodMs: Math.ceil(request.container.stopGracePeriodMs / 1000) * 1000,
    ...(!isUp(container) &&
      ended !== undefined && {
        exit: { code: ended.code, oomKilled: ended.oomKilled, atMs: ended.wallMs, signal: ended.signal, log: [] },
      }),
    healthReason: health === 'unhealthy' ? 'the simulated check fails' : '',
    limits: container.limits,
    leave: {
      drainMs: request.container.drainMs,
      preStop: request.container.preStop,
      dependsOn: request.deploy.dependsOn,
    },
    address: isUp(container) ? '172.17.0.2' : '',
    startedAtMs: startedWallMs,
    previousExitMs: isUp(container) ? (ended?.wallMs ?? 0) : 0,
    ranForMs: startedWallMs === 0 ? 0 : Math.max(0, untilMs - startedWallMs),
  };
}
