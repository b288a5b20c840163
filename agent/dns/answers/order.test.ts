import * as fc from 'fast-check';
import { shuffled } from './order';

/** Numbers in [0, 1), the same with every run: mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('everyone once, and near ones first', () => {
  fc.assert(
    fc.property(
      fc
        .nat(40)
        .chain((count) =>
          fc.tuple(
            fc.constant(count),
            fc.nat(count),
            fc.option(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: count, maxLength: count })),
            fc.nat(),
          ),
        ),
      ([count, near, weights, seed]) => {
        const order = shuffled(count, near, weights ?? undefined, seeded(seed));
        expect([...order].sort((a, b) => a - b)).toEqual([...Array(count).keys()]);
        expect(order.slice(0, near).every((one) => one < near)).toBe(true);
      },
    ),
  );
});

test.each<[string, readonly number[] | undefined, readonly number[]]>([
  ['alike', undefined, [1 / 4, 1 / 4, 1 / 4, 1 / 4]],
  ['by weight', [1, 2, 3, 4], [0.1, 0.2, 0.3, 0.4]],
  ['by weight, far apart', [1, 1, 1, 997], [0.001, 0.001, 0.001, 0.997]],
])('who is first: %s', (_, weights, shares) => {
  const random = seeded(1);
  const first = [0, 0, 0, 0];
  for (let turn = 0; turn < 20_000; turn++) first[shuffled(4, 4, weights, random)[0]!]!++;
  for (const [at, share] of shares.entries()) expect(Math.abs(first[at]! / 20_000 - share)).toBeLessThan(0.02);
});

test('the rest is drawn in the same way: of two that are left, by their weights', () => {
  const random = seeded(2);
  let second = 0;
  let turns = 0;
  for (let turn = 0; turn < 30_000; turn++) {
    const order = shuffled(3, 3, [1, 3, 6], random);
    if (order[0] !== 2) continue;
    turns++;
    if (order[1] === 1) second++;
  }
  expect(Math.abs(second / turns - 3 / 4)).toBeLessThan(0.02);
});
