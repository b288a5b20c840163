/** Containers of the real Docker Engine, made by an agent's engine from what an operator writes. */
import type { ContainerInspectInfo } from 'dockerode';
import { createDockerEngine } from '../../agent/docker/dockerode-engine';
import type { Engine } from '../../agent/docker/engine';
import { HostPorts } from '../../agent/host-ports';
import { compileService } from '../../coordinator/compose/compile';
import { systemClock } from '../../lib/clock';
import { emptyDocument } from '../../lib/documents/codec';
import { silentLogger, type Logger } from '../../lib/log';
import { specHash } from '../../lib/release/spec-hash';
import { docker } from './docker';
import { ensureTestImage } from './docker-images';
import { newOwner } from './engine-subjects';

const PORT_RANGE = [28_600, 28_699] as const;

export interface Composed {
  /** Of this run alone: part of the names of what it makes. */
  readonly host: string;
  readonly engine: Engine;
  /** A container of a service of these lines: by default it sleeps, and is killed at once. @returns its id */
  create(lines: string, slot?: number): Promise<string>;
  /** The same, running. */
  start(lines: string, slot?: number): Promise<string>;
  inspect(id: string): Promise<ContainerInspectInfo>;
  /** What a shell in the container says to a command. */
  inside(id: string, command: string): Promise<string>;
  /** What an operator makes on the host; it is removed at the end. @returns its name */
  network(name: string, ...options: string[]): Promise<string>;
  volume(name: string, ...options: string[]): Promise<string>;
  cleanUp(): Promise<void>;
}

export async function composed(log: Logger = silentLogger): Promise<Composed> {
  const image = await ensureTestImage();
  const owner = newOwner();
  const engine = createDockerEngine({
    ...{ ...owner, docker: 'unix:///var/run/docker.sock', nodeId: `node-of-${owner.host}` },
    ...{ clock: systemClock, log },
  });
  const ports = new HostPorts(engine, PORT_RANGE);
  const made: string[][] = [];
  const create = async (lines: string, slot = 1): Promise<string> => {
    const compiled = compileService('web', `image: ${image}\n${withDefaults(lines)}`);
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
    const { container, deploy } = compiled;
    const instance = `web-${slot}-${owner.host}`;
    const release = { ...emptyDocument('Release'), service: 'web', number: 1, container, deploy };
    const publishedPorts = await ports.pick(instance, release);
    const identity = {
      instance,
      service: 'web',
      slot,
      release: 1,
      spec: specHash(container),
      config: {},
      isJob: false,
    };
    return engine.create({ ...identity, container, deploy, publishedPorts });
  };
  const make = async (kind: string, name: string, options: readonly string[]): Promise<string> => {
    const full = `berth-test-${name}-${owner.host}`;
    await docker(kind, 'create', ...options, full);
    made.push([kind, 'rm', full]);
    return full;
  };
  return {
    host: owner.host,
    engine,
    create,
    start: async (lines, slot) => {
      const id = await create(lines, slot);
      await engine.start(id);
      return id;
    },
    inspect: async (id) => (JSON.parse(await docker('inspect', id)) as [ContainerInspectInfo])[0],
    inside: (id, command) => docker('exec', id, 'sh', '-c', command),
    network: (name, ...options) => make('network', name, options),
    volume: (name, ...options) => make('volume', name, options),
    cleanUp: async () => {
      const ids = await docker('ps', '-aq', '--filter', `label=berth.prefix=${owner.prefix}`);
      if (ids !== '') await docker('rm', '-fv', ...ids.split('\n'));
      for (const args of made.splice(0)) await docker(...args);
    },
  };
}

function withDefaults(lines: string): string {
  const isSaid = (key: string): boolean => new RegExp(`^${key}:`, 'm').test(lines);
  const command = isSaid('command') || isSaid('entrypoint') ? '' : 'command: sleep 300\n';
  return `${lines}\n${command}${isSaid('stop_signal') ? '' : 'stop_signal: KILL\n'}`;
}
