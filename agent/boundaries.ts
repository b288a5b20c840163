/**
 * Every point between two effects of the agent on the world: where a crash leaves things half done. Tests kill the
 * agent at each; production passes through.
 */
import type { StepKind } from './plan/types';

export const STEP_KINDS: readonly StepKind[] = [
  ...(['pull', 'create', 'start', 'post_start', 'update', 'restart', 'drain', 'stop', 'remove'] as const),
];

/**
 * What else the agent writes: its status in etcd; on disk the desired state, its memory, and which images it pulled; and
 * that the endpoint of what is about to be stopped is gone from etcd.
 */
export const WRITES = ['status', 'desired-copy', 'memory-copy', 'image-notes', 'withdraw'] as const;

export type Boundary =
  | `${StepKind | (typeof WRITES)[number]}.${'before' | 'after'}`
  /** Between the two calls of a creation. */
  | 'create.created'
  /** Between the note that a `before` job is begun, and its start. */
  | 'job.begun'
  /** Between the pre_stop hooks and the drain time. */
  | 'drain.hooked';

export const BOUNDARIES: readonly Boundary[] = [
  ...[...STEP_KINDS, ...WRITES].flatMap((what): Boundary[] => [`${what}.before`, `${what}.after`]),
  ...(['create.created', 'job.begun', 'drain.hooked'] as const),
];

/** Told of every boundary as it is passed. */
export type OnBoundary = (boundary: Boundary) => void;
