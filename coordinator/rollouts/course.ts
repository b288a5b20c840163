/** Pure: what every part of one service's rollout needs. */
import type { Release } from '../../lib/documents/types';
import { isAsHostSays } from '../releases/resolve-config';
import type { Placing } from '../schedule/placing';
import type { Fate } from '../schedule/types';
import { liveReportOf, type Placement } from '../view';
import type { Kind } from './aim';
import type { UpdateLimits } from './limits';
import { isDone, isReady } from './readiness';

export interface Course extends Placing {
  readonly kind: Kind;
  readonly limits: UpdateLimits;
  /** The last whole release, while it can be read. */
  readonly whole: Release | undefined;
  /** mod_revision of the service's document. */
  readonly modRevision: number;
  readonly isFrozen: boolean;
}

/** It serves, or has done what there was to do. */
export function isWell({ view }: Course, placement: Placement): boolean {
  const report = liveReportOf(view, placement);
  return isReady(report) || isDone(report);
}

export function fateOf({ fates, releases }: Course, placement: Placement): Fate {
  return fates.of(placement, releases.get(placement.release)).fate;
}

/** It is of another release than the target, or was made with other config than its host's, or is to leave its host. */
export function isOutdated(course: Course, placement: Placement): boolean {
  const { target, view } = course;
  return (
    placement.release !== target.number ||
    !isAsHostSays(target, placement, view.config) ||
    fateOf(course, placement) !== 'stays'
  );
}
