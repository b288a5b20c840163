import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { createDockerEngine } from '../../agent/docker/dockerode-engine';
import { EngineError, type CreateRequest, type Engine, type EngineErrorCode } from '../../agent/docker/engine';
import type { Ownership } from '../../agent/docker/list/labels';
import type { Program } from '../../agent/docker/simulated/memory-container';
import { MemoryDocker } from '../../agent/docker/simulated/memory-docker';
import { createMemoryEngine } from '../../agent/docker/simulated/memory-engine';
import { systemClock } from '../../lib/clock';
import { emptyDocument } from '../../lib/documents/codec';
import type { ContainerSpec, DeploySpec, Mount, NetworkAttachment, Hook } from '../../lib/documents/types';
import { silentLogger } from '../../lib/log';
import { ensureTestImage } from './docker-images';
import { startPlainRegistry, type PlainRegistry } from './plain-registry';
import { PATIENCE } from './wait';

/** A Docker Engine under the contract suite, and the world around it. */
export interface EngineSubject {
  /** On the host. */
  readonly image: string;
  connect(owner: Ownership): Engine;
  kill(id: string): Promise<void>;
  removeByForce(id: string): Promise<void>;
  makeSick(id: string): Promise<void>;
  /** An image at a registry, which the host does not have. */
  offer(name: string): Promise<{ readonly reference: string; readonly digest: string }>;
  /** Ends what it started. */
  end(): Promise<void>;
  addVolume(name: string): Promise<void>;
  removeVolume(name: string): Promise<void>;
  /** A foreign process listens on a TCP port. @returns the port, and a function that ends it */
  occupyPort(): Promise<readonly [number, () => Promise<void>]>;
  /** Removes every container that was made with this prefix. */
  cleanUp(prefix: string): Promise<void>;
}

/** What the suite's containers run. */
export const COMMANDS = {
  /** As process 1 it gets no default signal handlers: only SIGKILL ends it. */
  stubborn: ['sleep', '300'],
  obedient: ['sh', '-c', 'trap "exit 143" TERM; while :; do sleep 0.05; done'],
  exits3: ['sh', '-c', `sleep ${0.3 * PATIENCE}; exit 3`],
  notThere: ['no-such-program'],
  talks: ['sh', '-c', 'echo one; echo two; echo three; exec sleep 300'],
  eatsMemory: ['sh', '-c', 'x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done'],
} as const;

const PROGRAMS: Readonly<Record<string, Program>> = {
  [COMMANDS.stubborn.join(' ')]: { obeysStop: false, exec: inShell },
  [COMMANDS.talks.join(' ')]: { obeysStop: false, log: ['one', 'two', 'three'] },
  [COMMANDS.eatsMemory.join(' ')]: { exitsAfterMs: 50, exitCode: 137, oomKilled: true },
  [COMMANDS.obedient.join(' ')]: { obeysStop: true },
  [COMMANDS.exits3.join(' ')]: { exitsAfterMs: 300 * PATIENCE, exitCode: 3 },
  [COMMANDS.notThere.join(' ')]: { refusal: 'exec: "no-such-program": executable file not found in $PATH' },
};

/** The few commands that the suite runs in containers. */
function inShell({ command, user, workingDir, environment }: Hook): ReturnType<NonNullable<Program['exec']>> {
  const nothing = { exitCode: 0, output: '' };
  switch (command.join(' ')) {
    case 'sh -c echo out; echo err >&2; exit 4':
      return { exitCode: 4, output: 'out\nerr' };
    case 'sh -c echo $WHO in $PWD as $(id -u)':
      return { ...nothing, output: `${environment['WHO'] ?? ''} in ${workingDir || '/'} as ${user || '0'}`.trim() };
    case 'sleep 5':
      return { ...nothing, takesMs: 5000 };
    default:
      return nothing;
  }
}

const run = promisify(execFile);

async function startReal(): Promise<EngineSubject> {
  const docker = (...args: string[]): Promise<string> => run('docker', args).then(({ stdout }) => stdout.trim());
  let registry: PlainRegistry | undefined;
  return {
    image: await ensureTestImage(),
    connect: (owner) =>
      createDockerEngine({ docker: 'unix:///var/run/docker.sock', ...owner, clock: systemClock, log: silentLogger }),
    kill: async (id) => void (await docker('kill', id)),
    removeByForce: async (id) => void (await docker('rm', '-f', id)),
    makeSick: async (id) => void (await docker('exec', id, 'touch', '/tmp/sick')),
    offer: async (name) => {
      registry ??= await startPlainRegistry();
      const reference = await registry.offer(await ensureTestImage(), name);
      return { reference, digest: await registry.digestOf(reference) };
    },
    end: async () => registry?.stop(),
    addVolume: async (name) => void (await docker('volume', 'create', name)),
    removeVolume: async (name) => void (await docker('volume', 'rm', '-f', name)),
    occupyPort: async () => {
      const server = createServer();
      server.listen(0, '0.0.0.0');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      return [port, async () => void (await new Promise((resolve) => server.close(resolve)))];
    },
    cleanUp: async (prefix) => {
      const ids = await docker('ps', '-aq', '--filter', `label=berth.prefix=${prefix}`);
      if (ids !== '') await docker('rm', '-fv', ...ids.split('\n'));
    },
  };
}

function startMemory(): Promise<EngineSubject> {
  const program = ({ command }: ContainerSpec): Program => PROGRAMS[command.join(' ')] ?? {};
  const docker = new MemoryDocker({ clock: systemClock, program });
  const image = 'berth-test/busybox:1';
  docker.images.add(image);
  return Promise.resolve({
    image,
    connect: (owner) => createMemoryEngine(docker, owner),
    kill: async (id) => docker.kill(id),
    removeByForce: async (id) => docker.removeByForce(id),
    makeSick: async (id) => docker.setHealth(id, 'unhealthy'),
    offer: async (reference) => {
      docker.registry.add(reference);
      return { reference, digest: docker.digestOf(reference) };
    },
    end: () => Promise.resolve(),
    addVolume: async (name) => docker.addVolume(name),
    removeVolume: async (name) => docker.removeVolume(name),
    occupyPort: async () => {
      docker.foreignPorts.set('28999/tcp', `process ${process.pid} (node)`);
      return [28999, async () => void docker.foreignPorts.delete('28999/tcp')];
    },
    cleanUp: async (prefix) => {
      for (const { id, owner } of [...docker.containers.values()])
        if (owner.prefix === prefix) docker.removeByForce(id);
    },
  });
}

/** Every implementation of the Engine port, by name. */
export const ENGINE_SUBJECTS: readonly (readonly [string, () => Promise<EngineSubject>])[] = [
  ['memory-engine', startMemory],
  ['dockerode-engine', startReal],
];

/** Of this run alone. */
export function newOwner(): Ownership {
  const suffix = randomBytes(4).toString('hex');
  return { host: `h-${suffix}`, prefix: `/berth-test-${suffix}` };
}

export function containerSpec(image: string, changes: Partial<ContainerSpec> = {}): ContainerSpec {
  const { container } = emptyDocument('Release');
  return { ...container, image, command: COMMANDS.stubborn, stopGracePeriodMs: 10_000, ...changes };
}

/** A mount with every setting at its default. */
export const NO_MOUNT: Mount = {
  ...{ type: '', source: '', target: '', readOnly: false, tmpfsSizeBytes: 0, tmpfsMode: 0, noCopy: false },
  ...{ createHostPath: false, propagation: '', nonRecursive: false, volumeDriver: '', volumeDriverOptions: {} },
  ...{ volumeLabels: {}, volumeSubpath: '', volumeExternal: false },
};

export const NO_NETWORK: NetworkAttachment = {
  ...{ name: '', aliases: [], ipv4Address: '', ipv6Address: '', macAddress: '', driverOptions: {}, linkLocalIps: [] },
};

export function deploySpec(changes: Partial<DeploySpec> = {}): DeploySpec {
  return { ...emptyDocument('Release').deploy, ...changes };
}

/** For a container of the subject's image. Names of instances are the engine's, not the owner's: each test has its own. */
export function requestOf(
  { image }: EngineSubject,
  owner: Ownership,
  changes: Partial<ContainerSpec> = {},
  rest: Partial<CreateRequest> = {},
): CreateRequest {
  return {
    ...{ instance: `web-1-${owner.host}`, service: 'web', slot: 1, release: 7, spec: '1:abc', publishedPorts: [] },
    image: `web:1@sha256:${'a'.repeat(64)}`,
    ...{ container: containerSpec(image, changes), deploy: deploySpec(), config: {}, isJob: false },
    ...rest,
  };
}

export async function expectEngineError(
  promise: Promise<unknown>,
  code: EngineErrorCode,
  message: RegExp = /./,
): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(EngineError);
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string });
}
