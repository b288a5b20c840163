import * as fc from 'fast-check';
import { KEPT, UNTRIED, adopted, afterTry, delayMs, type ProbeRules, type ProbeState } from './probe-state';

const RULES: ProbeRules = { intervalMs: 1000, startPeriodMs: 0, failures: 3, successes: 1 };

/** "+" is a success, "-" a failure; one try every 1000 ms, the first at `fromMs`. @returns "s", "h" or "u" after each */
function healths(tries: string, rules: Partial<ProbeRules>, from: ProbeState = UNTRIED, fromMs = 1000): string {
  let state = from;
  return [...tries]
    .map((one, index) => {
      state = afterTry(state, { ...RULES, ...rules }, one === '+' ? undefined : 'no', fromMs + index * 1000);
      return state.health[0];
    })
    .join('');
}

test.each<[string, string, string, Partial<ProbeRules>?, ProbeState?, number?]>([
  ['one success is enough', '+', 'h'],
  ['three failures in a row make it unhealthy', '+---', 'hhhu'],
  ['a success in between begins anew', '+--+--+', 'hhhhhhh'],
  ['one success heals', '+---+', 'hhhuh'],
  ['one that never answers', '---', 'ssu'],
  ['one failure, when one is enough', '+-+-', 'huhu', { failures: 1 }],
  ['two successes in a row', '+-++', 'sssh', { successes: 2 }],
  ['two successes to heal', '++---+-++', 'shhhuuuuh', { successes: 2 }],
  ['a start period of 3 s: what fails at 1 s and 2 s does not count', '-----', 'ssssu', { startPeriodMs: 3000 }],
  ['the first success ends the start period', '-+---', 'shhhu', { startPeriodMs: 60_000 }],
  ['also when one success is not enough', '+---', 'sssu', { startPeriodMs: 60_000, successes: 2 }],
  ['nothing counts during the first interval', '----', 'sssu', {}, UNTRIED, 0],
  ['nothing counts during the first interval, even if one failure is enough', '--', 'su', { failures: 1 }, UNTRIED, 0],
  [
    'adopted: one success is enough, whatever the release says',
    '+',
    'h',
    { successes: 5 },
    adopted({ ...RULES, successes: 5 }),
  ],
  ['adopted: failures count from the first', '---', 'ssu', {}, adopted(RULES), 1e9],
  ['adopted: after a failure the release says', '-++', 'ssh', { successes: 2 }, adopted({ ...RULES, successes: 2 })],
  ['kept: healthy until it has failed often enough', '---', 'hhu', {}, KEPT],
  ['kept: failures count, start period or not', '---', 'hhu', { startPeriodMs: 60_000 }, KEPT, 0],
])('%s', (_, tries, expected, rules = {}, from = UNTRIED, fromMs = 1000) => {
  expect(healths(tries, rules, from, fromMs)).toBe(expected);
});

test('the reason is that of the last failure, and gone with a success', () => {
  const failed = afterTry(afterTry(UNTRIED, RULES, 'first', 5000), RULES, 'second', 6000);
  expect(failed.reason).toBe('second');
  expect(afterTry(failed, RULES, undefined, 7000).reason).toBe('');
});

test('whatever comes: healthy and unhealthy only after so many in a row, and after so many always', () => {
  const rulesArbitrary = fc.record({
    intervalMs: fc.integer({ min: 1, max: 5000 }),
    startPeriodMs: fc.integer({ min: 0, max: 20_000 }),
    failures: fc.integer({ min: 1, max: 4 }),
    successes: fc.integer({ min: 1, max: 4 }),
  });
  const tryArbitrary = fc.record({ isGood: fc.boolean(), afterMs: fc.integer({ min: 1, max: 5000 }) });
  fc.assert(
    fc.property(rulesArbitrary, fc.array(tryArbitrary, { maxLength: 40 }), (rules, tries) => {
      let state = UNTRIED;
      let ranForMs = 0;
      let [good, bad, hasSucceeded] = [0, 0, false];
      for (const { isGood, afterMs } of tries) {
        ranForMs += afterMs;
        const before = state.health;
        state = afterTry(state, rules, isGood ? undefined : 'no', ranForMs);
        hasSucceeded ||= isGood;
        const counts = hasSucceeded || ranForMs >= Math.max(rules.startPeriodMs, rules.intervalMs);
        good = isGood ? good + 1 : 0;
        bad = isGood ? 0 : bad + (counts ? 1 : 0);
        const expected = good >= rules.successes ? 'healthy' : bad >= rules.failures ? 'unhealthy' : before;
        expect(state.health).toBe(expected);
      }
    }),
  );
});

describe('the delay to the next try', () => {
  const delays = (tries: string, random: number, fromMs: number, rules = RULES): readonly number[] => {
    let state = UNTRIED;
    let nowMs = fromMs;
    return [...tries].map((one) => {
      const before = state;
      state = afterTry(before, rules, one === '+' ? undefined : 'no', nowMs);
      const ms = Math.round(delayMs(before, state, rules, random));
      nowMs += ms;
      return ms;
    });
  };

  test('is the interval, give or take 5 %', () => {
    expect(delays('---', 0, 9000)).toEqual([950, 950, 950]);
    expect(delays('---', 0.999999, 9000)).toEqual([1050, 1050, 1050]);
  });

  test('grows to the interval while failures do not count', () => {
    expect(delays('-------', 0.5, 10, { ...RULES, startPeriodMs: 5000 })).toEqual([
      100, 200, 400, 800, 1000, 1000, 1000,
    ]);
  });

  test.each([0, 0.25, 0.75])('is any part of the interval after the first success: %d', (random) => {
    expect(delays('+', random, 10)).toEqual([1000 * random]);
    expect(delays('++', 0.5, 10)[1]).toBe(1000);
  });
});
