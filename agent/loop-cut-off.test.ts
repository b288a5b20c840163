/** A host that is cut off from etcd, in the loop: what is stopped for that, and how it comes back. */
import { desiredOf, hookOf, releaseOf, type ReleaseWish } from '../test/support/desired';
import { loopHosts, over, type LoopHost } from '../test/support/loop-host';
import type { Release } from '../lib/documents/types';
import { EngineError } from './docker/engine';

const make = loopHosts();
const STOP_AFTER_MS = 30_000;
const wishing = (wish: ReleaseWish = {}): Release => {
  const release = releaseOf('web', wish);
  return { ...release, deploy: { ...release.deploy, onDisconnect: { stopAfterMs: STOP_AFTER_MS, replaceAfterMs: 0 } } };
};
const KEEP = releaseOf('keep');
const wanted = (web: Release): ReturnType<typeof desiredOf> => desiredOf({ 'web-1': web, 'keep-1': KEEP });
const RUNNING = { phase: 'RUNNING', restarts: 0 };

/** The lease can last have been renewed `agoMs` ago. */
function cutOff(host: LoopHost, agoMs = 0, hadLease = true): void {
  const sinceMs = host.clock.monotonicMs() - agoMs;
  host.cut = { sinceMs, atMs: host.clock.wallMs() - agoMs, hadLease, isLeaseBack: false };
  host.loop.wake();
}
function reconnect(host: LoopHost): void {
  host.cut = undefined;
  host.loop.wake();
}

test('its instances go when their time has gone by, not before, and come back with the lease; others run on', async () => {
  const host = make();
  await host.want(wanted(wishing()), 2000);
  const { id } = host.containerOf('web-1')!;
  cutOff(host, 4000);
  await host.clock.advance(STOP_AFTER_MS - 4100);
  expect(host.statusOf('web-1')).toMatchObject(RUNNING);
  await host.clock.advance(300);
  expect(host.containerOf('web-1')?.state).toBe('exited');
  expect(host.statusOf('web-1')).toMatchObject({
    phase: 'STOPPED',
    reason: 'cut off from etcd for longer than 30 s (on_disconnect: stop_after)',
  });
  await host.clock.advance(60 * 60_000);
  expect(host.begun).toEqual(['create keep-1', 'create web-1', 'stop web-1']);
  expect(host.statusOf('keep-1')).toMatchObject(RUNNING);
  reconnect(host);
  await host.clock.advance(500);
  expect(host.containerOf('web-1')).toMatchObject({ id, state: 'running' });
  expect(host.statusOf('web-1')).toMatchObject({
    ...{ phase: 'RUNNING', reason: '', lastRestartReason: 'etcd is back, and the assignment still names it' },
  });
  expect(host.loop.memory.instances.get('web-1')).toMatchObject({ restarts: 0, cutRun: undefined });
});

test('a cut that ends in time changes nothing, however often', async () => {
  const host = make();
  await host.want(wanted(wishing()), 2000);
  for (let time = 0; time < 5; time++) {
    cutOff(host, 4000);
    await host.clock.advance(20_000);
    reconnect(host);
    await host.clock.advance(1000);
  }
  expect(host.begun).toEqual(['create keep-1', 'create web-1']);
  expect(host.loop.memory.kept.size).toBe(0);
});

test('a lease that is back stops nothing more, and starts nothing before it is known what is assigned', async () => {
  const host = make();
  const both = desiredOf({ 'web-1': wishing(), 'late-1': { ...wishing(), service: 'late' } });
  await host.want(both, 2000);
  cutOff(host);
  await host.clock.advance(STOP_AFTER_MS + 1000);
  host.docker.start(host.containerOf('late-1')!);
  host.cut = { ...host.cut!, isLeaseBack: true };
  await host.want(both, 10 * 60_000);
  expect([host.containerOf('web-1')?.state, host.containerOf('late-1')?.state]).toEqual(['exited', 'running']);
  cutOff(host);
  await host.clock.advance(STOP_AFTER_MS - 1000);
  expect([host.containerOf('web-1')?.state, host.containerOf('late-1')?.state]).toEqual(['exited', 'running']);
  await host.clock.advance(2000);
  expect(host.containerOf('late-1')?.state).toBe('exited');
});

test('it leaves in order: hooks, drain time, signal', async () => {
  const host = make();
  await host.want(wanted(wishing({ container: { drainMs: 5000, preStop: [hookOf('bye')] } })), 2000);
  cutOff(host);
  await host.clock.advance(STOP_AFTER_MS + 2000);
  expect(host.statusOf('web-1')).toMatchObject({ phase: 'DRAINING' });
  expect(host.containerOf('web-1')?.commands).toEqual(['bye']);
  await host.clock.advance(5000);
  expect(host.begun.slice(2)).toEqual(['drain web-1', 'stop web-1']);
  reconnect(host);
  await host.clock.advance(2000);
  cutOff(host);
  await host.clock.advance(STOP_AFTER_MS + 10_000);
  expect(host.containerOf('web-1')?.commands).toEqual(['bye', 'bye']);
});

test('a lease that is back while it drains lets it stay', async () => {
  const host = make();
  await host.want(wanted(wishing({ container: { drainMs: 5000 } })), 2000);
  cutOff(host);
  await host.clock.advance(STOP_AFTER_MS + 2000);
  reconnect(host);
  await host.clock.advance(60_000);
  expect(host.begun.slice(2)).toEqual(['drain web-1']);
  expect(host.statusOf('web-1')).toMatchObject(RUNNING);
});

test('what was moved away meanwhile is removed, and not started first', async () => {
  const host = make();
  await host.want(wanted(wishing()), 2000);
  cutOff(host);
  await host.clock.advance(STOP_AFTER_MS + 1000);
  host.cut = undefined;
  await host.want(desiredOf({ 'keep-1': KEEP }), 2000);
  expect(host.begun.slice(2)).toEqual(['stop web-1', 'remove web-1']);
});

test.each(['none', 'on-failure', 'any'])(
  'with the restart policy "%s" it comes back all the same',
  async (condition) => {
    const host = make();
    await host.want(wanted(wishing({ policy: { condition, maxAttempts: 1, delayMs: 60_000 } })), 2000);
    for (let time = 0; time < 3; time++) {
      cutOff(host);
      await host.clock.advance(STOP_AFTER_MS + 1000);
      reconnect(host);
      await host.clock.advance(1000);
      expect(host.containerOf('web-1')?.state).toBe('running');
    }
  },
);

test('what had ended by itself before the cut stays as it is', async () => {
  const host = make();
  await host.want(wanted(wishing({ policy: { condition: 'on-failure' } })), 2000);
  host.docker.exit(host.containerOf('web-1')!.id, 0);
  await host.clock.advance(1000);
  cutOff(host);
  await host.clock.advance(STOP_AFTER_MS + 1000);
  reconnect(host);
  await host.clock.advance(60_000);
  expect(host.begun).toEqual(['create keep-1', 'create web-1']);
});

test('what crashes during the cut is started again only until its time', async () => {
  const host = make();
  await host.want(wanted(wishing()), 10_000);
  cutOff(host);
  await host.clock.advance(5000);
  host.docker.exit(host.containerOf('web-1')!.id, 1);
  await host.clock.advance(2000);
  expect(host.statusOf('web-1')).toMatchObject({ phase: 'RUNNING', restarts: 1 });
  await host.clock.advance(STOP_AFTER_MS);
  expect(host.containerOf('web-1')?.state).toBe('exited');
});

describe('an agent that begins while the host is cut off', () => {
  test('counts from when the one before it was', async () => {
    const host = make();
    await host.want(wanted(wishing()), 2000);
    cutOff(host, 5000);
    await host.clock.advance(10_000);
    const next = host.restart();
    cutOff(next, 0, false);
    await next.want(wanted(wishing()), STOP_AFTER_MS - 15_000 - 500);
    expect(next.containerOf('web-1')?.state).toBe('running');
    await next.clock.advance(1000);
    expect(next.containerOf('web-1')?.state).toBe('exited');
    expect(next.containerOf('keep-1')?.state).toBe('running');
  });

  test('counts from its own begin when nothing better is known, and starts none of these', async () => {
    const host = make();
    await host.want(desiredOf({ 'web-1': wishing(), 'web-2': wishing(), 'keep-1': KEEP }), 2000);
    const next = host.restart();
    next.docker.exit(next.containerOf('web-2')!.id, 1);
    next.docker.exit(next.containerOf('keep-1')!.id, 1);
    cutOff(next, 0, false);
    await next.want(desiredOf({ 'web-1': wishing(), 'web-2': wishing(), 'keep-1': KEEP, 'web-3': wishing() }), 20_000);
    expect(next.begun).toEqual(['start keep-1']);
    expect(next.statusOf('web-3')).toMatchObject({
      phase: 'PENDING',
      reason: expect.stringMatching(/^not started: etcd/),
    });
    await next.clock.advance(STOP_AFTER_MS);
    expect(next.containerOf('web-1')?.state).toBe('exited');
    reconnect(next);
    await next.clock.advance(2000);
    for (const id of ['web-1', 'web-2', 'web-3', 'keep-1']) expect(next.containerOf(id)?.state).toBe('running');
  });

  test('brings back what the one before it stopped, whatever its restart policy says', async () => {
    const never = wishing({ policy: { condition: 'none' } });
    const host = make();
    await host.want(wanted(never), 2000);
    cutOff(host);
    await host.clock.advance(STOP_AFTER_MS + 1000);
    const next = host.restart();
    cutOff(next, 0, false);
    await next.want(wanted(never), 60_000);
    expect(next.containerOf('web-1')?.state).toBe('exited');
    reconnect(next);
    await next.clock.advance(1000);
    expect(next.containerOf('web-1')?.state).toBe('running');
  });

  test('is not misled by a clock that was put back or forward', async () => {
    const host = make();
    await host.want(wanted(wishing()), 2000);
    host.cut = {
      sinceMs: host.clock.monotonicMs(),
      atMs: host.clock.wallMs() + 3_600_000,
      hadLease: true,
      isLeaseBack: false,
    };
    host.loop.wake();
    await host.clock.advance(1000);
    const next = host.restart();
    cutOff(next, 0, false);
    await next.want(wanted(wishing()), STOP_AFTER_MS - 1000);
    expect(next.containerOf('web-1')?.state).toBe('running');
    await next.clock.advance(2000);
    expect(next.containerOf('web-1')?.state).toBe('exited');
  });
});

test('while Docker is away at the time, it goes when Docker is back; with the lease back by then, it stays', async () => {
  const host = make();
  await host.want(wanted(wishing()), 2000);
  for (const isBack of [true, false]) {
    cutOff(host);
    await host.clock.advance(STOP_AFTER_MS - 1000);
    host.docker.setDown(true);
    await host.clock.advance(60_000);
    if (isBack) reconnect(host);
    host.docker.setDown(false);
    await host.clock.advance(15_000);
    expect(host.containerOf('web-1')?.state).toBe(isBack ? 'running' : 'exited');
  }
  expect(host.begun).toEqual(['create keep-1', 'create web-1', 'stop web-1']);
});

test('a pause of an operator counts for more: hands off', async () => {
  const host = make();
  await host.want(wanted(wishing()), 2000);
  cutOff(host);
  const pause = { kind: 'instance', name: 'web-1', untilMs: host.clock.wallMs() + 3_600_000, reason: '', by: '' };
  await host.want({ ...wanted(wishing()), pauses: [pause] }, 10 * 60_000);
  expect(host.containerOf('web-1')?.state).toBe('running');
});

test('a disk that hangs is no reason to let it run', async () => {
  const host = make({
    memoryCopy: { load: () => Promise.resolve(new Map()), save: () => new Promise(() => undefined) },
  });
  await host.want(wanted(wishing()), 2000);
  cutOff(host);
  await host.clock.advance(STOP_AFTER_MS + 3000);
  expect(host.containerOf('web-1')?.state).toBe('exited');
});

test('a stop that fails is tried again', async () => {
  let failures = 2;
  const host = make({
    wrap: (engine) =>
      over(engine, {
        stop: (id, graceMs) =>
          failures-- > 0 ? Promise.reject(new EngineError('timeout', 'no answer')) : engine.stop(id, graceMs),
      }),
  });
  await host.want(wanted(wishing()), 2000);
  cutOff(host);
  await host.clock.advance(STOP_AFTER_MS + 10_000);
  expect(host.containerOf('web-1')?.state).toBe('exited');
});
