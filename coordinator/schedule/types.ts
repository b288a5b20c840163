import type { InstanceStatus, Problem, Release } from '../../lib/documents/types';
import type { ConfigUse } from '../compose/templates';
import type { ClusterView, HostView, Placement } from '../view';
import type { Turns } from '../rollouts/turns';
import type { Brakes } from './brakes';
import type { PauseIndex } from './pauses';
import type { HostUsage, Usage } from './usage';

export interface Candidate {
  readonly host: HostView;
  readonly usage: HostUsage;
  /** How many instances of the slot in hand are there already, and leave when it is filled. */
  readonly ofSlot?: number;
}

/** One rule that a host has to pass before an instance may be placed there. */
export interface Filter {
  readonly name: string;
  check(candidate: Candidate, release: Release): boolean;
  /** Of a host that does not pass: why, for people. */
  explain(candidate: Candidate, release: Release): string;
}

/** What the document of a service says, compiled; or why it can't be used. */
export type CompiledService =
  | {
      readonly ok: true;
      readonly container: Release['container'];
      readonly deploy: Release['deploy'];
      /** Where it takes keys of config by name. */
      readonly uses?: readonly ConfigUse[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** What a host says of one instance. */
export interface InstanceReport {
  readonly host: HostView;
  readonly id: string;
  readonly status: InstanceStatus;
}

/** What is known of one service when it is planned. */
export interface ServiceInput {
  readonly service: string;
  readonly view: ClusterView;
  /** Undefined when its key is gone. */
  readonly document: { readonly compiled: CompiledService; readonly modRevision: number } | undefined;
  /** In force. */
  readonly pauses: PauseIndex;
  /** All of the service's placements, as they are. */
  readonly placements: readonly Placement[];
  /** @returns what hosts say of the service's instances, placed or not. Sorted by host. */
  readonly reports: () => readonly InstanceReport[];
  /** What is taken on each host, by all services. Kept up as instances are placed and removed. */
  readonly usage: Usage;
  readonly fates: Fates;
  readonly brakes: Brakes;
  /** Places among the rollouts that are under way at once. */
  readonly turns: Turns;
  /** Numbers in [0, 1), for ids of instances. */
  readonly random: () => number;
  readonly wallMs: number;
}

/**
 * What the host means for an instance that is placed there: it stays; it is to move, within the limits of updates;
 * or it is lost, and is replaced at once.
 */
export type Fate = 'stays' | 'leaves' | 'lost';

export interface Fates {
  /** @returns with `inMs`, when 'stays' becomes 'lost' if nothing happens */
  of(placement: Placement, release: Release | undefined): { readonly fate: Fate; readonly inMs?: number };
}
