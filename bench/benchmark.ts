import type { Figure } from './figure';

/** What a run is told: fewer and shorter for a look, more and longer to be sure. */
export interface Effort {
  /** Pairs of single starts. */
  readonly starts: number;
  /** Rounds of fifty starts at once. */
  readonly rounds: number;
  readonly restSeconds: number;
  readonly pressureSeconds: number;
}

export interface Benchmark<Host> {
  readonly name: string;
  run(host: Host, effort: Effort, say: (text: string) => void): Promise<readonly Figure[]>;
}

/** Benchmarks that share one host: it is set up for the first of them, and taken away after the last. */
export interface Group<Host extends { close(): Promise<void> }> {
  open(say: (text: string) => void): Promise<Host>;
  readonly benchmarks: readonly Benchmark<Host>[];
}
