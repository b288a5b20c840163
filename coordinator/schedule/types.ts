import type { Release } from '../../lib/documents/types';
import type { HostView } from '../view';

/** What is taken on a host by the instances that are placed there. */
export interface HostUsage {
  nanoCpus: number;
  memoryBytes: number;
  instances: number;
  /** Instances of each service. */
  readonly ofService: Map<string, number>;
  /** Fixed host ports: "port/protocol". */
  readonly ports: Map<string, string>;
}

export interface Candidate {
  readonly host: HostView;
  readonly usage: HostUsage;
}

/** One rule that a host has to pass before an instance may be placed there. */
export interface Filter {
  readonly name: string;
  check(candidate: Candidate, release: Release): boolean;
  /** Of a host that does not pass: why, for people. */
  explain(candidate: Candidate, release: Release): string;
}
