import { describeDuration } from './duration-text';

test.each([
  [0, '0.0 s'],
  [440, '0.4 s'],
  [1000, '1 s'],
  [12_900, '12 s'],
  [60_000, '1 min'],
  [130_000, '2 min 10 s'],
  [3_600_000, '1 h'],
  [3_659_000, '1 h'],
  [11_520_000, '3 h 12 min'],
  [90_000_000, '1 d 1 h'],
  [30 * 86_400_000, '30 d'],
])('%d ms: %s', (ms, text) => {
  expect(describeDuration(ms)).toBe(text);
});
