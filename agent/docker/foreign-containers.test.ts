/** Containers that no Berth made, read from an engine that answers badly. */
import { ENGINE_VERSION, startAnsweringEngine, type AnsweringEngine } from '../../test/support/answering-engine';
import { createFakeClock } from '../../test/support/fake-clock';
import { recordLog } from '../../test/support/recorded-log';
import { until } from '../../test/support/wait';
import { ForeignEndpoints } from '../endpoints/foreign/foreign-endpoints';
import { createProber } from '../probes/prober';
import { createForeignEngine } from './foreign-containers';
import { INSPECT_DEADLINE_MS } from './list/container-list';

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
function answerTo(url: string): Answer | undefined {
  if (url === '/version') return ok(ENGINE_VERSION);
  const id = /\/containers\/(\w+)\/json$/.exec(url)?.[1];
  if (id === undefined) return ok([...containers.keys()].map(listed));
  inspected.push(id);
  return containers.get(id);
}

const listed = (id: string) => ({
  ...{ Id: id, Names: [`/${id}`], Image: 'shop/image', Labels: { SERVICE_TAGS: 'x' } },
  Ports: [{ PrivatePort: 80, PublicPort: 20_000, Type: 'tcp' }],
});

let dockerd: AnsweringEngine;
beforeAll(async () => {
  dockerd = await startAnsweringEngine((request, answer) => {
    const { status, body } = answerTo(request.url ?? '') ?? {};
    if (status === undefined) return;
    answer.writeHead(status, { 'content-type': 'application/json' });
    answer.end(JSON.stringify(body));
  });
});
afterEach(() => {
  containers.clear();
  inspected.length = 0;
});
afterAll(() => dockerd.close());

function createScene() {
  const clock = createFakeClock();
  const { log, lines } = recordLog(clock);
  const engine = createForeignEngine(dockerd.address, clock, log);
  return { clock, log, lines, engine };
}

/** Names of services, and what could not be read. */
async function listOf({ engine }: ReturnType<typeof createScene>) {
  const { containers, unread } = await engine.list();
  return { names: containers.map(({ words }) => words['SERVICE_NAME']), unread: Object.fromEntries(unread) };
}

test.each<[string, Answer, string]>([
  ['fails', BROKEN, 'no space left on device'],
  ['says nonsense', ok('<html>'), 'Docker answered the inspection of a container with something else'],
])('one of which Docker %s is told apart, and asked for again; what is known is not', async (_, answer, reason) => {
  const scene = createScene();
  containers.set('a', withName('web')).set('b', answer);
  for (let round = 0; round < 2; round++)
    expect(await listOf(scene)).toEqual({ names: ['web'], unread: { b: reason } });
  containers.set('b', withName('shop'));
  expect(await listOf(scene)).toEqual({ names: ['web', 'shop'], unread: {} });
  expect(inspected.filter((id) => id === 'a')).toHaveLength(1);
});

test('one of which Docker says nothing holds up no list for long, and is not asked for twice at once', async () => {
  const scene = createScene();
  const { clock } = scene;
  containers.set('b', SILENT);
  const first = listOf(scene);
  await until('it is asked', () => inspected.length > 0);
  await clock.advance(500);
  expect(await first).toEqual({ names: [], unread: { b: undefined } });
  containers.set('a', withName('web'));
  // No time passes.
  expect(await listOf(scene)).toEqual({ names: ['web'], unread: { b: undefined } });
  expect(inspected).toEqual(['b', 'a']);
  await clock.advance(INSPECT_DEADLINE_MS);
  containers.set('b', withName('shop'));
  await until('the second answer', async () => (await listOf(scene)).names.length === 2);
});

test('one that has gone meanwhile is not listed', async () => {
  containers.set('a', withName('web')).set('b', GONE);
  expect(await listOf(createScene())).toEqual({ names: ['web'], unread: {} });
});

describe('while one can not be read', () => {
  let scene: ReturnType<typeof createScene>;
  let foreign: ForeignEndpoints;
  let change = (): void => undefined;
  const services = (): readonly string[] => foreign.wanted().endpoints.map(({ service }) => service);
  const asked = (id: string): number => inspected.filter((one) => one === id).length;
  const untilServices = (...names: readonly string[]): Promise<unknown> =>
    until(`services ${names.join(' ')}`, async () => {
      await scene.clock.advance(100);
      return services().join() === names.join();
    });
  beforeEach(() => {
    scene = createScene();
    const { clock, log, engine } = scene;
    foreign = new ForeignEndpoints({
      ...{ clock, log, engine: { ...engine, watch: (wake) => void (change = wake) } },
      host: { name: 'h1', address: '10.0.0.1', labels: {}, weight: 1 },
      probes: createProber({ clock, log, random: Math.random, tryProbe: () => Promise.reject(new Error('none')) }),
    });
  });
  afterEach(() => foreign.stop());

  test.each<[string, Answer | undefined]>([
    ['since it fails', BROKEN],
    ['since Docker is silent', SILENT],
  ])('%s, others come and go, and it comes under its own name', async (_, answer) => {
    containers.set('a', withName('web'));
    foreign.start(() => undefined);
    await untilServices('web');
    containers.set('b', answer);
    change();
    await until('it is asked for', async () => {
      await scene.clock.advance(100);
      return asked('b') > 0;
    });
    expect(services()).toEqual(['web']);
    containers.set('c', withName('api'));
    change();
    await untilServices('web', 'api');
    containers.delete('a');
    change();
    await untilServices('api');
    const reason = answer === SILENT ? 'Docker did not answer "inspect" within 3 s' : 'no space left on device';
    await until('it is told of', async () => {
      await scene.clock.advance(100);
      return scene.lines.some(({ message }) => message.endsWith(`until it can be inspected: ${reason}`));
    });
    containers.set('b', withName('shop'));
    await untilServices('shop', 'api');
  });

  test('from the beginning, others are published, and nothing is taken for gone', async () => {
    containers.set('a', withName('web')).set('b', BROKEN);
    foreign.start(() => undefined);
    await untilServices('web');
    expect(foreign.isKnown).toBe(false);
    containers.set('b', withName('shop'));
    await untilServices('web', 'shop');
    expect(foreign.isKnown).toBe(true);
    containers.set('c', BROKEN);
    change();
    await until('it is asked for', async () => {
      await scene.clock.advance(100);
      return asked('c') > 1;
    });
    expect(foreign.isKnown).toBe(true);
    expect(scene.lines.filter(({ message }) => message.includes('container c is not published until'))).toHaveLength(1);
  });
});
