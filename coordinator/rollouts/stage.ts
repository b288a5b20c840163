/** Pure: what a rollout may do in its phase. */
import type { Release, Rollout } from '../../lib/documents/types';
import type { Placement } from '../view';
import type { Course } from './course';

export interface Stage {
  /** The release that says how many instances there are now, and on which hosts. */
  readonly slotsOf: Release;
  /** New instances that have passed take the place of old ones. */
  readonly isStepping: boolean;
  /** Slots without an instance get one of the target at once: there is nothing to protect. */
  readonly isFilling: boolean;
  /** How many may be of the target before others follow; undefined: none is to be made. */
  readonly upTo: number | undefined;
}

/** @param rollout undefined: none is under way */
export function stageOf(course: Course, rollout: Rollout | undefined, placements: readonly Placement[]): Stage {
  const stage = unfrozen(course, rollout, placements);
  return course.isFrozen ? { ...stage, isStepping: false, upTo: undefined } : stage;
}

function unfrozen(course: Course, rollout: Rollout | undefined, placements: readonly Placement[]): Stage {
  const { kind, target, whole } = course;
  const phase = rollout?.phase ?? '';
  if (kind === 'refresh') return { slotsOf: target, isStepping: true, isFilling: true, upTo: Infinity };
  if (kind === 'return') {
    const isMoving = phase !== 'stopped';
    return { slotsOf: target, isStepping: isMoving, isFilling: true, upTo: isMoving ? Infinity : undefined };
  }
  if (kind === 'first') {
    const isHeldBack = phase === 'stopped' && target.deploy.before !== undefined && rollout?.beforeDone !== true;
    const isOn = phase === 'moving' || (phase === 'stopped' && !isHeldBack);
    // After it failed, its agents go on trying, and it is whole once they succeed.
    return {
      slotsOf: target,
      isStepping: isOn,
      isFilling: isOn,
      upTo: phase === 'moving' ? Infinity : undefined,
    };
  }
  if (phase === 'moving') return { slotsOf: target, isStepping: true, isFilling: false, upTo: Infinity };
  const hasBegun = phase === 'stopped' && placements.some(({ release }) => release === target.number);
  const slotsOf = hasBegun ? target : (whole ?? target);
  const upTo = phase === 'canary' ? target.deploy.canary : undefined;
  return { slotsOf, isStepping: false, isFilling: false, upTo };
}
