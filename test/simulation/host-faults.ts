/** What happens to hosts: their agents, engines, containers, images, disks and clocks. */
import { EngineError } from '../../agent/docker/engine';
import { isUp, type MemoryContainer } from '../../agent/docker/simulated/memory-container';
import type { MemoryCall } from '../../agent/docker/simulated/memory-docker';
import type { CallFault } from './engine-faults';
import { toHost, type Fault } from './fault';
import type { Chance } from './seeded-random';
import { OWNER, PREFIX, type SimulatedHost } from './simulated-host';
import type { EngineCall } from './simulated-process';

/** A service whose instances no fault of a single instance befalls. */
export const WELL = 'well';
const HOUR_MS = 3_600_000;
const OUT_OF_MEMORY_CODE = 137;
const FAILING: readonly MemoryCall[] = [
  ...(['facts', 'list', 'presentImages', 'pull', 'create', 'start', 'stop', 'restart', 'update', 'remove'] as const),
  ...(['exec', 'volumes', 'resolveDigest'] as const),
];
const HANGING: readonly EngineCall[] = [
  ...(['list', 'presentImages', 'pull', 'create', 'start', 'stop', 'restart', 'update', 'remove', 'exec'] as const),
  ...(['logTail', 'whoHasPort', 'volumes', 'resolveDigest'] as const),
];
/** Calls that say whose container they mean. */
const OF_INSTANCE: readonly EngineCall[] = ['create', 'start', 'stop', 'restart', 'update', 'remove', 'exec'];

const isOurs = ({ owner }: MemoryContainer): boolean => owner.prefix === PREFIX;

function toContainer(
  name: string,
  weight: number,
  act: (host: SimulatedHost, container: MemoryContainer) => void,
): Fault {
  return toHost(name, weight, (host, { chance }) => {
    const up = [...host.docker.containers.values()].filter((container) => isUp(container) && isOurs(container));
    if (up.length === 0) return 'none runs';
    const container = chance.pick(up);
    act(host, container);
    return container.request.instance;
  });
}

function hangBy(chance: Chance, call: EngineCall, instance?: string): CallFault {
  const how = chance.pick(['fails', 'hangs', 'hangs', 'slow'] as const);
  const effect = chance.pick(['none', 'done', 'late'] as const);
  return { call, how, effect, left: 1 + chance.below(3), ...(instance !== undefined && { instance }) };
}

/** A foreign container takes the name of one of ours, which somebody removed. */
const TAKE_NAME = toContainer('a foreign container takes a name', 2, ({ docker }, { id, request }) => {
  docker.removeByForce(id);
  docker.start(
    docker.create(
      { ...request, isJob: false, publishedPorts: [], container: { ...request.container, ports: [] } },
      FOREIGN,
    ),
  );
});
const FOREIGN = { ...OWNER('foreign'), prefix: '/foreign' };

/** @returns how many went */
export function removeForeign({ docker }: SimulatedHost): number {
  const foreign = [...docker.containers.values()].filter((container) => !isOurs(container));
  for (const { id } of foreign) docker.removeByForce(id);
  return foreign.length;
}

export const CONTAINER_FAULTS: readonly Fault[] = [
  toContainer('exit', 5, ({ docker }, { id }) => docker.exit(id, 1)),
  toContainer('exit with 0', 2, ({ docker }, { id }) => docker.exit(id, 0)),
  toContainer('out of memory', 2, ({ docker }, { id }) => docker.exit(id, OUT_OF_MEMORY_CODE, true)),
  toContainer('docker rm -f', 3, ({ docker }, { id }) => docker.removeByForce(id)),
  toContainer('unhealthy', 4, ({ docker, health }, { id }) => {
    docker.setHealth(id, 'unhealthy');
    health.fallIll(id, 'sick');
  }),
  toContainer('its probes hang', 2, ({ health }, { id }) => health.fallIll(id, 'hangs')),
  toContainer('healthy again', 2, ({ docker, health }, { id }) => {
    docker.setHealth(id, 'healthy');
    health.recover(id);
  }),
  toContainer('paused by hand', 1, (_, container) => void (container.state = 'paused')),
  TAKE_NAME,
  toHost('foreign containers go', 3, (host) => String(removeForeign(host))),
  toHost('hooks fail', 2, ({ faults }, { chance }) => faults.failHooks(1 + chance.below(4))),
  toHost('calls for one instance fail or hang', 6, ({ docker, faults }, { chance }) => {
    const instances = [...docker.containers.values()].map(({ request }) => request.instance);
    // Not of the one that is to show that it does not suffer from the others.
    const others = instances.filter((id) => !id.startsWith(WELL));
    const instance = others.length === 0 ? 'web-1' : chance.pick(others);
    const fault = hangBy(chance, chance.pick(OF_INSTANCE), instance);
    faults.add(fault);
    return JSON.stringify(fault);
  }),
];

export const HOST_FAULTS: readonly Fault[] = [
  toHost('kill or start an agent', 8, (host) => {
    if (host.process === undefined) host.startAgent();
    else host.killAgent();
    return host.process === undefined ? 'killed' : 'started';
  }),
  toHost('a call to Docker fails', 5, ({ docker }, { chance }) => {
    const [call, code] = [chance.pick(FAILING), chance.pick(['unavailable', 'timeout', 'other'] as const)];
    docker.fail(call, new EngineError(code, `${call} is made to fail`), 1 + chance.below(4));
    return `${call} ${code}`;
  }),
  toHost('calls to Docker hang or fail, with an effect or without', 6, ({ faults }, { chance }) => {
    const fault = hangBy(chance, chance.pick(HANGING));
    faults.add(fault);
    return JSON.stringify(fault);
  }),
  toHost('Docker goes or comes', 3, ({ docker }, { chance }) => {
    const isDown = chance.happens(0.5);
    docker.setDown(isDown);
    return isDown ? 'down' : 'up';
  }),
  toHost('Docker loses events, or not', 2, ({ docker }, { chance }) => {
    docker.losesEvents = chance.happens(0.5);
    return String(docker.losesEvents);
  }),
  toHost('an image is deleted', 3, ({ docker }, { chance }) => {
    if (docker.images.size === 0) return 'there is none';
    const image = chance.pick([...docker.images]);
    docker.images.delete(image);
    return image;
  }),
  toHost('the disk is full, or not', 3, (host, { chance }) => {
    host.isDiskFull = chance.happens(0.5);
    return String(host.isDiskFull);
  }),
  toHost('what its agents kept on disk is lost', 2, (host) => host.loseDisk()),
  toHost('the clock is set', 2, (host, { chance }) => {
    const byMs = Math.floor((chance.next() - 0.5) * 6 * HOUR_MS);
    host.setClock(byMs);
    return `by ${byMs} ms`;
  }),
];
