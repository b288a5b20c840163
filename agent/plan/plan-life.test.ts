/** What a container goes through beyond create, start and stop: limits, hooks, ill health, draining, pauses, policies. */
import { actualOf, CAPACITY, containerOf, exitOf } from '../../test/support/actual';
import { desiredOf, hookOf, releaseOf } from '../../test/support/desired';
import type { Pause, Release } from '../../lib/documents/types';
import { specHash } from '../../lib/release/spec-hash';
import { planHost } from './plan-host';
import { noLongerWanted } from './still-wanted';
import { NOTHING_REMEMBERED, runOf, type ActualContainer, type InstanceMemory, type Step } from './types';

const ID = 'web-1';
const NOW = 1000;
const WEB = releaseOf('web');
const HOOK = hookOf('/bin/bye');
const LEAVE = { drainMs: 5000, preStop: [HOOK], dependsOn: [] };

interface Case {
  readonly release?: Release | 'not wanted';
  readonly container?: Partial<ActualContainer> | 'none';
  readonly memory?: Partial<InstanceMemory>;
  readonly pauses?: readonly Pause[];
  readonly images?: readonly string[];
}

function inputOf({ release = WEB, container = {}, memory = {}, pauses = [], images = ['web:1'] }: Case) {
  const spec = specHash((release === 'not wanted' ? WEB : release).container);
  return {
    desired: desiredOf(release === 'not wanted' ? {} : { [ID]: release }, { pauses }),
    actual: actualOf(container === 'none' ? [] : [containerOf({ spec, ...container })], images),
    memory: { instances: new Map([[ID, { ...NOTHING_REMEMBERED, ...memory }]]) },
    nowMs: NOW,
  };
}
const stepOf = (change: Case): Step | undefined => planHost(inputOf(change))[0];
const kindOf = (change: Case): string => stepOf(change)?.kind ?? '-';
const withContainer = (container: Partial<Release['container']>): Release => releaseOf('web', { container });
const withDeploy = (change: Partial<Release['deploy']>): Release => ({ ...WEB, deploy: { ...WEB.deploy, ...change } });
const limited = (change: Partial<Release['container']['limits']>): Release =>
  withContainer({ limits: { ...WEB.container.limits, ...change } });
const NONE = containerOf().limits!;
const ALL = { ...NONE, ...CAPACITY };

describe('limits are changed in place', () => {
  test.each<[string, Release, Partial<ActualContainer>, object | undefined]>([
    ['more memory', limited({ memoryBytes: 64e6 }), {}, { ...ALL, memoryBytes: 64e6 }],
    ['another CPU limit', limited({ nanoCpus: 1e9 }), {}, { ...ALL, nanoCpus: 1e9 }],
    ['as they are', limited({ pids: 9 }), { limits: { ...NONE, pids: 9 } }, undefined],
    ['no CPU limit any more: all of the host', WEB, { limits: { ...NONE, nanoCpus: 1e9 } }, ALL],
    ['all CPUs of the host are no limit', WEB, { limits: { ...NONE, nanoCpus: 4e9 } }, undefined],
    ['more than the host has', limited({ nanoCpus: 9e9 }), { limits: { ...NONE, nanoCpus: 4e9 } }, undefined],
    ['no memory limit any more', WEB, { limits: { ...NONE, memoryBytes: 1e9 } }, ALL],
    [
      'no reservation any more',
      WEB,
      { limits: { ...NONE, memoryReservationBytes: 1e6 } },
      { ...ALL, memoryReservationBytes: -1 },
    ],
    ['unknown ones are left', limited({ pids: 9 }), { limits: undefined }, undefined],
    [
      'a reservation of memory',
      withDeploy({ reservations: { nanoCpus: 0, memoryBytes: 32e6, resources: {} } }),
      {},
      { ...ALL, memoryReservationBytes: 32e6 },
    ],
  ])('%s', (_, release, container, limits) => {
    const step = stepOf({ release, container });
    expect(step?.kind === 'update' ? step.limits : undefined).toEqual(limits);
  });

  test('before an exited container is started again: they may be why it exited', () => {
    const exited: Case = { release: limited({ pids: 9 }), container: { state: 'exited', exit: exitOf(137) } };
    expect(kindOf({ ...exited, memory: { restartNotBeforeMs: NOW + 1 } })).toBe('update');
    expect(kindOf({ ...exited, container: { ...(exited.container as object), limits: { ...NONE, pids: 9 } } })).toBe(
      'start',
    );
    // Docker refuses them: better with the old ones than not at all.
    expect(kindOf({ ...exited, memory: { isFailing: true } })).toBe('start');
  });
});

describe('post_start', () => {
  const release = withContainer({ postStart: [HOOK] });
  test('runs once for each run', () => {
    expect(stepOf({ release })).toMatchObject({ kind: 'post_start', hooks: [HOOK], run: 'c1 1' });
    expect(kindOf({ release, memory: { hookedRun: runOf({ id: 'c1', startedAtMs: 1 }) } })).toBe('-');
    expect(kindOf({ release, memory: { hookedRun: runOf({ id: 'c1', startedAtMs: 0 }) } })).toBe('post_start');
  });
});

describe('ill health', () => {
  const sick = { health: 'unhealthy', healthReason: 'status 503' } as const;
  test.each<[string, Release, Partial<InstanceMemory>, string]>([
    ['restarts', WEB, {}, 'restart'],
    ['waits for its backoff', WEB, { restartNotBeforeMs: NOW + 1 }, '-'],
    ['only leaves discovery, by choice', withDeploy({ onUnhealthy: 'withdraw' }), {}, '-'],
    ['is left when nothing would start it again', releaseOf('web', { policy: { condition: 'none' } }), {}, '-'],
    ['is left when its restarts are used up', releaseOf('web', { policy: { maxAttempts: 2 } }), { restarts: 2 }, '-'],
    ['restarts also on-failure: it is one', releaseOf('web', { policy: { condition: 'on-failure' } }), {}, 'restart'],
  ])('%s', (_, release, memory, kind) => {
    expect(kindOf({ release, container: sick, memory })).toBe(kind);
  });

  test('says what was wrong (G1)', () => {
    expect(stepOf({ container: sick })?.reason).toBe('unhealthy: status 503');
  });
});

describe('on the way out', () => {
  test.each<[string, Case, string]>([
    ['first it drains', { container: { leave: LEAVE } }, 'drain'],
    ['then it stops', { container: { leave: LEAVE }, memory: { drained: 'c1' } }, 'stop'],
    ['another container of it has drained', { container: { leave: LEAVE }, memory: { drained: 'c0' } }, 'drain'],
    ['with nothing to drain it stops', {}, 'stop'],
    ['what is down does not drain', { container: { leave: LEAVE, state: 'exited' } }, 'remove'],
    ['what is frozen can not run a hook', { container: { leave: LEAVE, state: 'paused' } }, 'stop'],
  ])('%s', (_, change, kind) => {
    expect(kindOf({ release: 'not wanted', ...change })).toBe(kind);
  });

  test('a new release drains the old container too', () => {
    expect(kindOf({ container: { spec: 'old', leave: LEAVE } })).toBe('drain');
  });
});

describe('pauses', () => {
  const pause = (kind: string, name: string): Pause => ({ kind, name, untilMs: 60_000, reason: 'look', by: 'ann@ops' });
  test.each<[string, Case, string]>([
    ['of the instance', { pauses: [pause('instance', ID)] }, '-'],
    ['of its service', { pauses: [pause('service', 'web')] }, '-'],
    ['of the host', { pauses: [pause('host', 'h1')] }, '-'],
    ['of another instance', { pauses: [pause('instance', 'web-2')] }, 'start'],
    ['of another service', { pauses: [pause('service', 'api')] }, 'start'],
  ])('%s', (_, change, kind) => {
    expect(kindOf({ container: { state: 'exited', exit: exitOf(1) }, ...change })).toBe(kind);
    expect(kindOf({ container: 'none', ...change })).toBe(kind === '-' ? '-' : 'create');
    expect(kindOf({ release: 'not wanted', ...change })).toBe(kind === '-' ? '-' : 'stop');
  });
});

describe('pull policies', () => {
  const release = (pullPolicy: string, image = 'web:1'): Release => withContainer({ pullPolicy, image });
  const pulled = { pulledFor: specHash(release('always').container) };
  test.each<[string, Case, string]>([
    ['always: also what is there', { release: release('always') }, 'pull'],
    ['always: once for each creation', { release: release('always'), memory: pulled }, 'create'],
    ['always: a digest means the same bits', { release: release('always', 'web@sha256:1') }, 'create'],
    ['missing: what is there is taken', { release: release('missing') }, 'create'],
    ['missing: what is not is pulled', { release: release('missing'), images: [] }, 'pull'],
    ['never: what is there is taken', { release: release('never') }, 'create'],
    ['never: what is not is waited for', { release: release('never'), images: [] }, '-'],
  ])('%s', (_, change, kind) => {
    expect(kindOf({ container: 'none', images: ['web:1', 'web@sha256:1'], ...change })).toBe(kind);
  });

  test('always: what runs is not pulled for', () => {
    expect(kindOf({ release: release('always') })).toBe('-');
  });
});

describe('a step in flight is given up', () => {
  const pull = (image: string): Step => {
    const release = withContainer({ image });
    return { kind: 'pull', instance: 'gone-1', release, specHash: '', reason: '' };
  };
  const drain: Step = { kind: 'drain', instance: ID, containerId: 'c1', leave: LEAVE, reason: '' };
  const leaving: Case = { container: { leave: LEAVE } };
  test.each<[string, Step, Case, boolean]>([
    ['a pull that another instance wants goes on', pull('web:1'), {}, true],
    ['a pull that nobody wants ends', pull('web:2'), {}, false],
    ['the draining of what is not wanted goes on', drain, { ...leaving, release: 'not wanted' }, true],
    ['the draining of what is to be replaced goes on', drain, { container: { leave: LEAVE, spec: 'old' } }, true],
    ['the draining of what is to stay after all ends', drain, leaving, false],
    ['a stop goes on', { ...drain, kind: 'stop', graceMs: 0 }, leaving, true],
  ])('%s', (_, step, change, isWanted) => {
    expect(noLongerWanted([step], inputOf(change))).toEqual(isWanted ? [] : [step]);
  });
});
