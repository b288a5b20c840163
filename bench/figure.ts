/** What a benchmark finds out, and whether it is within its budget. */
import type { Series } from './statistics';

export type Unit = 'µs' | 'ms' | 'MB' | '% of a core' | 'writes' | 'hosts';

export interface Value {
  readonly value: number;
  /** The middle half of the samples, where there are many. */
  readonly spread?: readonly [number, number];
}

export interface Figure {
  /** For people, short: "etcd put → running, p50 of 60". */
  readonly what: string;
  readonly unit: Unit;
  readonly measured: Value;
  /** Measured in the same run, so that a slow machine slows both. */
  readonly against: Value & { readonly what: string };
  /** The highest that is good: of the ratio to what it is compared with, or of the value itself. */
  readonly budget: { readonly of: 'ratio' | 'value'; readonly max: number };
}

export const ratioOf = ({ measured, against }: Figure): number => measured.value / against.value;

export function isOver(figure: Figure): boolean {
  const judged = figure.budget.of === 'ratio' ? ratioOf(figure) : figure.measured.value;
  // What is no number is no good news.
  return !(judged <= figure.budget.max);
}

export const median = ({ p50, p25, p75 }: Series): Value => ({ value: p50, spread: [p25, p75] });
