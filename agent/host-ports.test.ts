import { createFakeClock } from '../test/support/fake-clock';
import { releaseOf } from '../test/support/desired';
import { MemoryDocker } from './docker/simulated/memory-docker';
import { createMemoryEngine } from './docker/simulated/memory-engine';
import type { Engine } from './docker/engine';
import { HostPorts } from './host-ports';

const RANGE = [20_000, 20_004] as const;
const ONE = releaseOf('web', { hostPorts: [0] });

let docker: MemoryDocker;
let engine: Engine;
let ports: HostPorts;
beforeEach(() => {
  docker = new MemoryDocker({ clock: createFakeClock() });
  docker.images.add('web:1');
  engine = createMemoryEngine(docker, { host: 'h1', prefix: '/test' });
  ports = new HostPorts(engine, RANGE);
});

async function make(instance: string, release = ONE): Promise<number> {
  const publishedPorts = await ports.pick(instance, release);
  const identity = { instance, service: 'web', slot: 1, release: 1, spec: '1:a', config: {}, isJob: false };
  await engine.create({ ...identity, container: release.container, deploy: release.deploy, publishedPorts });
  ports.settle(instance);
  await list();
  return publishedPorts[0]!;
}

async function list(): Promise<void> {
  const takeList = ports.beginList();
  takeList(await engine.list());
}

test('an instance whose container was removed gets its port again', async () => {
  const port = await make('web-1');
  docker.containers.clear();
  expect(await make('web-1')).toBe(port);
});

test('G9: no two get the same, however many ask at once', async () => {
  const picked = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((instance) => make(instance)));
  expect([...picked].sort()).toEqual([20_000, 20_001, 20_002, 20_003, 20_004]);
  await expect(ports.pick('f', ONE)).rejects.toMatchObject({
    code: 'port-taken',
    message: /no free host port among 5/,
  });
});

test('G9: one that is picked and not on a container yet is taken, until a list that is asked for later', async () => {
  for (const instance of ['a', 'b', 'c', 'd', 'e']) await ports.pick(instance, ONE);
  await list();
  const takeEarlierList = ports.beginList();
  ports.settle('c');
  takeEarlierList([]);
  await expect(ports.pick('f', ONE)).rejects.toMatchObject({ code: 'port-taken' });
  await list();
  expect(await ports.pick('f', ONE)).toHaveLength(1);
});

test('what is gone from the list is free again', async () => {
  for (const instance of ['a', 'b', 'c', 'd', 'e']) await make(instance);
  docker.containers.clear();
  await list();
  expect(await ports.pick('f', ONE)).toHaveLength(1);
});

test('one that the kernel has given to somebody is left out', async () => {
  for (const port of [20_000, 20_001, 20_003, 20_004]) docker.foreignPorts.set(`${port}/tcp`, 'process 1 (x)');
  expect(await ports.pick('web-1', ONE)).toEqual([20_002]);
});

test('a port may have a range of its own', async () => {
  const ranged = {
    ...ONE,
    container: { ...ONE.container, ports: [{ ...ONE.container.ports[0]!, pick: { first: 8000, last: 8001 } }] },
  };
  const picked = [...(await ports.pick('web-1', ranged)), ...(await ports.pick('web-2', ranged))];
  expect(picked.sort()).toEqual([8000, 8001]);
  await expect(ports.pick('web-3', ranged)).rejects.toThrow(/no free host port among 2 tried of 8000 to 8001/);
});

test('one that Docker refused is left out; a fixed one is not', async () => {
  for (const port of [20_000, 20_001, 20_003, 20_004]) ports.refuse(port);
  expect(await ports.pick('web-1', ONE)).toEqual([20_002]);
  expect(await ports.pick('web-1', releaseOf('web', { hostPorts: [20_003] }))).toEqual([20_003]);
});

test('refused ports are not remembered without end', async () => {
  ports.refuse(20_002);
  for (let port = 30_000; port < 30_256; port++) ports.refuse(port);
  for (const port of [20_000, 20_001, 20_003, 20_004]) docker.foreignPorts.set(`${port}/tcp`, 'process 1 (x)');
  expect(await ports.pick('web-1', ONE)).toEqual([20_002]);
});

test('a fixed one that is taken says by whom', async () => {
  const fixed = releaseOf('web', { hostPorts: [8080] });
  docker.foreignPorts.set('8080/tcp', 'process 812 (nginx)');
  const taken = 'host port 8080/tcp is taken by process 812 (nginx)';
  await expect(ports.pick('web-1', fixed)).rejects.toMatchObject({ code: 'port-taken', message: taken, port: 8080 });
  docker.foreignPorts.clear();
  await make('web-1', fixed);
  await expect(ports.pick('web-2', fixed)).rejects.toThrow(/8080\/tcp is taken by another instance on this host/);
});

test('a failure of one that asks is no trouble of the next', async () => {
  docker.fail('whoHasPort', Object.assign(new Error('no'), {}) as never);
  await expect(ports.pick('a', ONE)).rejects.toThrow('no');
  expect(await ports.pick('b', ONE)).toHaveLength(1);
});
