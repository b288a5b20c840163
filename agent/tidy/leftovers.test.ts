/** Containers of ours that nobody wants any more, in whatever state a crash or Docker left them. */
import type { MemoryDocker } from '../docker/simulated/memory-docker';
import type { ContainerState } from '../plan/types';
import { desiredOf, releaseOf } from '../../test/support/desired';
import { LoopHost } from '../../test/support/loop-host';

const WEB = releaseOf('web');
const OURS = { host: 'h1', prefix: '/test' };

function leave(docker: MemoryDocker, state: ContainerState, owner = OURS): string {
  const identity = {
    instance: 'web-1',
    service: 'web',
    slot: 1,
    release: 1,
    spec: '2:old',
    publishedPorts: [],
    config: {},
    isJob: false,
  };
  const made = docker.create({ ...identity, container: WEB.container, deploy: WEB.deploy }, owner);
  if (state !== 'created') docker.start(made);
  if (state === 'exited') docker.exit(made.id, 0);
  made.state = state;
  return made.id;
}

test.each<[ContainerState, string]>([
  ['created', 'remove web-1'],
  ['exited', 'remove web-1'],
  ['dead', 'remove web-1'],
  ['running', 'stop web-1,remove web-1'],
  ['paused', 'stop web-1,remove web-1'],
])('not assigned and %s: it goes', async (state, steps) => {
  const host = new LoopHost();
  leave(host.docker, state);
  await host.want(desiredOf({}), 60_000);
  expect(host.docker.containers.size).toBe(0);
  expect(host.begun.join()).toBe(steps);
});

test.each<[ContainerState]>([['created'], ['exited'], ['dead'], ['running']])(
  'not assigned and %s: it stays while nothing says for sure what is (G3)',
  async (state) => {
    const host = new LoopHost();
    const id = leave(host.docker, state);
    await host.want(desiredOf({}, { isComplete: false }), 60_000);
    expect([...host.docker.containers.keys()]).toEqual([id]);
    expect(host.begun).toEqual([]);
  },
);

test.each<[ContainerState]>([['created'], ['dead']])(
  'assigned and %s, left by a creation that was cut off: another is made in its place',
  async (state) => {
    const host = new LoopHost();
    const id = leave(host.docker, state);
    await host.want(desiredOf({ 'web-1': WEB }), 60_000);
    expect(host.containerOf('web-1')).toMatchObject({ state: 'running' });
    expect(host.docker.containers.has(id)).toBe(false);
    expect(host.begun.join()).toBe('remove web-1,create web-1');
  },
);

test.each([
  ['host', { ...OURS, host: 'other' }],
  ['prefix', { ...OURS, prefix: '/other' }],
])('one of another %s is left alone', async (_, owner) => {
  const host = new LoopHost();
  const id = leave(host.docker, 'exited', owner);
  await host.want(desiredOf({}), 60_000);
  expect([...host.docker.containers.keys()]).toEqual([id]);
  expect(host.begun).toEqual([]);
});
