import { recordLog } from '../test/support/recorded-log';
import { createFakeClock } from '../test/support/fake-clock';
import type { Pause } from './documents/types';
import { Pauses } from './pauses';

const fake = createFakeClock();
let wallJumpMs: number;
const clock = { ...fake, wallMs: (): number => fake.wallMs() + wallJumpMs };
let pauses: Pauses;
let lines: ReturnType<typeof recordLog>['lines'];
beforeEach(() => {
  wallJumpMs = 0;
  const { log, lines: recorded } = recordLog(clock);
  lines = recorded;
  pauses = new Pauses(clock, log);
});

const forMs = (ms: number, name = 'web'): Pause => ({
  ...{ kind: 'service', name, untilMs: clock.wallMs() + ms, reason: 'a look', by: 'me@here' },
});

test('a pause is in force until its end', () => {
  const [short, long] = [forMs(1000), forMs(5000, 'api')];
  expect(pauses.inForce([short, long])).toEqual([short, long]);
  expect(pauses.nextEndMs()).toBe(clock.monotonicMs() + 1000);
  fake.jump(999);
  expect(pauses.inForce([short, long])).toEqual([short, long]);
  fake.jump(1);
  expect(pauses.inForce([short, long])).toEqual([long]);
  fake.jump(4000);
  expect(pauses.inForce([short, long])).toEqual([]);
  expect(pauses.nextEndMs()).toBeUndefined();
});

test.each([
  ['forth', 86_400_000],
  ['back', -86_400_000],
])('a wall clock that jumps %s neither ends nor prolongs it', (_, byMs) => {
  const pause = forMs(1000);
  pauses.inForce([pause]);
  wallJumpMs = byMs;
  expect(pauses.inForce([pause])).toEqual([pause]);
  fake.jump(1000);
  expect(pauses.inForce([pause])).toEqual([]);
});

test('one that was over before it was seen is not in force', () => {
  expect(pauses.inForce([forMs(0)])).toEqual([]);
});

test('another end counts from now on', () => {
  pauses.inForce([forMs(1000)]);
  const longer = forMs(9000);
  pauses.inForce([longer]);
  fake.jump(8999);
  expect(pauses.inForce([longer])).toEqual([longer]);
});

test('what begins, changes and ends is said once', () => {
  const pause = forMs(1000);
  for (let pass = 0; pass < 3; pass++) pauses.inForce([pause]);
  const longer = forMs(2000);
  pauses.inForce([longer]);
  fake.jump(2000);
  for (let pass = 0; pass < 3; pass++) pauses.inForce([longer]);
  expect(lines.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^hands off service web: paused until 2\d{3}-.*Z$/),
    expect.stringMatching(/^hands off service web: paused until 2\d{3}-.*Z$/),
    'the pause of service web has ended',
  ]);
  expect(lines[0]!.fields).toMatchObject({ by: 'me@here', reason: 'a look' });
});
