/** Pure: from one phase of a rollout to the next, as far as it goes now. */
import type { Rollout } from '../../lib/documents/types';
import type { Course } from './course';
import { areCanariesWell } from './judge';

/** What the phases ask of the world. */
export interface Signals {
  /** For which services it waits, for people; empty: for none. */
  readonly waitsFor: string;
  /** Takes a place among the rollouts. @returns false when there is none */
  readonly takePlace: () => boolean;
  /** The `before` job has nothing more to do: it succeeded, or there is none. */
  readonly isJobDone: boolean;
  /** What the `before` job waits for, for people. */
  readonly job: string;
  /** Which hosts have no image yet, for people; empty: none. */
  readonly prefetch: string;
  /** There is an instance that is to be replaced. */
  readonly isAnythingOld: boolean;
  /** Number of the release whose canaries an operator has promoted. */
  readonly promoted: number;
}

/** A phase that has nothing to do is passed through at once. */
export function advance(course: Course, before: Rollout, signals: Signals): Rollout {
  if (course.isFrozen) return before;
  let rollout = before;
  for (;;) {
    const next = step(course, rollout, signals);
    if (next.phase === rollout.phase) return next;
    rollout = { ...next, phaseSinceMs: course.wallMs };
  }
}

function step(course: Course, rollout: Rollout, signals: Signals): Rollout {
  switch (rollout.phase) {
    case 'waiting':
      return waiting(course, rollout, signals);
    case 'before':
      if (!signals.isJobDone) return { ...rollout, reason: signals.job };
      return { ...rollout, phase: 'prefetching', beforeDone: true, job: '', reason: '' };
    case 'prefetching':
      return { ...rollout, phase: signals.prefetch === '' ? 'canary' : 'prefetching', reason: signals.prefetch };
    case 'canary':
      return canary(course, rollout, signals);
    default:
      return rollout;
  }
}

function waiting({ kind, wallMs }: Course, rollout: Rollout, { waitsFor, takePlace }: Signals): Rollout {
  if (waitsFor !== '') return { ...rollout, reason: waitsFor };
  // A service that runs nothing yet disturbs nobody.
  if (kind === 'update' && !takePlace())
    return { ...rollout, reason: 'waits for its turn: as many rollouts as may be at once are under way' };
  return { ...rollout, phase: 'before', startedAtMs: wallMs, reason: '' };
}

function canary({ target, whole, kind, ...course }: Course, rollout: Rollout, signals: Signals): Rollout {
  const { canary: count, autoPromote, mode } = target.deploy;
  const isBesideNothing = !signals.isAnythingOld && Object.keys(rollout.watched).length === 0;
  const isNeedless = count === 0 || kind !== 'update' || whole?.deploy.mode !== mode || isBesideNothing;
  if (isNeedless) return { ...rollout, phase: 'moving', reason: '' };
  if (!areCanariesWell(course, rollout)) {
    return { ...rollout, reason: `${count === 1 ? 'the canary is' : `${count} canaries are`} watched` };
  }
  if (!autoPromote && signals.promoted !== rollout.to) {
    const words = count === 1 ? 'the canary is' : 'the canaries are';
    return { ...rollout, reason: `${words} well and waits for "berth promote ${target.service}"` };
  }
  const nextBatchAtMs = course.wallMs + course.limits.delayMs;
  // A promotion is an operator's decision: the time that it took counts against no deadline.
  return {
    ...{ ...rollout, phase: 'moving', promoted: true, watched: {}, reason: '' },
    ...{ startedAtMs: course.wallMs, nextBatchAtMs },
  };
}
