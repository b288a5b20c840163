/** What the agent remembers of an instance, and what the plan makes of it. */
import { specHash } from '../../lib/release/spec-hash';
import { desiredOf, releaseOf } from '../../test/support/desired';
import { planHost } from './plan-host';
import { NOTHING_REMEMBERED, type ActualContainer, type ContainerState, type InstanceMemory } from './types';

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
  const container: ActualContainer = {
    ...{ id: 'c1', instance: ID, service: 'web', slot: 1, release: 1, spec: specHash(release.container) },
    ...{ state, health: 'none', stopGracePeriodMs: 0, ranForMs: 0, exit: { code: 1, oomKilled: false, atMs: 1 } },
    ports: [20_000, 8080].map((published, index) => ({ name: '', target: 80 + index, published, protocol: 'tcp' })),
  };
  const steps = planHost({
    desired: desiredOf({ [ID]: release }),
    actual: { containers: new Map([[ID, [container]]]), images: new Set() },
    memory: { instances: new Map([[ID, { ...free, lostPort }]]) },
    nowMs: NOW,
  });
  expect(steps.map(({ kind }) => kind).join()).toBe(kinds);
});

test.each<[string, Readonly<Record<string, InstanceMemory>>, readonly string[]]>([
  ['nobody pulls', {}, ['a']],
  ['another pulls it', { b: { ...free, inFlight: true, pulling: 'web:1' } }, []],
  ['another pulls another', { b: { ...free, inFlight: true, pulling: 'api:1' } }, ['a']],
  ['the pull of the first failed, and it waits', { a: { ...free, notBeforeMs: NOW + 1 } }, ['b']],
])('G6: an image is pulled for one instance at a time: %s', (_, memory, pulling) => {
  const web = releaseOf('web');
  const steps = planHost({
    desired: desiredOf({ a: web, b: web, c: web }),
    actual: { containers: new Map(), images: new Set() },
    memory: { instances: new Map(Object.entries(memory)) },
    nowMs: NOW,
  });
  expect(steps.map(({ instance }) => instance)).toEqual(pulling);
});
