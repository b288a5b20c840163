import { actualOf, containerOf, exitOf } from '../../test/support/actual';
import { desiredOf, jobReleaseOf, withJob } from '../../test/support/desired';
import { instancesOf, planHost } from './plan-host';
import { planInstance } from './plan-instance';
import { NOTHING_REMEMBERED, type ActualContainer, type ContainerState, type InstanceMemory } from './types';

const ID = 'web-before-8';
const RELEASE = jobReleaseOf('web', { number: 8 });
const STATES: readonly ContainerState[] = ['created', 'running', 'paused', 'restarting', 'exited', 'dead', 'removing'];

interface Case {
  readonly container?: Partial<ActualContainer>;
  readonly memory?: Partial<InstanceMemory>;
  readonly images?: readonly string[];
  readonly isWanted?: boolean;
}

function inputOf({ container, memory = {}, images = ['web:1'], isWanted = true }: Case) {
  const made = container && [containerOf({ instance: ID, slot: 0, release: 8, spec: 'job-2:x', ...container })];
  return {
    desired: isWanted ? withJob(desiredOf({}), ID, RELEASE) : desiredOf({}),
    actual: actualOf(made ?? [], images),
    memory: { instances: new Map([[ID, { ...NOTHING_REMEMBERED, ...memory }]]) },
    nowMs: 1000,
  };
}
function decisionOf(change: Case): string {
  const input = inputOf(change);
  const { step, waiting } = planInstance(instancesOf(input)[0]!);
  return step === undefined ? `- ${waiting ?? ''}`.trim() : step.kind;
}
const exited = (code: number): Partial<ActualContainer> => ({ state: 'exited', exit: exitOf(code) });

test.each<[string, Case, string]>([
  ['new', {}, 'create'],
  ['new, without its image', { images: [] }, 'pull'],
  [
    'begun, and its container is gone',
    { memory: { isBegun: true } },
    '- it was begun, and somebody removed its container; a before job is run once',
  ],
  ['made by an agent that died before it began it', { container: { state: 'created' } }, 'remove'],
  [
    'begun a moment ago, and Docker has not said that it runs',
    { container: { state: 'created' }, memory: { isBegun: true, mayStillStart: true } },
    '- Docker was told to start it and has not said that it did; a before job is run once',
  ],
  ['begun long ago, and never started', { container: { state: 'created' }, memory: { isBegun: true } }, 'remove'],
  ['runs', { container: {} }, '-'],
  ['runs, and is what another release says', { container: { spec: 'job-2:other', release: 7 } }, '-'],
  ['runs, and is unhealthy', { container: { health: 'unhealthy' } }, '-'],
  ['has succeeded', { container: exited(0) }, '- it has run: exited with code 0; a before job is run once'],
  ['has failed', { container: exited(3) }, '- it has run: exited with code 3; a before job is run once'],
  ['is wanted no more while it runs', { container: {}, isWanted: false }, 'stop'],
  ['is wanted no more', { container: exited(0), isWanted: false }, 'remove'],
])('a job that %s', (_, change, decision) => {
  expect(decisionOf(change)).toBe(decision);
});

test('no state and no memory leads to a second start: what has run is started by nothing, and made anew by nothing', () => {
  for (const state of STATES)
    for (const isBegun of [true, false])
      for (const mayStillStart of [true, false]) {
        const memory = { isBegun, mayStillStart };
        const exit = state === 'exited' ? exited(1) : { state };
        const [step] = planHost(inputOf({ container: exit, memory }));
        expect(['remove', undefined]).toContain(step?.kind);
        // What may have run is removed by nobody, or it would be made anew.
        if (step?.kind === 'remove' && state !== 'dead')
          expect([state, step]).toEqual(['created', expect.objectContaining({ hasNotRun: true })]);
      }
  expect(planHost(inputOf({ memory: { isBegun: true } }))).toEqual([]);
});
