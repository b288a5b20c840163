/** What the agent remembers of an instance, and what the plan makes of it. */
import { specHash } from '../../lib/release/spec-hash';
import { actualOf, containerOf, exitOf } from '../../test/support/actual';
import { desiredOf, releaseOf } from '../../test/support/desired';
import { planHost } from './plan-host';
import { NOTHING_REMEMBERED, type ContainerState, type InstanceMemory } from './types';

const NOW = 1000;
const ID = 'web-1';
const free = NOTHING_REMEMBERED;

/** The container has the host ports 20000, which was picked, and 8080, which is fixed. */
test.each<[string, InstanceMemory['lostPort'], ContainerState, string]>([
  ['none', undefined, 'exited', 'start'],
  ['the picked one', { containerId: 'c1', port: 20_000 }, 'exited', 'remove'],
  ['the fixed one', { containerId: 'c1', port: 8080 }, 'exited', 'start'],
  ['one that Docker did not name', { containerId: 'c1', port: undefined }, 'exited', 'remove'],
  ['that of an earlier container', { containerId: 'c0', port: 20_000 }, 'exited', 'start'],
  ['the picked one, and it runs all the same', { containerId: 'c1', port: 20_000 }, 'running', ''],
])('a lost host port: %s', (_, lostPort, state, kinds) => {
  const release = releaseOf('web', { hostPorts: [0, 8080] });
  const container = containerOf({
    ...{ spec: specHash(release.container), state, exit: exitOf(1) },
    ports: [20_000, 8080].map((published, index) => ({ name: '', target: 80 + index, published, protocol: 'tcp' })),
  });
  const steps = planHost({
    desired: desiredOf({ [ID]: release }),
    actual: actualOf([container]),
    memory: { instances: new Map([[ID, { ...free, lostPort }]]) },
    nowMs: NOW,
  });
  expect(steps.map(({ kind }) => kind).join()).toBe(kinds);
});

test.each<[string, Readonly<Record<string, InstanceMemory>>, readonly string[]]>([
  ['nobody pulls', {}, ['a']],
  ['another pulls it', { b: { ...free, inFlight: true, pulling: 'web:1' } }, []],
  ['another pulls another', { b: { ...free, inFlight: true, pulling: 'api:1' } }, ['a']],
  ['something else of the first failed, and it waits', { a: { ...free, notBeforeMs: NOW + 1 } }, ['b']],
  ['its pull failed, and all wait', { a: { ...free, failedPull: 'web:1', notBeforeMs: NOW + 1 } }, []],
  ['the waiting for its pull is over', { a: { ...free, failedPull: 'web:1', notBeforeMs: NOW } }, ['a']],
  ['another pull failed', { b: { ...free, failedPull: 'api:1', notBeforeMs: NOW + 1 } }, ['a']],
])('G6: an image is pulled for one instance at a time: %s', (_, memory, pulling) => {
  const web = releaseOf('web');
  const steps = planHost({
    desired: desiredOf({ a: web, b: web, c: web }),
    actual: actualOf([]),
    memory: { instances: new Map(Object.entries(memory)) },
    nowMs: NOW,
  });
  expect(steps.map(({ instance }) => instance)).toEqual(pulling);
});
