const STEPS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
];

/** @returns "4 d 3 h", "12 s", "0.4 s": its two largest units, rounded down */
export function describeDuration(ms: number): string {
  if (ms < 1000) return `${(ms / 1000).toFixed(1)} s`;
  const first = STEPS.findIndex(([, each]) => ms >= each);
  const [unit, each] = STEPS[first]!;
  const [smaller, smallerEach] = STEPS[first + 1] ?? ['', Infinity];
  const rest = Math.floor((ms % each) / smallerEach);
  return `${Math.floor(ms / each)} ${unit}${rest > 0 ? ` ${rest} ${smaller}` : ''}`;
}
