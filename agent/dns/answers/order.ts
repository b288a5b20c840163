/**
 * A fresh order for each answer. The first `near` come first; within each of the two groups, everyone is first as often as its
 * weight says (Efraimidis and Spirakis, "Weighted random sampling with a reservoir": the keys u^(1/w) from the highest down).
 * @param weights undefined: all alike
 * @param random numbers in [0, 1)
 * @returns a permutation of 0 … count−1
 */
export function shuffled(
  count: number,
  near: number,
  weights: readonly number[] | undefined,
  random: () => number,
): readonly number[] {
  const order: number[] = [];
  for (let at = 0; at < count; at++) order.push(at);
  if (weights === undefined) {
    mix(order, 0, near, random);
    mix(order, near, count, random);
    return order;
  }
  // −ln(1−u)/w from the lowest up is the same order, and never of an infinite number.
  const keys = weights.map((weight) => -Math.log(1 - random()) / weight);
  return order.sort((a, b) => Number(a >= near) - Number(b >= near) || keys[a]! - keys[b]!);
}

/** Fisher and Yates. */
function mix(order: number[], from: number, to: number, random: () => number): void {
  for (let last = to - 1; last > from; last--) {
    const other = from + Math.floor(random() * (last - from + 1));
    const one = order[last]!;
    order[last] = order[other]!;
    order[other] = one;
  }
}
