/** What goes wrong between the loop and Docker, and how it comes right. */
import { desiredOf, releaseOf } from '../test/support/desired';
import { LATENCY, LoopHost, over, type LoopHostOptions } from '../test/support/loop-host';
import { EngineError, type Engine } from './docker/engine';
import type { MemoryContainer } from './docker/simulated/memory-container';

const WEB = releaseOf('web');

let host: LoopHost;
const make = (options: LoopHostOptions = {}): LoopHost => (host = new LoopHost(options));
afterEach(() => host.loop.stop());

describe('Docker', () => {
  test('that never answered: nothing is said of instances', async () => {
    make();
    host.docker.setDown(true);
    await host.want(desiredOf({ 'web-1': WEB }), 60_000);
    expect(host.statuses).toEqual([]);
    expect(host.passes.every(({ engineAnswers }) => !engineAnswers)).toBe(true);
    host.docker.setDown(false);
    await host.clock.advance(1000);
    expect(host.statusOf('web-1')?.phase).toBe('RUNNING');
  });

  test('away and back: said, and nothing is touched', async () => {
    make();
    await host.want(desiredOf({ 'web-1': WEB }), 5000);
    const { mutatingCalls } = host.docker;
    host.docker.setDown(true);
    await host.clock.advance(120_000);
    expect(host.status.problems).toEqual([expect.objectContaining({ rule: 'docker-unavailable' })]);
    expect(host.statusOf('web-1')?.phase).toBe('RUNNING');
    host.docker.setDown(false);
    await host.clock.advance(1000);
    expect(host.status.problems).toEqual([]);
    expect(host.docker.mutatingCalls).toBe(mutatingCalls);
  });

  test('that loses events is looked at all the same', async () => {
    make();
    await host.want(desiredOf({ 'web-1': WEB }), 5000);
    host.docker.losesEvents = true;
    host.docker.kill(host.containerOf('web-1')!.id);
    await host.clock.advance(40_000);
    expect(host.statusOf('web-1')).toMatchObject({ phase: 'RUNNING', restarts: 1, lastExit: { code: 137 } });
  });
});

test('G1: what was left out while Docker looked for images is not started any more', async () => {
  make({ latencyMs: { ...LATENCY, presentImages: 5000 } });
  const other = releaseOf('other', { image: 'web:2' });
  await host.want(desiredOf({ 'web-1': WEB }), 30_000);
  host.docker.exit(host.containerOf('web-1')!.id, 1);
  host.docker.losesEvents = true;
  await host.want(desiredOf({ 'web-1': WEB, 'other-1': other }), 1000);
  await host.want(desiredOf({ 'other-1': other }), 60_000);
  expect(host.begun).not.toContain('start web-1');
  expect(host.containerOf('web-1')).toBeUndefined();
});

/** The engine does what was asked, and its first answer is lost. */
function losing(call: 'create' | 'start', error: EngineError): LoopHostOptions {
  let isLost = false;
  const lose = <T>(answer: T): T => {
    if (isLost) return answer;
    isLost = true;
    throw error;
  };
  const wrap = (engine: Engine): Engine =>
    over(
      engine,
      call === 'create'
        ? { create: async (request) => lose(await engine.create(request)) }
        : { start: async (id) => lose(await engine.start(id)) },
    );
  return { wrap };
}

test.each([
  ['create', 'unavailable'],
  ['create', 'timeout'],
  ['start', 'unavailable'],
  ['start', 'timeout'],
] as const)('a lost answer to %s (%s) ends in one container, and in no word of it', async (call, code) => {
  make(losing(call, new EngineError(code, 'no answer')));
  await host.want(desiredOf({ 'web-1': releaseOf('web', { hostPorts: [0] }) }), 60_000);
  expect(host.docker.containers.size).toBe(1);
  expect(host.statusOf('web-1')).toMatchObject({ phase: 'RUNNING', reason: '' });
});

test('an image that is removed before the container is made is pulled again, at once', async () => {
  make();
  host.docker.fail('create', new EngineError('no-such-image', 'No such image: web:1'));
  const startMs = host.clock.monotonicMs();
  await host.want(desiredOf({ 'web-1': WEB }), 400);
  expect(host.statusOf('web-1')?.phase).toBe('RUNNING');
  expect(host.timesOf('create web-1')[1]! - startMs).toBeLessThan(200);
});

test('one that is never there for Docker is not asked for in a tight loop', async () => {
  make();
  host.docker.fail('create', new EngineError('no-such-image', 'No such image: web:1'), Infinity);
  await host.want(desiredOf({ 'web-1': WEB }), 60_000);
  expect(host.timesOf('create web-1').length).toBeLessThan(10);
});

describe('G9: a host port that another has by now', () => {
  async function loseIt(hostPorts: readonly number[]): Promise<MemoryContainer> {
    make();
    await host.want(desiredOf({ 'web-1': releaseOf('web', { hostPorts }) }), 5000);
    const before = host.containerOf('web-1')!;
    host.docker.foreignPorts.set(`${before.request.publishedPorts[0]}/tcp`, 'process 812 (nginx)');
    host.docker.exit(before.id, 1);
    await host.clock.advance(10_000);
    return before;
  }

  test('is replaced by another when it was picked', async () => {
    const before = await loseIt([0]);
    const after = host.containerOf('web-1')!;
    expect(after.request.publishedPorts).not.toEqual(before.request.publishedPorts);
    expect(host.statusOf('web-1')).toMatchObject({ phase: 'RUNNING', containerId: after.id, reason: '' });
    const removal = host.lines.find(({ message }) => message === 'remove web-1');
    expect(removal?.fields['reason']).toMatch(/^host port \d+ was taken by another while it was down/);
  });

  test('is waited for when it is fixed, and it is said who has it', async () => {
    const before = await loseIt([8080, 0]);
    await host.clock.advance(10 * 60_000);
    expect(host.statusOf('web-1')).toMatchObject({
      phase: 'FAILED',
      containerId: before.id,
      reason: 'start failed: host port 8080 is taken by process 812 (nginx)',
    });
    host.docker.foreignPorts.clear();
    await host.clock.advance(60_000);
    expect(host.statusOf('web-1')).toMatchObject({ phase: 'RUNNING', containerId: before.id, reason: '' });
  });

  test('is not picked again when Docker refuses it and the kernel does not', async () => {
    make();
    const wrong = new Set<number>();
    const start = host.docker.start.bind(host.docker);
    host.docker.start = (container) => {
      const port = container.request.publishedPorts[0]!;
      if (wrong.size < 3 || wrong.has(port)) {
        wrong.add(port);
        throw new EngineError('port-taken', 'port is already allocated', port);
      }
      start(container);
    };
    await host.want(desiredOf({ 'web-1': releaseOf('web', { hostPorts: [0] }) }), 20_000);
    expect(wrong.size).toBe(3);
    expect(host.statusOf('web-1')?.phase).toBe('RUNNING');
  });
});
