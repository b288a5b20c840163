/** Pure: what a rollout may do in its phase. */
import type { Release, Rollout } from '../../lib/documents/types';
import type { Placement } from '../view';
import type { Course } from './course';

export interface Stage {
  /** The release that says how many instances there are now, and on which hosts. */
  readonly slotsOf: Release;
  /** What is beyond their number goes. */
  readonly isCounting: boolean;
  /** New instances that have passed take the place of old ones. */
  readonly isStepping: boolean;
  /** Slots without an instance get one of the target at once: there is nothing to protect. */
  readonly isFilling: boolean;
  /** How many may be of the target before others follow; undefined: none is to be made. */
  readonly upTo: number | undefined;
  /** Instances that have not passed yet, by id. */
  readonly watched: Rollout['watched'];
}

/** @param rollout undefined: none is under way */
export function stageOf(course: Course, rollout: Rollout | undefined, placements: readonly Placement[]): Stage {
  const stage = { ...unfrozen(course, rollout, placements), watched: rollout?.watched ?? {} };
  return course.isFrozen ? { ...stage, isStepping: false, upTo: undefined } : stage;
}

function unfrozen(
  course: Course,
  rollout: Rollout | undefined,
  placements: readonly Placement[],
): Omit<Stage, 'watched'> {
  const { kind, target, whole } = course;
  const phase = rollout?.phase ?? '';
  const onTarget = { slotsOf: target, isCounting: true, isStepping: true, isFilling: true, upTo: Infinity };
  const isStopped = phase === 'stopped';
  if (kind === 'refresh') return onTarget;
  if (kind === 'return') return isStopped ? { ...onTarget, isStepping: false, upTo: undefined } : onTarget;
  if (kind === 'first') {
    const hadJob = target.deploy.before === undefined || rollout?.beforeDone === true;
    const isOn = phase === 'moving' || (isStopped && hadJob);
    // After it failed, its agents go on trying, and it is whole once they succeed.
    const upTo = phase === 'moving' ? Infinity : undefined;
    return { slotsOf: target, isCounting: isOn, isStepping: isOn, isFilling: isOn, upTo };
  }
  if (phase === 'moving') return { ...onTarget, isFilling: false };
  const hasBegun = isStopped && placements.some(({ release }) => release === target.number);
  // What comes before the move takes nothing away: neither of the last whole release, nor of what came after it.
  const slotsOf = hasBegun ? target : (whole ?? target);
  const upTo = phase === 'canary' ? target.deploy.canary : undefined;
  return { slotsOf, isCounting: hasBegun, isStepping: false, isFilling: false, upTo };
}
