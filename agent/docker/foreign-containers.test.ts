/** Containers that no Berth made, read from an engine that answers badly. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createFakeClock } from '../../test/support/fake-clock';
import { recordLog } from '../../test/support/recorded-log';
import { until } from '../../test/support/wait';
import { ForeignEndpoints } from '../endpoints/foreign/foreign-endpoints';
import { createProber } from '../probes/prober';
import { READ_DEADLINE_MS } from './connection';
import { createForeignEngine } from './foreign-containers';

interface Answer {
  readonly status: number;
  readonly body: unknown;
}
const ok = (body: unknown): Answer => ({ status: 200, body });
const withName = (name: string): Answer => ok({ Config: { Env: [`SERVICE_NAME=${name}`] } });
const BROKEN: Answer = { status: 500, body: { message: 'no space left on device' } };
const GONE: Answer = { status: 404, body: { message: 'No such container: b' } };
const SILENT = undefined;

/** Says so of the inspected container, by its id; what is not in here does not run. */
const containers = new Map<string, Answer | undefined>();
const inspected: string[] = [];
const server = createServer((request, answer) => {
  const { status, body } = answerTo(request.url ?? '') ?? {};
  if (status === undefined) return;
  answer.writeHead(status, { 'content-type': 'application/json' });
  answer.end(JSON.stringify(body));
});

function answerTo(url: string): Answer | undefined {
  if (url === '/version') return ok({ ApiVersion: '1.41', MinAPIVersion: '1.12' });
  const id = /\/containers\/(\w+)\/json$/.exec(url)?.[1];
  if (id === undefined) return ok([...containers.keys()].map(listed));
  inspected.push(id);
  return containers.get(id);
}

const listed = (id: string) => ({
  ...{ Id: id, Names: [`/${id}`], Image: 'shop/image', Labels: { SERVICE_TAGS: 'x' } },
  Ports: [{ PrivatePort: 80, PublicPort: 20_000, Type: 'tcp' }],
});

let address: string;
beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  address = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  containers.clear();
  inspected.length = 0;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function createScene() {
  const clock = createFakeClock();
  const { log } = recordLog(clock);
  const engine = createForeignEngine(address, clock, log);
  return { clock, log, engine };
}

test('one that fails is an error of the whole list, and is asked again; what is known is not', async () => {
  const { engine } = createScene();
  containers.set('a', withName('web')).set('b', BROKEN);
  await expect(engine.list()).rejects.toMatchObject({ message: 'no space left on device' });
  await expect(engine.list()).rejects.toMatchObject({ message: 'no space left on device' });
  containers.set('b', withName('shop'));
  const names = (await engine.list()).map(({ words }) => words['SERVICE_NAME']);
  expect(names).toEqual(['web', 'shop']);
  expect(inspected.filter((id) => id === 'a')).toHaveLength(1);
});

test('so is one that does not answer in time', async () => {
  const { engine, clock } = createScene();
  containers.set('b', SILENT);
  const failing = engine.list().then(String, (error: unknown) => error);
  await until('it is asked', () => inspected.length > 0);
  await clock.advance(READ_DEADLINE_MS);
  expect(await failing).toMatchObject({ code: 'timeout' });
  containers.set('b', withName('shop'));
  expect((await engine.list())[0]?.words).toEqual({ SERVICE_TAGS: 'x', SERVICE_NAME: 'shop' });
});

test('one that has gone meanwhile is not listed', async () => {
  const { engine } = createScene();
  containers.set('a', withName('web')).set('b', GONE);
  expect((await engine.list()).map(({ id }) => id)).toEqual(['a']);
});

test('while one can not be read its endpoint waits, and others stay; it comes under its own name', async () => {
  const { engine, clock, log } = createScene();
  containers.set('a', withName('web'));
  const foreign = new ForeignEndpoints({
    ...{ clock, log, engine: { ...engine, watch: (wake) => void (change = wake) } },
    host: { name: 'h1', address: '10.0.0.1', labels: {}, weight: 1 },
    probes: createProber({ clock, log, random: Math.random, tryProbe: () => Promise.reject(new Error('none')) }),
  });
  let change = (): void => undefined;
  const services = () => foreign.endpoints?.map(({ service }) => service);
  foreign.start(() => undefined);
  try {
    await until('the first', () => services() !== undefined);
    containers.set('b', BROKEN);
    change();
    await until('the second is asked for', async () => {
      await clock.advance(100);
      return inspected.filter((id) => id === 'b').length > 2;
    });
    expect(services()).toEqual(['web']);
    containers.set('b', withName('shop'));
    await until('the second', async () => {
      await clock.advance(100);
      return services()?.length === 2;
    });
    expect(services()).toEqual(['web', 'shop']);
  } finally {
    foreign.stop();
  }
});
