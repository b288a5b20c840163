import type { LastExit } from '../../lib/documents/types';
import { specHash } from '../../lib/release/spec-hash';
import { actualOf, containerOf, exitOf } from '../../test/support/actual';
import { desiredOf, hookOf, releaseOf, WINDOW_MS } from '../../test/support/desired';
import { EngineError } from '../docker/engine';
import { AgentMemory } from './memory';
import type { Crash } from './runs';
import type { Actual, ActualContainer, Step, StepKind } from '../plan/types';

const ID = 'web-1';
const WEB = releaseOf('web');
const DESIRED = desiredOf({ [ID]: WEB });
const SPEC = specHash(WEB.container);
const NOW = 10_000;

let memory: AgentMemory;
beforeEach(() => (memory = new AgentMemory(() => 0.999)));

function container(change: Partial<ActualContainer> = {}): ActualContainer {
  return containerOf({ spec: SPEC, ...change });
}
const actual = (...containers: readonly ActualContainer[]): Actual => actualOf(containers);
const exitAt = (atMs: number): LastExit => exitOf(1, { atMs });
const exited = (atMs: number, ranForMs = 100): ActualContainer =>
  container({ state: 'exited', exit: exitAt(atMs), ranForMs });
const step = (kind: StepKind): Step =>
  ({
    ...{ kind, instance: ID, reason: '', release: WEB, slot: 1, specHash: SPEC, containerId: 'c1', graceMs: 0 },
    run: 'c1 1',
  }) as Step;
const waits = (): number => memory.instances.get(ID)!.notBeforeMs - NOW;
const restartWaits = (): number => memory.instances.get(ID)!.restartNotBeforeMs - NOW;
const observe = (...containers: readonly ActualContainer[]): readonly Crash[] =>
  memory.observe(actual(...containers), DESIRED, NOW);
function fail(kind: StepKind, error = new EngineError('other', 'no'), nowMs = NOW): void {
  memory.begin(step(kind), 0);
  memory.fail(step(kind), error, nowMs);
}
function succeed(kind: StepKind): void {
  memory.begin(step(kind), 0);
  memory.succeed(step(kind));
}

test('that a second container has drained is remembered while the first one stays; that the one that stays has, is not', () => {
  for (const [containerId, drained] of [
    ['c2', 'c2'],
    ['c1', undefined],
  ]) {
    memory.begin(step('drain'), 0);
    memory.succeed({ ...step('drain'), containerId } as Step);
    observe(container(), container({ id: 'c2' }));
    expect(memory.instances.get(ID)?.drained).toBe(drained);
  }
});

describe('failures', () => {
  test('wait from 1 s to 1 min, and say what went wrong', () => {
    const seen: number[] = [];
    for (let time = 0; time < 9; time++) {
      fail('create');
      seen.push(Math.round(waits() / 1000));
    }
    expect(seen).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
    expect(memory.failureOf(ID)?.error).toBe('create failed: no');
    expect(memory.nextWakeMs(NOW)).toBe(NOW + waits());
    expect(memory.nextWakeMs(NOW + 60_000)).toBeUndefined();
  });

  test.each<[string, () => void, number]>([
    ['that it succeeds', () => succeed('create'), 1],
    ['that another kind of step succeeds, not', () => succeed('remove'), 8],
    ['that its container runs as wanted', () => observe(container()), 1],
    ['that another container of it runs, not', () => observe(container({ spec: 'old' })), 8],
    ['that two containers of it run, not', () => observe(container(), container({ id: 'c2' })), 8],
    ['that its container exited, not', () => observe(exited(1)), 8],
    ['that something else is wanted', () => memory.forgive(ID), 1],
  ])('end by this: %s', (_, change, nextSeconds) => {
    for (let time = 0; time < 3; time++) fail('create');
    change();
    fail('create');
    expect(Math.round(waits() / 1000)).toBe(nextSeconds);
  });

  const HOOKED = releaseOf('web', { container: { postStart: [hookOf('warm')] } });
  const hooked = container({ spec: specHash(HOOKED.container) });
  const limits = { nanoCpus: 1, memoryBytes: 1, pids: 1, memoryReservationBytes: 0 };

  test.each<[StepKind, string, () => void, boolean]>([
    ['update', 'the limits are as wanted', () => observe(container()), false],
    ['update', 'they are not', () => observe(container({ limits })), true],
    ['update', 'Docker does not say', () => observe(container({ limits: undefined })), true],
    ['update', 'there is no container', () => observe(), false],
    ['start', 'there is no container', () => observe(), false],
    ['remove', 'there is no container', () => observe(), false],
    ['pull', 'there is no container', () => observe(), true],
    ['create', 'there is no container', () => observe(), true],
    ['restart', 'it is healthy', () => observe(container({ health: 'healthy' })), false],
    ['restart', 'it is not', () => observe(container({ health: 'unhealthy' })), true],
    ['post_start', 'there are no hooks', () => observe(container()), false],
    ['post_start', 'there are some', () => memory.observe(actual(hooked), desiredOf({ [ID]: HOOKED }), NOW), true],
    ['update', 'another container of it runs', () => observe(container({ spec: 'old' })), true],
  ])('of %s count on, or not, when %s', (kind, _, see, countsOn) => {
    fail(kind);
    see();
    expect(memory.instances.get(ID)?.isFailing).toBe(countsOn);
    expect(memory.failureOf(ID)?.error).toBe(countsOn ? `${kind} failed: no` : undefined);
    if (!countsOn) expect(memory.nextWakeMs(NOW)).toBeUndefined();
  });

  test('that end leave the words of another one that does not', () => {
    fail('update');
    fail('restart');
    observe(container({ health: 'unhealthy' }));
    expect(memory.failureOf(ID)?.error).toBe('restart failed: no');
    fail('update');
    observe(container({ health: 'unhealthy' }));
    expect(memory.failureOf(ID)?.error).toBeUndefined();
    expect(memory.instances.get(ID)?.isFailing).toBe(true);
  });

  test('do not end while a step is in flight: what was seen may be older than it', () => {
    fail('start');
    memory.begin(step('start'), 0);
    observe(container());
    expect(memory.failureOf(ID)?.error).toBe('start failed: no');
  });

  test('of an image that was there a moment ago do not wait, once', () => {
    const gone = new EngineError('no-such-image', 'No such image');
    fail('create', gone);
    expect(waits()).toBe(0);
    succeed('pull');
    fail('create', gone);
    expect(Math.round(waits() / 1000)).toBe(2);
    fail('pull', gone);
    expect(Math.round(waits() / 1000)).toBe(1);
  });

  test('to start on a taken port say which', () => {
    fail('start', new EngineError('port-taken', 'taken', 8080));
    expect(memory.instances.get(ID)?.lostPort).toEqual({ containerId: 'c1', port: 8080 });
    fail('start');
    expect(memory.instances.get(ID)?.lostPort).toBeUndefined();
    fail('create', new EngineError('port-taken', 'taken', 8080));
    expect(memory.instances.get(ID)?.lostPort).toBeUndefined();
  });
});

describe('exits', () => {
  test('are counted once each, and delay the next start more and more', () => {
    const seen: number[] = [];
    for (let time = 1; time <= 9; time++) {
      observe(exited(time));
      observe(exited(time));
      seen.push(Math.round(restartWaits() / 1000));
      succeed('start');
    }
    expect(seen).toEqual([0, 1, 2, 4, 8, 16, 32, 60, 60]);
    expect(memory.restartsOf(ID)).toBe(9);
    expect(memory.lastExitOf(ID)).toEqual(exitAt(9));
    expect(waits()).toBeLessThanOrEqual(0);
  });

  test.each<[string, ActualContainer, number]>([
    ['shorter than the window', exited(9, WINDOW_MS - 1), 3],
    ['as long as the window', exited(9, WINDOW_MS), 0],
    ['still going, shorter', container({ ranForMs: WINDOW_MS - 1 }), 3],
    ['still going, as long', container({ ranForMs: WINDOW_MS }), 0],
    ['of a paused container', container({ state: 'paused', ranForMs: WINDOW_MS }), 3],
  ])('after a run %s', (_, seen, restarts) => {
    for (let time = 0; time < 3; time++) succeed('start');
    observe(seen);
    expect(memory.instances.get(ID)?.restarts).toBe(restarts);
  });

  test('with a window of nothing are delayed all the same', () => {
    const desired = desiredOf({ [ID]: releaseOf('web', { policy: { windowMs: 0 } }) });
    for (let time = 0; time < 3; time++) succeed('start');
    memory.observe(actual(exited(1, 10)), desired, NOW);
    expect(Math.round(restartWaits() / 1000)).toBe(4);
  });

  test('before Docker has said that the container runs count', () => {
    memory.begin(step('start'), 0);
    observe(exited(2));
    memory.succeed(step('start'));
    expect(Math.round(restartWaits() / 1000)).toBe(1);
  });

  test('that we caused, of a container that is replaced, do not', () => {
    observe(container({ ...exited(1), spec: 'old' }));
    expect(memory.instances.get(ID)?.restartNotBeforeMs).toBe(0);
    expect(memory.lastExitOf(ID)).toBeUndefined();
  });

  test('a start under way is an attempt for the next agent, and for this one when it has succeeded', () => {
    memory.begin(step('start'), 0);
    expect([memory.instances.get(ID)?.restarts, memory.kept.get(ID)?.restarts]).toEqual([0, 1]);
    memory.succeed({ ...step('start'), reason: 'exited with code 1' });
    expect([memory.instances.get(ID)?.restarts, memory.kept.get(ID)?.restarts]).toEqual([1, 1]);
    expect(memory.lastRestartReasonOf(ID)).toBe('exited with code 1');
  });

  test('a start that failed is no restart', () => {
    fail('start');
    expect(memory.instances.get(ID)?.restarts).toBe(0);
    expect(memory.restartsOf(ID)).toBe(0);
    expect(memory.lastRestartReasonOf(ID)).toBe('');
  });

  test.each<[string, () => void, number]>([
    ['nothing of what was before', () => undefined, 1],
    ['when it was started by us', () => memory.begin(step('start'), 500), 500],
    ['when it was started, where our clock is ahead of Docker’s', () => memory.begin(step('start'), 9999), 800],
    ['when the run before it ended', () => observe(container({ previousExitMs: 600 })), 601],
    ['when the run before it ended, as an exit', () => observe(exited(700)), 701],
  ])('have a log from then on: %s is known', (_, know, sinceMs) => {
    know();
    const [crash] = observe(container({ state: 'exited', exit: exitAt(900), startedAtMs: 800 }));
    expect(crash?.sinceMs).toBe(sinceMs);
  });
});

test('what waits for what it depends on is looked at when its patience ends, and else for nothing', () => {
  const patient = { ...WEB, deploy: { ...WEB.deploy, dependsOn: ['db'] } };
  observe();
  expect(memory.nextWakeMs(NOW)).toBeUndefined();
  memory.observe(actual(), desiredOf({ [ID]: patient }), NOW);
  expect(memory.nextWakeMs(NOW)).toBe(NOW + 60_000);
  expect(memory.nextWakeMs(NOW + 60_000)).toBeUndefined();
  memory.observe(actual(container()), desiredOf({ [ID]: patient }), NOW);
  expect(memory.nextWakeMs(NOW)).toBeUndefined();
});

test('what is gone and not wanted is forgotten, unless a worker is busy with it', () => {
  fail('create');
  memory.observe(actual(container()), desiredOf({}), NOW);
  expect(memory.failureOf(ID)?.error).toBeDefined();
  memory.begin(step('remove'), 0);
  memory.observe(actual(), desiredOf({}), NOW);
  expect(memory.failureOf(ID)?.error).toBeDefined();
  memory.succeed(step('remove'));
  memory.observe(actual(), desiredOf({}), NOW);
  expect(memory.instances.size).toBe(0);
});

test('says which image is being pulled', () => {
  memory.begin(step('pull'), 0);
  expect(memory.instances.get(ID)).toMatchObject({ inFlight: true, pulling: 'web:1' });
  memory.succeed(step('pull'));
  expect(memory.instances.get(ID)).toMatchObject({ inFlight: false, pulling: undefined });
});
