/** Containers on this engine that no Berth made: what they say of themselves, for discovery. Nothing is done to them. */
import type { ContainerInfo, ContainerInspectInfo } from 'dockerode';
import type { Clock } from '../../lib/clock';
import type { Logger } from '../../lib/log';
import { eachBounded } from './bounded';
import { DockerConnection, READ_DEADLINE_MS } from './connection';
import { EngineError } from './engine';
import { INSPECT_DEADLINE_MS } from './list/container-list';
import { containerEvents, followEvents } from './events';

/** Of one list; those that hang do so beside the next one. */
const INSPECTIONS_AT_ONCE = 4;
/** Docker can hang on one container and answer for all others: a list waits no longer for what it does not know yet. */
const SOON_MS = 500;
/** Written on whatever Berth makes, on any host of any cluster. */
const OURS = 'berth.instance';

export interface ForeignPort {
  /** In the container. */
  readonly target: number;
  readonly protocol: string;
  readonly published: number;
  /** Empty when Docker does not say: all. */
  readonly hostIp: string;
}

export interface ForeignContainer {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  /** Labels, and what its environment says besides; of both, the environment counts. */
  readonly words: Readonly<Record<string, string>>;
  /** Where the agent reaches it; empty when nowhere. */
  readonly address: string;
  /** What is bound to several addresses, or to both families, is there several times. */
  readonly ports: readonly ForeignPort[];
}

/** Those that run. */
export interface ForeignList {
  readonly containers: readonly ForeignContainer[];
  /** The others, by name: why Docker says no more of them; undefined before it has answered. The next list asks again. */
  readonly unread: ReadonlyMap<string, string | undefined>;
}

export interface ForeignEngine {
  /** @throws EngineError */
  list(): Promise<ForeignList>;
  /** Calls `wake` when they may be others, until the signal aborts. */
  watch(wake: () => void, signal: AbortSignal): void;
}

export function createForeignEngine(docker: string, clock: Clock, log: Logger): ForeignEngine {
  const connection = new DockerConnection(docker, clock);
  const environments = new Environments(connection);
  return {
    async list() {
      const filters = { status: ['running'] };
      const listed = await connection.call('list', READ_DEADLINE_MS, (engine, abortSignal) =>
        engine.listContainers({ filters, abortSignal }),
      );
      if (!Array.isArray(listed)) throw new EngineError('other', 'Docker answered the list of containers with no list');
      const foreign = listed.filter(({ Labels }) => !Object.hasOwn(Labels, OURS));
      await environments.read(new Set(foreign.map(({ Id }) => Id)));
      const containers: ForeignContainer[] = [];
      const unread = new Map<string, string | undefined>();
      for (const entry of foreign) {
        const environment = environments.known.get(entry.Id);
        if (environment === undefined) unread.set(nameOf(entry), environments.failures.get(entry.Id));
        else if (environment !== GONE) containers.push(readForeign(entry, environment));
      }
      return { containers, unread };
    },
    watch(wake, signal) {
      followEvents({
        ...{ connection, log, signal, random: Math.random, onEvent: wake, onConnected: wake },
        filters: containerEvents([]),
      });
    },
  };
}

/** Since it was listed. */
const GONE = 'gone';

type Environment = Readonly<Record<string, string>>;

/** Each is read once: a container keeps its environment for life. */
class Environments {
  readonly known = new Map<string, Environment | typeof GONE>();
  readonly failures = new Map<string, string>();
  private readonly asked = new Set<string>();

  constructor(private readonly connection: DockerConnection) {}

  /** Reads what is not known of these, and forgets all others. Settles soon, also while Docker does not answer. */
  async read(ids: ReadonlySet<string>): Promise<void> {
    for (const map of [this.known, this.failures]) for (const id of map.keys()) if (!ids.has(id)) map.delete(id);
    const unknown = [...ids].filter((id) => !this.known.has(id) && !this.asked.has(id));
    if (unknown.length === 0) return;
    for (const id of unknown) this.asked.add(id);
    const reading = eachBounded(unknown, INSPECTIONS_AT_ONCE, (id) => this.readOne(id));
    let cancel = (): void => undefined;
    const soon = new Promise<void>((goOn) => (cancel = this.connection.clock.after(SOON_MS, goOn)));
    await Promise.race([reading, soon]).finally(() => cancel());
  }

  private async readOne(id: string): Promise<void> {
    try {
      const details = await this.connection.call('inspect', INSPECT_DEADLINE_MS, (engine, abortSignal) =>
        engine.getContainer(id).inspect({ abortSignal }),
      );
      if (details?.Config === undefined)
        throw new EngineError('other', 'Docker answered the inspection of a container with something else');
      this.known.set(id, environmentOf(details));
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (error.code === 'no-such-container') this.known.set(id, GONE);
      else this.failures.set(id, error.message);
    } finally {
      this.asked.delete(id);
    }
  }
}

function environmentOf({ Config }: ContainerInspectInfo): Environment {
  const pairs = (Config.Env ?? []).map((line) => {
    const at = line.indexOf('=');
    return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
  });
  return Object.fromEntries(pairs) as Record<string, string>;
}

function nameOf({ Names }: ContainerInfo): string {
  return (Names[0] ?? '').replace(/^\//, '');
}

function readForeign(entry: ContainerInfo, environment: Environment): ForeignContainer {
  const networks = Object.values(entry.NetworkSettings?.Networks ?? {});
  const addresses = networks.flatMap(({ IPAddress, GlobalIPv6Address }) => [IPAddress, GlobalIPv6Address]);
  const isOnHost = entry.HostConfig?.NetworkMode === 'host';
  return {
    ...{ id: entry.Id, name: nameOf(entry), image: entry.Image },
    words: { ...entry.Labels, ...environment },
    address: isOnHost ? '127.0.0.1' : (addresses.find((address) => address !== '') ?? ''),
    ports: portsOf(entry),
  };
}

function portsOf({ Ports }: ContainerInfo): readonly ForeignPort[] {
  return Ports.filter(({ PublicPort }) => PublicPort > 0)
    .map(({ IP, PrivatePort, PublicPort, Type }) => {
      return { target: PrivatePort, protocol: Type, published: PublicPort, hostIp: IP ?? '' };
    })
    .sort((a, b) => a.target - b.target || a.published - b.published);
}
