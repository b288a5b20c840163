/** Containers on this engine that no Berth made: what they say of themselves, for discovery. Nothing is done to them. */
import type { ContainerInfo } from 'dockerode';
import type { Clock } from '../../lib/clock';
import type { Logger } from '../../lib/log';
import { eachBounded } from './bounded';
import { DockerConnection, READ_DEADLINE_MS } from './connection';
import { EngineError } from './engine';
import { containerEvents, followEvents } from './events';

const INSPECTIONS_AT_ONCE = 4;
/** Written on whatever Berth makes, on any host of any cluster. */
const OURS = 'berth.instance';

export interface ForeignPort {
  /** In the container. */
  readonly target: number;
  readonly protocol: string;
  readonly published: number;
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
  readonly ports: readonly ForeignPort[];
}

export interface ForeignEngine {
  /** Those that run, all of them. @throws EngineError, also when a single one can't be read */
  list(): Promise<readonly ForeignContainer[]>;
  /** Calls `wake` when they may be others, until the signal aborts. */
  watch(wake: () => void, signal: AbortSignal): void;
}

export function createForeignEngine(docker: string, clock: Clock, log: Logger): ForeignEngine {
  const connection = new DockerConnection(docker, clock);
  /** A container keeps its environment for life. */
  const environments = new Map<string, Readonly<Record<string, string>>>();
  return {
    async list() {
      const filters = { status: ['running'] };
      const listed = await connection.call('list', READ_DEADLINE_MS, (engine, abortSignal) =>
        engine.listContainers({ filters, abortSignal }),
      );
      const foreign = listed.filter(({ Labels }) => !Object.hasOwn(Labels, OURS));
      const ids = new Set(foreign.map(({ Id }) => Id));
      for (const id of environments.keys()) if (!ids.has(id)) environments.delete(id);
      await eachBounded(foreign, INSPECTIONS_AT_ONCE, async ({ Id }) => {
        const environment = environments.get(Id) ?? (await readEnvironment(connection, Id));
        if (environment !== undefined) environments.set(Id, environment);
      });
      return foreign.flatMap((entry) => {
        const environment = environments.get(entry.Id);
        return environment === undefined ? [] : [readForeign(entry, environment)];
      });
    },
    watch(wake, signal) {
      followEvents({
        ...{ connection, log, signal, random: Math.random, onEvent: wake, onConnected: wake },
        filters: containerEvents([]),
      });
    },
  };
}

/** @returns undefined when it has gone meanwhile. @throws EngineError: then nobody knows what it has */
async function readEnvironment(
  connection: DockerConnection,
  id: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    const details = await connection.call('inspect', READ_DEADLINE_MS, (engine, abortSignal) =>
      engine.getContainer(id).inspect({ abortSignal }),
    );
    const pairs = (details.Config.Env ?? []).map((line) => {
      const at = line.indexOf('=');
      return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
    });
    return Object.fromEntries(pairs) as Record<string, string>;
  } catch (error) {
    if (error instanceof EngineError && error.code === 'no-such-container') return undefined;
    throw error;
  }
}

function readForeign(entry: ContainerInfo, environment: Readonly<Record<string, string>>): ForeignContainer {
  const networks = Object.values(entry.NetworkSettings?.Networks ?? {});
  const addresses = networks.flatMap(({ IPAddress, GlobalIPv6Address }) => [IPAddress, GlobalIPv6Address]);
  const isOnHost = entry.HostConfig?.NetworkMode === 'host';
  return {
    ...{ id: entry.Id, name: (entry.Names[0] ?? '').replace(/^\//, ''), image: entry.Image },
    words: { ...entry.Labels, ...environment },
    address: isOnHost ? '127.0.0.1' : (addresses.find((address) => address !== '') ?? ''),
    ports: portsOf(entry),
  };
}

/** Docker lists one that is bound to both families twice. */
function portsOf({ Ports }: ContainerInfo): readonly ForeignPort[] {
  const ports = new Map<string, ForeignPort>();
  for (const { IP, PrivatePort: target, PublicPort: published, Type: protocol } of Ports) {
    const isAny = IP === undefined || IP === '' || IP === '0.0.0.0' || IP === '::';
    const key = `${target}/${protocol}/${published}`;
    if (published > 0 && (isAny || !ports.has(key)))
      ports.set(key, { target, protocol, published, hostIp: isAny ? '' : IP });
  }
  return [...ports.values()].sort((a, b) => a.target - b.target || a.published - b.published);
}
