import { desiredOf, releaseOf } from '../test/support/desired';
import { LoopHost, over, type LoopHostOptions } from '../test/support/loop-host';
import { EngineError, type Engine } from './docker/engine';

let host: LoopHost;
let words: string;
afterEach(() => host.loop.stop());

const MINUTE_MS = 60_000;
const LEFT = releaseOf('web', { hasCheck: true, policy: { condition: 'none' } });
const left = (what: string): string => `unhealthy: ${what}; left running, since the restart policy is "none"`;

/** Its health check says `words`. */
const talking = (engine: Engine): Engine =>
  over(engine, {
    list: async () =>
      (await engine.list()).map((one) => ({ ...one, ...(one.healthReason && { healthReason: words }) })),
  });

async function begin(options: LoopHostOptions): Promise<void> {
  host = new LoopHost(options);
  words = 'no';
  await host.want(desiredOf({ 'web-1': LEFT }), 2000);
}
async function say(text: string): Promise<string | undefined> {
  words = text;
  host.loop.wake();
  await host.clock.advance(1000);
  return host.statusOf('web-1')?.reason;
}
/** How often what would be written to etcd changes. */
function changes(): number {
  const texts = host.statuses.map((status) => JSON.stringify(status));
  return texts.filter((text, index) => index > 0 && text !== texts[index - 1]).length;
}

test('an unhealthy instance whose check says something else each time is told anew every 5 minutes, and no oftener', async () => {
  await begin({ wrap: talking });
  host.docker.setHealth(host.containerOf('web-1')!.id, 'unhealthy');
  expect(await say('at 1')).toBe(left('at 1'));
  host.statuses.length = 0;
  for (let second = 0; second < 3600; second += 10) {
    await say(`at ${second}`);
    await host.clock.advance(9000);
  }
  expect(host.statuses.length).toBeGreaterThan(300);
  expect(changes()).toBeGreaterThanOrEqual(11);
  expect(changes()).toBeLessThanOrEqual(12);
});

test('its first words, and what else happens to it, are told at once, with the words of then', async () => {
  await begin({ wrap: talking });
  const { id } = host.containerOf('web-1')!;
  host.docker.setHealth(id, 'unhealthy');
  expect(await say('one')).toBe(left('one'));
  expect(await say('two')).toBe(left('one'));
  host.docker.setHealth(id, 'healthy');
  expect(await say('three')).toBe('');
  host.docker.setHealth(id, 'unhealthy');
  expect(await say('four')).toBe(left('four'));
  await host.want(desiredOf({ 'web-1': { ...LEFT, number: 2 } }), 0);
  expect(await say('five')).toBe(left('five'));
  await host.clock.advance(5 * MINUTE_MS);
  expect(await say('six')).toBe(left('six'));
});

test('a creation that fails with other words each time is told anew every 5 minutes', async () => {
  let tries = 0;
  const full = (engine: Engine): Engine =>
    over(engine, {
      create: () => Promise.reject(new EngineError('other', `no space left on device, bytes free: ${++tries}`)),
    });
  await begin({ wrap: full });
  const told = {
    phase: 'FAILED',
    failedTries: tries,
    reason: `create failed: no space left on device, bytes free: ${tries}`,
  };
  expect(host.statusOf('web-1')).toMatchObject(told);
  // That it fails lastingly is news.
  await host.clock.advance(MINUTE_MS);
  expect(host.statusOf('web-1')!.failedTries).toBe(3);
  host.statuses.length = 0;
  await host.clock.advance(60 * MINUTE_MS);
  expect(tries).toBeGreaterThan(55);
  expect(changes()).toBeGreaterThanOrEqual(10);
  expect(changes()).toBeLessThanOrEqual(12);
});

test('a failure of another kind is told at once', async () => {
  const refusing = (engine: Engine): Engine =>
    over(talking(engine), { restart: () => Promise.reject(new EngineError('other', 'not now')) });
  await begin({ wrap: refusing });
  await host.want(desiredOf({ 'web-1': releaseOf('web', { hasCheck: true, policy: { delayMs: 10_000 } }) }), 1000);
  host.docker.setHealth(host.containerOf('web-1')!.id, 'unhealthy');
  expect(await say('one')).toBe('unhealthy: one');
  expect(await say('two')).toBe('unhealthy: one');
  await host.clock.advance(15_000);
  expect(host.statusOf('web-1')).toMatchObject({ health: 'unhealthy', reason: 'restart failed: not now' });
});

test('what is left alone is told at once, whatever it was left alone for before', async () => {
  await begin({});
  for (const problem of ['line 1 is odd', 'line 2 is odd', 'line 1 is odd']) {
    await host.want(desiredOf({ 'web-1': problem }), 1000);
    expect(host.statusOf('web-1')?.reason).toBe(`left as it is: ${problem}`);
  }
});
