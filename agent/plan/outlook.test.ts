/** What the agent says that it will do next is what it then does. */
import type { Pause } from '../../lib/documents/types';
import { specHash } from '../../lib/release/spec-hash';
import { actualOf, containerOf, exitOf } from '../../test/support/actual';
import { desiredOf, releaseOf } from '../../test/support/desired';
import { outlookOf } from './outlook';
import { instancesOf, planHost, type HostInput } from './plan-host';
import { NOTHING_REMEMBERED, type ActualContainer, type Desired, type InstanceMemory, type StepKind } from './types';

const NOW = 1000;
const WALL = 1_800_000_000_000;
const ID = 'web-1';
const web = releaseOf('web');
const pause: Pause = { kind: 'service', name: 'web', untilMs: WALL + 60_000, reason: 'a look', by: 'me@here' };

interface Case {
  readonly desired?: Desired;
  readonly container?: Partial<ActualContainer>;
  readonly images?: readonly string[];
  readonly memory?: Partial<InstanceMemory>;
  readonly busy?: StepKind;
  readonly turn?: string;
}

function inputOf({ desired = desiredOf({ [ID]: web }), container, images = ['web:1'], memory = {} }: Case): HostInput {
  const containers = container === undefined ? [] : [containerOf({ spec: specHash(web.container), ...container })];
  const remembered = new Map([[ID, { ...NOTHING_REMEMBERED, ...memory }]]);
  return { desired, actual: actualOf(containers, images), memory: { instances: remembered }, nowMs: NOW };
}

function look(one: Case): string {
  const input = inputOf(one);
  const busy = new Map(one.busy === undefined ? [] : [[ID, one.busy]]);
  const turns = new Map(one.turn === undefined ? [] : [[ID, one.turn]]);
  const now = { busy, turns, nowMs: NOW, wallMs: WALL };
  const { step, underWay, inMs, reason } = outlookOf(instancesOf(input)[0]!, now);
  return `${step || 'nothing'}${underWay ? ' under way' : step === '' ? '' : ` in ${inMs}`}${reason === '' ? '' : `: ${reason}`}`;
}

const exited: Partial<ActualContainer> = { state: 'exited', exit: exitOf(3) };
const handsOff = 'paused until 2027-01-15T08:01:00Z with the service web by me@here: a look';

test.each<[string, Case, string]>([
  ['runs as wanted', { container: {} }, 'nothing'],
  ['nothing there', {}, 'create in 0: assigned to this host'],
  ['no image', { images: [] }, 'pull in 0: the image is not on this host'],
  [
    'no place for its pull',
    { images: [], turn: '8 pulls from docker.io at once' },
    'pull in 0: the image is not on this host; waits its turn: 8 pulls from docker.io at once',
  ],
  ['exited', { container: exited }, 'start in 0: exited with code 3'],
  [
    'exited, and its delay runs',
    { container: exited, memory: { restartNotBeforeMs: NOW + 12_000 } },
    'start in 12000: exited with code 3',
  ],
  ['a step failed', { memory: { notBeforeMs: NOW + 500.2, isFailing: true } }, 'create in 501: assigned to this host'],
  [
    'its delay is for restarts alone',
    { memory: { restartNotBeforeMs: NOW + 12_000 } },
    'create in 0: assigned to this host',
  ],
  ['being made', { busy: 'create', memory: { inFlight: true } }, 'create under way: assigned to this host'],
  ['being stopped for what is no reason any more', { container: {}, busy: 'stop' }, 'stop under way'],
  ['not assigned', { desired: desiredOf({}), container: {} }, 'stop in 0: the assignment leaves it out'],
  [
    'exited for good',
    { desired: desiredOf({ [ID]: releaseOf('web', { policy: { condition: 'none' } }) }), container: exited },
    'nothing: the restart policy is "none"',
  ],
  [
    'its release unreadable',
    { desired: desiredOf({ [ID]: 'garbage' }), container: {} },
    'nothing: left as it is: garbage',
  ],
  [
    'nobody says what should run',
    { desired: desiredOf({}, { isComplete: false }), container: {} },
    'nothing: held: no assignment document says what this host should run',
  ],
  [
    'paused, and well',
    { desired: desiredOf({ [ID]: web }, { pauses: [pause] }), container: {} },
    `nothing: ${handsOff}`,
  ],
  [
    'paused, and down',
    { desired: desiredOf({ [ID]: web }, { pauses: [pause] }), container: exited },
    `start in 60000: exited with code 3; ${handsOff}`,
  ],
  [
    'paused, down, and to wait for longer than that',
    {
      ...{ desired: desiredOf({ [ID]: web }, { pauses: [pause] }), container: exited },
      memory: { restartNotBeforeMs: NOW + 90_000 },
    },
    `start in 90000: exited with code 3; ${handsOff}`,
  ],
  [
    'a step under way when it was paused',
    { desired: desiredOf({ [ID]: web }, { pauses: [pause] }), busy: 'create', memory: { inFlight: true } },
    'create under way: assigned to this host',
  ],
])('%s', (_, one, told) => {
  expect(look(one)).toBe(told);
});

test('a step that is told for now is the step that is planned, and one for later is planned then', () => {
  let compared = 0;
  for (const container of [undefined, {}, exited, { spec: 'old' }])
    for (const images of [[], ['web:1']])
      for (const memory of [{}, { notBeforeMs: NOW + 700 }, { restartNotBeforeMs: NOW + 900 }]) {
        const input = inputOf({ ...(container && { container }), images, memory });
        const now = { busy: new Map(), turns: new Map(), nowMs: NOW, wallMs: WALL };
        const { step, inMs } = outlookOf(instancesOf(input)[0]!, now);
        const planned = (nowMs: number): string =>
          planHost({ ...input, nowMs })
            .map(({ kind }) => kind)
            .join();
        expect(planned(NOW + inMs)).toBe(step);
        if (inMs > 0) expect(planned(NOW + inMs - 1)).toBe('');
        compared++;
      }
  expect(compared).toBe(4 * 2 * 3);
});
