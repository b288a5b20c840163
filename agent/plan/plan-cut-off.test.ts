/** What a cut from etcd means for a service that is not to run on a host that is cut off. */
import { actualOf, containerOf, exitOf } from '../../test/support/actual';
import { desiredOf, hookOf, releaseOf } from '../../test/support/desired';
import { specHash } from '../../lib/release/spec-hash';
import type { Release } from '../../lib/documents/types';
import { instancesOf, planHost } from './plan-host';
import { planInstance } from './plan-instance';
import { noLongerWanted } from './still-wanted';
import { NOTHING_REMEMBERED, runOf, type ActualContainer, type InstanceMemory } from './types';

const ID = 'web-1';
const withPolicy = (condition: string): Release => {
  const release = releaseOf('web', { policy: { condition } });
  return { ...release, deploy: { ...release.deploy, onDisconnect: { stopAfterMs: 30_000, replaceAfterMs: 0 } } };
};
const WEB = withPolicy('any');
const HASH = specHash(WEB.container);
const RUN = runOf(containerOf());
const exited = (code: number): Partial<ActualContainer> => ({ state: 'exited', exit: exitOf(code) });

interface Case {
  readonly container?: Partial<ActualContainer>;
  readonly memory?: Partial<InstanceMemory>;
  readonly release?: Release;
  readonly images?: readonly string[];
}
function inputOf({ container, memory = {}, release = WEB, images = ['web:1'] }: Case) {
  return {
    desired: desiredOf({ [ID]: release }),
    actual: actualOf(container === undefined ? [] : [containerOf({ spec: HASH, ...container })], images),
    memory: { instances: new Map([[ID, { ...NOTHING_REMEMBERED, ...memory }]]) },
    nowMs: 1000,
  };
}
function decisionOf(change: Case): string {
  const { step, waiting } = planInstance(instancesOf(inputOf(change))[0]!);
  return step === undefined ? `- ${waiting ?? ''}`.trim() : `${step.kind}: ${step.reason}`;
}

const STOPPED = 'cut off from etcd for longer than 30 s (on_disconnect: stop_after)';
const UNKNOWN = 'not started: etcd has not said since the agent began that it belongs here (on_disconnect: stop_after)';
const stopped: Partial<InstanceMemory> = { cutOff: 'stopped' };
const unstarted: Partial<InstanceMemory> = { cutOff: 'unstarted' };
const leave = { drainMs: 500, preStop: [hookOf('bye')], dependsOn: [] };

test.each<[string, Case, string]>([
  ['runs, and may', { container: {} }, '-'],
  ['runs, and is not to any more', { container: {}, memory: stopped }, `stop: ${STOPPED}`],
  ['has to drain', { container: { leave }, memory: stopped }, `drain: ${STOPPED}`],
  ['has drained', { container: { leave }, memory: { ...stopped, drained: 'c1' } }, `stop: ${STOPPED}`],
  ['is down', { container: exited(143), memory: stopped }, `- ${STOPPED}`],
  ['crashed', { container: exited(3), memory: stopped }, `- ${STOPPED}`],
  ['is not there', { memory: stopped }, `- ${STOPPED}`],
  ['is not there, nor its image', { memory: stopped, images: [] }, `- ${STOPPED}`],
  ['is of an older release, and runs', { container: { spec: '2:old' }, memory: stopped }, `stop: ${STOPPED}`],
  [
    'is of an older release, and is down',
    { container: { spec: '2:old', ...exited(0) }, memory: stopped },
    `- ${STOPPED}`,
  ],
  ['was paused in Docker by hand', { container: { state: 'paused' }, memory: stopped }, `- ${STOPPED}`],
  ['is unhealthy', { container: { health: 'unhealthy' }, memory: stopped }, `stop: ${STOPPED}`],
  ['runs, and the agent never had a lease', { container: {}, memory: unstarted }, '-'],
  ['is down, and the agent never had a lease', { container: exited(1), memory: unstarted }, `- ${UNKNOWN}`],
  ['is not there, and the agent never had a lease', { memory: unstarted }, `- ${UNKNOWN}`],
  [
    'is of an older release, and the agent never had a lease',
    { container: { spec: '2:old' }, memory: unstarted },
    `- ${UNKNOWN}`,
  ],
  [
    'comes back',
    { container: exited(143), memory: { cutRun: RUN } },
    'start: etcd is back, and the assignment still names it',
  ],
  [
    'comes back, and is never restarted else',
    { container: exited(0), memory: { cutRun: RUN }, release: withPolicy('none') },
    'start: etcd is back, and the assignment still names it',
  ],
  [
    'ended by itself, and is never restarted',
    { container: exited(0), memory: { cutRun: 'c1 0' }, release: withPolicy('none') },
    '- the restart policy is "none"',
  ],
])('an instance that %s', (_, change, decision) => {
  expect(decisionOf(change)).toBe(decision);
});

test('the stop says which run is to come back', () => {
  expect(planHost(inputOf({ container: {}, memory: stopped }))).toEqual([
    expect.objectContaining({ kind: 'stop', cutRun: RUN }),
  ]);
});

test('a drain goes on as long as the cut does', () => {
  const drain = planHost(inputOf({ container: { leave }, memory: stopped }));
  expect(drain.map(({ kind }) => kind)).toEqual(['drain']);
  expect(noLongerWanted(drain, inputOf({ container: { leave }, memory: stopped }))).toEqual([]);
  expect(noLongerWanted(drain, inputOf({ container: { leave } }))).toEqual(drain);
});
