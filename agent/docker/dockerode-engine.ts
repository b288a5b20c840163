import Docker, { type ContainerInfo, type ContainerInspectInfo, type DockerOptions } from 'dockerode';
import type { Clock } from '../../lib/clock';
import type { Logger } from '../../lib/log';
import type { ActualContainer } from '../plan/types';
import { containerConfig } from './container-config';
import { compareContainers, readContainer } from './container-reading';
import { withDeadline } from './deadline';
import { EngineError, type CreateRequest, type Engine, type EngineFacts } from './engine';
import { asEngineError, statusOf } from './errors';
import { followEvents } from './events';
import { ownershipFilter, type Ownership } from './labels';
import { followPull } from './pull-stream';

/** Docker 20.10, the oldest that is tested. */
const MIN_API_VERSION = '1.41';
/** Newest that is known to answer as the code expects. */
const MAX_API_VERSION = '1.50';

const READ_DEADLINE_MS = 10_000;
/** Docker pulls no image here, but volumes may be filled from one. */
const CREATE_DEADLINE_MS = 60_000;
const START_DEADLINE_MS = 60_000;
const REMOVE_DEADLINE_MS = 60_000;
/** On top of the grace period. */
const STOP_DEADLINE_MS = 20_000;
/** A registry that sends nothing for so long is given up. */
const PULL_SILENCE_MS = 60_000;
/** What was inspected is inspected again after this, whatever the events say. */
const INSPECT_AGAIN_MS = 5 * 60_000;

export interface DockerEngineOptions extends Ownership {
  /** unix:///path or tcp://host:port */
  readonly docker: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The only door to Docker. */
export function createDockerEngine(options: DockerEngineOptions): Engine {
  return new DockerodeEngine(options);
}

interface Inspected {
  readonly info: ContainerInspectInfo;
  /** State and health as the list said them at the time. */
  readonly seen: string;
  readonly atMs: number;
}

class DockerodeEngine implements Engine {
  private docker: Docker | undefined;
  private readonly inspected = new Map<string, Inspected>();
  /** Counts events, so that an inspection that an event overtook is not kept. */
  private events = 0;

  constructor(private readonly options: DockerEngineOptions) {}

  async facts(): Promise<EngineFacts> {
    const docker = await this.connect();
    const info = (await withDeadline('info', READ_DEADLINE_MS, docker.info())) as Record<string, string | number>;
    const version = await withDeadline('version', READ_DEADLINE_MS, docker.version());
    return {
      version: version.Version,
      apiVersion: version.ApiVersion,
      os: String(info['OSType']),
      arch: String(info['Architecture']),
      nanoCpus: Number(info['NCPU']) * 1_000_000_000,
      memoryBytes: Number(info['MemTotal']),
    };
  }

  async list(): Promise<readonly ActualContainer[]> {
    const docker = await this.connect();
    const filters = { label: [...ownershipFilter(this.options)] };
    const listed = await withDeadline('list', READ_DEADLINE_MS, docker.listContainers({ all: true, filters }));
    const ids = new Set(listed.map(({ Id }) => Id));
    for (const id of this.inspected.keys()) if (!ids.has(id)) this.inspected.delete(id);
    const infos = await Promise.all(listed.map((entry) => this.inspect(docker, entry)));
    const containers = [];
    for (const info of infos) {
      if (info === undefined) continue;
      const container = readContainer(info, this.options.clock.wallMs());
      if (container === undefined)
        this.options.log.warn('a container with our labels is not as we write them; left alone', {
          container: info.Id,
        });
      else containers.push(container);
    }
    return containers.sort(compareContainers);
  }

  async presentImages(references: readonly string[]): Promise<ReadonlySet<string>> {
    const docker = references.length > 0 ? await this.connect() : undefined;
    const present = await Promise.all(
      references.map(async (reference) => {
        try {
          await withDeadline('inspect image', READ_DEADLINE_MS, docker!.getImage(reference).inspect());
          return [reference];
        } catch (error) {
          if (error instanceof EngineError && error.code === 'no-such-image') return [];
          throw error;
        }
      }),
    );
    return new Set(present.flat());
  }

  async pull(reference: string, signal: AbortSignal): Promise<void> {
    const docker = await this.connect();
    // Docker would take a bare name for "all tags".
    const named = /(:[^/]+|@[^/]+)$/.test(reference) ? reference : `${reference}:latest`;
    const stream = await withDeadline('pull', PULL_SILENCE_MS, docker.createImage({ fromImage: named }));
    await followPull(stream, PULL_SILENCE_MS, signal);
  }

  async create(request: CreateRequest): Promise<string> {
    const docker = await this.connect();
    const created = await withDeadline(
      'create',
      CREATE_DEADLINE_MS,
      docker.createContainer(containerConfig(request, this.options)),
    );
    return created.id;
  }

  async start(id: string): Promise<void> {
    const docker = await this.connect();
    await withDeadline('start', START_DEADLINE_MS, unless([304], docker.getContainer(id).start()));
  }

  async stop(id: string, graceMs: number): Promise<void> {
    const container = (await this.connect()).getContainer(id);
    // Docker itself sends the container's signal, waits, and kills, so an agent that dies meanwhile changes nothing.
    await withDeadline(
      'stop',
      graceMs + STOP_DEADLINE_MS,
      unless([304, 404], container.stop({ t: Math.ceil(graceMs / 1000) })),
    );
  }

  async remove(id: string): Promise<void> {
    const docker = await this.connect();
    // 409: it is being removed already. Never with force: a running container is stopped first, with its grace.
    const removal = docker.getContainer(id).remove({ v: true });
    try {
      await withDeadline('remove', REMOVE_DEADLINE_MS, unless([404], removal));
    } catch (error) {
      if (!/removal of container .* is already in progress/i.test((error as Error).message)) throw error;
    }
  }

  watch(wake: () => void, signal: AbortSignal): void {
    // A connection of its own: a stream must not share the fate of calls.
    const docker = new Docker(dockerOptions(this.options.docker));
    followEvents({
      docker,
      labels: ownershipFilter(this.options),
      log: this.options.log,
      signal,
      onEvent: (id) => {
        this.events++;
        if (id === undefined) this.inspected.clear();
        else this.inspected.delete(id);
        wake();
      },
    });
  }

  private async inspect(docker: Docker, entry: ContainerInfo): Promise<ContainerInspectInfo | undefined> {
    const seen = `${entry.State} ${/\((.*)\)/.exec(entry.Status)?.[1] ?? ''}`;
    const known = this.inspected.get(entry.Id);
    const nowMs = this.options.clock.monotonicMs();
    if (known !== undefined && known.seen === seen && nowMs - known.atMs < INSPECT_AGAIN_MS) return known.info;
    const eventsBefore = this.events;
    const info = await this.inspectOrUndefined(docker.getContainer(entry.Id));
    if (info !== undefined && this.events === eventsBefore) this.inspected.set(entry.Id, { info, seen, atMs: nowMs });
    return info;
  }

  /** @returns undefined when it is gone */
  private async inspectOrUndefined(container: Docker.Container): Promise<ContainerInspectInfo | undefined> {
    try {
      return await withDeadline('inspect', READ_DEADLINE_MS, container.inspect());
    } catch (error) {
      if (error instanceof EngineError && error.code === 'no-such-container') return undefined;
      throw error;
    }
  }

  /** Asks the engine once which version of its API to speak. */
  private async connect(): Promise<Docker> {
    if (this.docker !== undefined) return this.docker;
    const options = dockerOptions(this.options.docker);
    const { ApiVersion } = await withDeadline('version', READ_DEADLINE_MS, new Docker(options).version());
    if (compareVersions(ApiVersion, MIN_API_VERSION) < 0)
      throw new EngineError(
        'unsupported',
        `this Docker Engine speaks API ${ApiVersion}; Berth needs ${MIN_API_VERSION} (Docker 20.10) or newer`,
      );
    const version = compareVersions(ApiVersion, MAX_API_VERSION) < 0 ? ApiVersion : MAX_API_VERSION;
    this.docker = new Docker({ ...options, version: `v${version}` });
    return this.docker;
  }
}

function dockerOptions(address: string): DockerOptions {
  if (address.startsWith('unix://')) return { socketPath: address.slice('unix://'.length) };
  const { hostname, port } = new URL(address);
  return { host: hostname, port, protocol: 'http' };
}

function compareVersions(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA - majorB || minorA - minorB;
}

/** Some refusals say that what was asked for is so already. */
async function unless(statuses: readonly number[], call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!statuses.includes(statusOf(error) ?? 0)) throw asEngineError(error);
  }
}
