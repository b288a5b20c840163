import { actualOf } from '../../test/support/actual';
import { desiredOf, prefetchOf, releaseOf } from '../../test/support/desired';
import type { Pause, Release } from '../../lib/documents/types';
import { planHost } from './plan-host';
import { prefetchStatus } from './prefetch';
import { noLongerWanted } from './still-wanted';
import { NOTHING_REMEMBERED, type InstanceMemory, type PullStep, type StepKind } from './types';

const NOW = 1000;
const NEXT = releaseOf('web', { number: 8, image: 'web:2' });
const NAME = 'web@8';
const never = (release: Release): Release => ({ ...release, container: { ...release.container, pullPolicy: 'never' } });
const pauseOf = (kind: string, name: string): Pause => ({ kind, name, untilMs: 2e12, reason: 'a look', by: '' });

interface Case {
  readonly wish?: Release | string;
  readonly images?: readonly string[];
  readonly memory?: Readonly<Record<string, Partial<InstanceMemory>>>;
  readonly pauses?: readonly Pause[];
  readonly busy?: Readonly<Record<string, StepKind>>;
  readonly turns?: Readonly<Record<string, string>>;
  readonly errors?: Readonly<Record<string, string>>;
}

const failureIn = (error: string | undefined) => (error === undefined ? undefined : { error, tries: 1 });

function inputOf({ wish = NEXT, images = [], memory = {}, pauses = [], ...rest }: Case) {
  const instances = new Map(Object.entries(memory).map(([id, one]) => [id, { ...NOTHING_REMEMBERED, ...one }]));
  const { busy = {}, turns = {}, errors = {} } = rest;
  return {
    desired: desiredOf({}, { prefetch: prefetchOf(wish), pauses }),
    actual: actualOf([], images),
    memory: {
      instances,
      failureOf: (id: string) => failureIn(errors[id]),
      pullFailureOf: (image: string) => failureIn(errors[image]),
      progressOf: (id: string) => (id in busy ? '1 of 2 MB' : ''),
    },
    busy: new Map(Object.entries(busy)),
    turns: new Map(Object.entries(turns)),
    nowMs: NOW,
  };
}
const stepsOf = (change: Case): readonly string[] =>
  planHost(inputOf(change)).map(({ kind, instance }) => `${kind} ${instance}`);

test.each<[string, Case, readonly string[]]>([
  ['an image that is not there', {}, [`pull ${NAME}`]],
  ['one that is there', { images: ['web:2'] }, []],
  ['one that is not to be pulled', { wish: never(NEXT) }, []],
  ['one whose release is not known', { wish: 'not read yet' }, []],
  ['one that is being pulled', { memory: { [NAME]: { inFlight: true, pulling: 'web:2' } } }, []],
  ['one that an instance pulls', { memory: { 'web-1': { inFlight: true, pulling: 'web:2' } } }, []],
  ['one that failed, until its time', { memory: { [NAME]: { notBeforeMs: NOW + 1 } } }, []],
  ['one that failed, at its time', { memory: { [NAME]: { notBeforeMs: NOW } } }, [`pull ${NAME}`]],
  ['one that failed for an instance', { memory: { 'web-1': { failedPull: 'web:2', notBeforeMs: NOW + 1 } } }, []],
  ['on a paused host', { pauses: [pauseOf('host', 'h1')] }, []],
  ['of a paused service', { pauses: [pauseOf('service', 'web')] }, []],
  ['of a service that is not paused', { pauses: [pauseOf('service', 'api')] }, [`pull ${NAME}`]],
])('%s', (_, change, steps) => {
  expect(stepsOf(change)).toEqual(steps);
});

test('what instances need goes first, and one pull is for both', () => {
  const others = [releaseOf('a', { image: 'a:1' }), releaseOf('z', { image: 'z:1' })];
  const desired = desiredOf({ 'web-1': NEXT, 'z-1': others[1]! }, { prefetch: prefetchOf(NEXT, ...others) });
  const steps = planHost({ ...inputOf({}), desired });
  expect(steps.map(({ kind, instance }) => `${kind} ${instance}`)).toEqual(['pull web-1', 'pull z-1', 'pull a@1']);
});

test.each([
  ['is still named', { prefetch: prefetchOf(NEXT) }, 0],
  ['is named no more', {}, 1],
])('a pull goes on as long as its release %s', (_, rest, calledOff) => {
  const pull: PullStep = { kind: 'pull', instance: NAME, release: NEXT, specHash: '', reason: '' };
  expect(noLongerWanted([pull], { ...inputOf({}), desired: desiredOf({}, rest) })).toHaveLength(calledOff);
});

const failed = (message: string): object => ({ done: false, failed: true, message });
const waits = (message: string): object => ({ done: false, failed: false, message });

test.each<[string, Case, object]>([
  ['there', { images: ['web:2'] }, { done: true, failed: false, message: '' }],
  ['not begun', {}, waits('')],
  ['under way', { busy: { [NAME]: 'pull' } }, waits('1 of 2 MB')],
  [
    'under way for an instance',
    { busy: { 'web-1': 'pull' }, memory: { 'web-1': { inFlight: true, pulling: 'web:2' } } },
    waits('1 of 2 MB'),
  ],
  [
    'without a place',
    { turns: { [NAME]: '8 pulls from docker.io at once' } },
    waits('a rollout will need the image here; waits its turn: 8 pulls from docker.io at once'),
  ],
  ['failed', { errors: { [NAME]: 'pull failed: no such image' } }, failed('pull failed: no such image')],
  [
    'failed, and tried again',
    { errors: { [NAME]: 'pull failed: gone' }, busy: { [NAME]: 'pull' } },
    failed('pull failed: gone'),
  ],
  ['failed for an instance', { errors: { 'web:2': 'pull failed: gone' } }, failed('pull failed: gone')],
  ['failed once, and there', { errors: { [NAME]: 'pull failed: gone' }, images: ['web:2'] }, { done: true }],
  ['not to be pulled', { wish: never(NEXT) }, failed('web:2 is not on this host, and pull_policy is "never"')],
  ['not to be pulled, and there', { wish: never(NEXT), images: ['web:2'] }, { done: true, failed: false }],
  ['of a release that is not known', { wish: 'release web@1 is not read yet' }, waits('release web@1 is not read yet')],
  ['paused', { pauses: [pauseOf('host', 'h1')] }, waits('paused until 2033-05-18T03:33:20Z with the host h1: a look')],
])('says of an image: %s', (_, change, said) => {
  const status = prefetchStatus(inputOf(change));
  expect(Object.values(status)).toEqual([expect.objectContaining(said)]);
});
