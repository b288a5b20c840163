import assert from 'node:assert/strict';

/** What a series of measurements comes to; all in the unit of the samples. */
export interface Series {
  readonly count: number;
  readonly p50: number;
  /** The middle half lies between these two: how far a figure can be trusted. */
  readonly p25: number;
  readonly p75: number;
  readonly p99: number;
}

/** @param samples at least one, in any order */
export function summarise(samples: readonly number[]): Series {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number): number => quantile(sorted, share);
  return { count: sorted.length, p50: at(0.5), p25: at(0.25), p75: at(0.75), p99: at(0.99) };
}

/** Linear between neighbours, as R's type 7 and numpy's default have it. */
function quantile(sorted: readonly number[], share: number): number {
  assert.ok(sorted.length > 0, 'a series of nothing');
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (above - below) * (place - Math.floor(place));
}
