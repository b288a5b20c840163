import * as fc from 'fast-check';
import { actualOf, containerOf, exitOf } from '../../test/support/actual';
import { desiredOf } from '../../test/support/desired';
import { emptyDocument } from '../../lib/documents/codec';
import type { Release } from '../../lib/documents/types';
import { planHost } from './plan-host';
import { REASONS } from './reasons';
import { NOTHING_REMEMBERED } from './types';
import type { ActualContainer, ContainerState, Desired, DesiredInstance, InstanceMemory, Step } from './types';

const ID = 'web-1-aaaa';
const NOW = 1000;
const STATES: readonly ContainerState[] = ['created', 'running', 'paused', 'restarting', 'exited', 'dead', 'removing'];

const release: Release = {
  ...emptyDocument('Release'),
  service: 'web',
  number: 2,
  container: { ...emptyDocument('Release').container, image: 'web:2' },
  deploy: {
    ...emptyDocument('Release').deploy,
    restartPolicy: { condition: 'any', delayMs: 0, maxAttempts: 0, windowMs: 5000 },
  },
};

function container(change: Partial<ActualContainer> = {}): ActualContainer {
  const identity = { instance: ID, release: 2, spec: '1:new' };
  return containerOf({ ...identity, stopGracePeriodMs: 10_000, ranForMs: 60_000, exit: exitOf(1), ...change });
}

const assigned: DesiredInstance = {
  service: 'web',
  slot: 1,
  release: 2,
  hash: '',
  config: {},
  before: false,
  spec: release,
  specHash: '1:new',
};

interface Case {
  readonly wanted: 'yes' | 'unknown spec' | 'no';
  readonly isComplete: boolean;
  readonly isHeld: boolean;
  readonly containers: readonly ActualContainer[];
  readonly hasImage: boolean;
  readonly memory: InstanceMemory;
}

const free = NOTHING_REMEMBERED;
const NOTHING_WANTED = desiredOf({});
const NOTHING_THERE = actualOf([]);
const NO_MEMORY = { instances: new Map<string, InstanceMemory>() };
const delayed: InstanceMemory = { ...free, restartNotBeforeMs: NOW + 1 };
const base: Case = { wanted: 'yes', isComplete: true, isHeld: false, containers: [], hasImage: true, memory: free };

function plan(change: Partial<Case>, policy: Partial<Release['deploy']['restartPolicy']> = {}): readonly Step[] {
  const { wanted, isComplete, isHeld, containers, hasImage, memory } = { ...base, ...change };
  const restartPolicy = { ...release.deploy.restartPolicy, ...policy };
  const spec = { ...release, deploy: { ...release.deploy, restartPolicy } };
  const instance =
    wanted === 'yes'
      ? { ...assigned, spec }
      : { service: 'web', slot: 1, release: 2, hash: '', config: {}, before: false, specProblem: 'gone' };
  const desired: Desired = {
    isComplete,
    assignmentRevision: 1,
    instances: new Map(wanted === 'no' ? [] : [[ID, instance]]),
    held: new Set(isHeld ? [ID] : []),
    ...{ prefetch: new Map(), pauses: [] },
  };
  const actual = actualOf(containers, hasImage ? ['web:2'] : []);
  return planHost({ desired, actual, memory: { instances: new Map([[ID, memory]]) }, nowMs: NOW });
}

const summary = (steps: readonly Step[]): string => steps.map(({ kind }) => kind).join() || '-';

test.each<[string, Partial<Case>, string]>([
  ['nothing there, image here', {}, 'create'],
  ['nothing there, no image', { hasImage: false }, 'pull'],
  ['running as wanted', { containers: [container()] }, '-'],
  ['running, and unhealthy', { containers: [container({ health: 'unhealthy' })] }, 'restart'],
  ['paused by hand', { containers: [container({ state: 'paused' })] }, '-'],
  ['exited', { containers: [container({ state: 'exited' })] }, 'start'],
  ['exited with 0', { containers: [container({ state: 'exited', exit: exitOf(0) })] }, 'start'],
  ['created and never started', { containers: [container({ state: 'created' })] }, 'remove'],
  ['dead', { containers: [container({ state: 'dead' })] }, 'remove'],
  ['being removed', { containers: [container({ state: 'removing' })] }, '-'],
  ['being removed, not wanted', { wanted: 'no', containers: [container({ state: 'removing' })] }, '-'],
  ['of another spec, running', { containers: [container({ spec: '1:old' })] }, 'stop'],
  ['of another spec, exited', { containers: [container({ spec: '1:old', state: 'exited' })] }, 'remove'],
  [
    'of another spec, the image not here: it runs on',
    { containers: [container({ spec: '1:old' })], hasImage: false },
    'pull',
  ],
  ['not assigned', { wanted: 'no', containers: [container()] }, 'stop'],
  ['not assigned, exited', { wanted: 'no', containers: [container({ state: 'exited' })] }, 'remove'],
  ['not assigned, but nothing is known for sure', { wanted: 'no', isComplete: false, containers: [container()] }, '-'],
  ['named, though nothing else is known', { isComplete: false, containers: [container({ state: 'exited' })] }, 'start'],
  ['held by the coordinator', { wanted: 'no', isHeld: true, containers: [container({ state: 'exited' })] }, '-'],
  ['its release unreadable', { wanted: 'unknown spec', containers: [container({ spec: '1:old' })] }, '-'],
  ['its release unreadable, nothing there', { wanted: 'unknown spec' }, '-'],
  ['two containers', { containers: [container(), container({ id: 'c2' })] }, 'stop'],
  [
    'two containers, the second exited',
    { containers: [container(), container({ id: 'c2', state: 'exited' })] },
    'remove',
  ],
  ['a worker is busy with it', { memory: { ...free, inFlight: true } }, '-'],
  ['it has to wait', { memory: { ...free, notBeforeMs: NOW + 1 } }, '-'],
  ['it has waited', { memory: { ...free, notBeforeMs: NOW } }, 'create'],
  ['its restart has to wait', { memory: delayed, containers: [container({ state: 'exited' })] }, '-'],
  [
    'its restart has to wait, and it is not assigned',
    { wanted: 'no', memory: delayed, containers: [container({ state: 'exited' })] },
    'remove',
  ],
  [
    'its restart has to wait, and it is of another spec',
    { memory: delayed, containers: [container({ spec: '1:old', state: 'exited' })] },
    'remove',
  ],
  ['its restart has to wait, and it is gone', { memory: delayed }, 'create'],
])('%s', (_, change, steps) => {
  expect(summary(plan(change))).toBe(steps);
});

test.each<[string, Partial<Release['deploy']['restartPolicy']>, number, number, string]>([
  ['none', { condition: 'none' }, 1, 0, '-'],
  ['on-failure, code 0', { condition: 'on-failure' }, 0, 0, '-'],
  ['on-failure, code 1', { condition: 'on-failure' }, 1, 0, 'start'],
  ['attempts left', { maxAttempts: 3 }, 1, 2, 'start'],
  ['attempts used up', { maxAttempts: 3 }, 1, 3, '-'],
])('restart policy: %s', (_, policy, code, restarts, steps) => {
  const exited = container({ state: 'exited', exit: exitOf(code) });
  expect(summary(plan({ containers: [exited], memory: { ...free, restarts } }, policy))).toBe(steps);
});

test('the second of two containers goes, and the first stays', () => {
  expect(plan({ containers: [container(), container({ id: 'c2' })] })).toEqual([
    { kind: 'stop', instance: ID, containerId: 'c2', graceMs: 10_000, reason: REASONS.duplicate },
  ]);
});

test('an out-of-memory kill is named', () => {
  const exited = container({ state: 'exited', exit: exitOf(137, { oomKilled: true }) });
  expect(plan({ containers: [exited] })[0]!.reason).toBe('killed for running out of memory (exit code 137)');
});

test('an instance is not made while its predecessor of the same slot is on its way out', () => {
  const old = container({ id: 'c0', instance: 'web-1-old1', spec: '1:old' });
  const desired: Desired = { ...NOTHING_WANTED, instances: new Map([[ID, assigned]]) };
  const memory = NO_MEMORY;
  const with1 = planHost({ desired, actual: actualOf([old], ['web:2']), memory, nowMs: NOW });
  expect(with1).toEqual([expect.objectContaining({ kind: 'stop', instance: 'web-1-old1' })]);
  const other = { ...old, slot: 2 };
  const with2 = planHost({ desired, actual: actualOf([other], ['web:2']), memory, nowMs: NOW });
  expect(summary(with2)).toBe('create,stop');
});

/** Every combination: what must hold in all of them. */
test('G3, G6: over the whole state space', () => {
  let cases = 0;
  for (const wanted of ['yes', 'unknown spec', 'no'] as const)
    for (const isComplete of [true, false])
      for (const isHeld of [true, false])
        for (const hasImage of [true, false])
          for (const inFlight of [true, false])
            for (const notBeforeMs of [0, NOW + 1])
              for (const state of [undefined, ...STATES])
                for (const spec of ['1:new', '1:old']) {
                  const containers = state === undefined ? [] : [container({ state, spec })];
                  const change = {
                    wanted,
                    isComplete,
                    isHeld,
                    hasImage,
                    containers,
                    memory: { ...free, inFlight, notBeforeMs },
                  };
                  const steps = plan(change);
                  cases++;
                  expect(steps.length).toBeLessThanOrEqual(1);
                  expect(plan(change)).toEqual(steps);
                  for (const step of steps) expect(step.reason).not.toBe('');
                  if (inFlight || notBeforeMs > NOW) expect(steps).toEqual([]);
                  if (isHeld || wanted === 'unknown spec' || (wanted === 'no' && !isComplete))
                    expect(steps).toEqual([]);
                }
  expect(cases).toBe(3 * 2 * 2 * 2 * 2 * 2 * 8 * 2);
});

/** What the steps do to a host, in the simplest model. */
function act(world: Map<string, ActualContainer[]>, images: Set<string>, step: Step, nextId: () => string): void {
  const there = world.get(step.instance) ?? [];
  const change = (id: string, to: Partial<ActualContainer>): ActualContainer[] =>
    there.map((one) => (one.id === id ? { ...one, ...to } : one));
  if (step.kind === 'pull') images.add(step.release.container.image);
  else if (step.kind === 'create')
    world.set(step.instance, [
      ...there,
      container({ id: nextId(), instance: step.instance, slot: step.slot, spec: step.specHash }),
    ]);
  else if (step.kind === 'start') world.set(step.instance, change(step.containerId, { state: 'running' }));
  else if (step.kind === 'stop') world.set(step.instance, change(step.containerId, { state: 'exited' }));
  else
    world.set(
      step.instance,
      there.filter(({ id }) => id !== step.containerId),
    );
  if (world.get(step.instance)?.length === 0) world.delete(step.instance);
}

test('from any host, steps lead to what is wanted, and then there are none', () => {
  const anyContainer = fc.record({
    instance: fc.constantFrom('a', 'b', 'c', 'd'),
    slot: fc.integer({ min: 1, max: 3 }),
    spec: fc.constantFrom('1:new', '1:old'),
    state: fc.constantFrom<ContainerState>('created', 'running', 'exited', 'dead'),
  });
  const wantedIds = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'e'));
  fc.assert(
    fc.property(fc.array(anyContainer, { maxLength: 8 }), wantedIds, fc.boolean(), (there, ids, hasImage) => {
      let made = 0;
      const nextId = (): string => `n${made++}`;
      const world = new Map<string, ActualContainer[]>();
      for (const one of there)
        world.set(one.instance, [...(world.get(one.instance) ?? []), container({ ...one, id: nextId() })]);
      const images = new Set(hasImage ? ['web:2'] : []);
      const instances = new Map(ids.map((id, index) => [id, { ...assigned, slot: index + 1 }]));
      const desired: Desired = { ...NOTHING_WANTED, instances };
      const planNow = (): readonly Step[] =>
        planHost({ desired, actual: { ...NOTHING_THERE, containers: world, images }, memory: NO_MEMORY, nowMs: NOW });
      for (let pass = 0; pass < 30; pass++) for (const step of planNow()) act(world, images, step, nextId);
      expect(planNow()).toEqual([]);
      expect([...world.keys()].sort()).toEqual([...ids].sort());
      for (const [only, ...more] of world.values()) {
        expect(more).toEqual([]);
        expect(only).toMatchObject({ state: 'running', spec: '1:new' });
      }
    }),
  );
});
