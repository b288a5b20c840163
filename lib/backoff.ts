export interface BackoffLimits {
  /** Delay of the first attempt, milliseconds. */
  readonly baseMs: number;
  /** No delay is longer. */
  readonly capMs: number;
}

/**
 * Exponential backoff with jitter.
 * @param attempt 1 for the first retry
 * @param random a number in [0, 1)
 * @returns milliseconds: base × 2^(attempt−1), capped, times a factor in [0.5, 1)
 */
export function backoffMs(attempt: number, limits: BackoffLimits, random: () => number): number {
  const full = Math.min(limits.capMs, limits.baseMs * 2 ** Math.min(attempt - 1, 30));
  return full * (0.5 + random() / 2);
}
