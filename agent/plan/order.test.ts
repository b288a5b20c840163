import { actualOf, containerOf } from '../../test/support/actual';
import { desiredOf, releaseOf } from '../../test/support/desired';
import type { Release } from '../../lib/documents/types';
import { specHash } from '../../lib/release/spec-hash';
import { planHost } from './plan-host';
import { NOTHING_REMEMBERED, NOTHING_TO_LEAVE, type ActualContainer, type InstanceMemory } from './types';

const NOW = 100_000;

function service(name: string, ...dependsOn: readonly string[]): Release {
  const release = releaseOf(name);
  return { ...release, deploy: { ...release.deploy, dependsOn } };
}
const idOf = (name: string): string => `${name}-1`;

function running(name: string, change: Partial<ActualContainer> = {}): ActualContainer {
  const spec = specHash(service(name).container);
  return containerOf({ id: name, instance: idOf(name), service: name, spec, ...change });
}

function plan(
  wanted: readonly Release[],
  there: readonly ActualContainer[],
  memory: Readonly<Record<string, Partial<InstanceMemory>>> = {},
): string {
  const remembered = Object.entries(memory).map(
    ([name, one]) => [idOf(name), { ...NOTHING_REMEMBERED, wantedSinceMs: NOW, ...one }] as const,
  );
  return planHost({
    desired: desiredOf(Object.fromEntries(wanted.map((release) => [idOf(release.service), release]))),
    actual: actualOf(there, ['web:1']),
    memory: { instances: new Map(remembered) },
    nowMs: NOW,
  })
    .map(({ kind, instance }) => `${kind} ${instance}`)
    .join(', ');
}

test.each<[string, readonly Release[], readonly ActualContainer[], Parameters<typeof plan>[2], string]>([
  ['what is needed comes first', [service('api', 'db'), service('db')], [], {}, 'create db-1'],
  ['then what needs it', [service('api', 'db'), service('db')], [running('db')], {}, 'create api-1'],
  ['in a chain', [service('web', 'api'), service('api', 'db'), service('db')], [], {}, 'create db-1'],
  ['what is not on this host is not waited for', [service('api', 'db')], [], {}, 'create api-1'],
  [
    'nor what fails',
    [service('api', 'db'), service('db')],
    [],
    { db: { isFailing: true, notBeforeMs: NOW + 1 } },
    'create api-1',
  ],
  [
    'nor longer than a minute',
    [service('api', 'db'), service('db')],
    [],
    { api: { wantedSinceMs: NOW - 60_000 }, db: { inFlight: true } },
    'create api-1',
  ],
  [
    'but for a minute, if it must be',
    [service('api', 'db'), service('db')],
    [],
    { api: { wantedSinceMs: NOW - 59_000 }, db: { inFlight: true } },
    '',
  ],
  [
    'nor in a circle',
    [service('a', 'b'), service('b', 'c'), service('c', 'a')],
    [],
    {},
    'create a-1, create b-1, create c-1',
  ],
  ['nor for itself', [service('a', 'a')], [], {}, 'create a-1'],
  [
    'what exited is started at once',
    [service('api', 'db'), service('db')],
    [running('api', { state: 'exited' })],
    {},
    'start api-1, create db-1',
  ],
])('starts: %s', (_, wanted, there, memory, steps) => {
  expect(plan(wanted, there, memory)).toBe(steps);
});

const leaving = (name: string, ...dependsOn: readonly string[]): ActualContainer =>
  running(name, { leave: { ...NOTHING_TO_LEAVE, dependsOn } });

test.each<[string, readonly Release[], readonly ActualContainer[], Parameters<typeof plan>[2], string]>([
  ['what needs it goes first', [], [leaving('api', 'db'), leaving('db')], {}, 'stop api-1'],
  ['then what is needed', [], [running('api', { state: 'exited' }), leaving('db')], {}, 'remove api-1, stop db-1'],
  [
    'what needs it and stays is not waited for',
    [service('api', 'db')],
    [running('api'), leaving('db')],
    {},
    'stop db-1',
  ],
  [
    'nor what can not be stopped',
    [],
    [leaving('api', 'db'), leaving('db')],
    { api: { isFailing: true, notBeforeMs: NOW + 1 } },
    'stop db-1',
  ],
  ['nor in a circle', [], [leaving('a', 'b'), leaving('b', 'a')], {}, 'stop a-1, stop b-1'],
])('stops: %s', (_, wanted, there, memory, steps) => {
  expect(plan(wanted, there, memory)).toBe(steps);
});
