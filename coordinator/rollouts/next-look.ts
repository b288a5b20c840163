/** Pure: when a service is to be looked at again though nothing happens. */
import type { Rollout } from '../../lib/documents/types';
import type { Placement } from '../view';
import type { Course } from './course';
import { deadlineInMs } from './judge';

/** @returns undefined: whatever changes will be an event */
export function nextLookInMs(
  course: Course,
  rollout: Rollout | undefined,
  placements: readonly Placement[],
): number | undefined {
  const { fates, releases, limits, wallMs, isFrozen } = course;
  const times = placements.map((one) => fates.of(one, releases.get(one.release)).inMs);
  if (rollout !== undefined && !isFrozen) {
    const { watched, nextBatchAtMs } = rollout;
    times.push(deadlineInMs(course, rollout), nextBatchAtMs - wallMs);
    const { timeoutMs } = course.target.deploy.before ?? { timeoutMs: 0 };
    if (rollout.phase === 'before' && timeoutMs > 0) times.push(rollout.phaseSinceMs + timeoutMs - wallMs);
    for (const sinceMs of Object.values(watched)) if (sinceMs > 0) times.push(sinceMs + limits.monitorMs - wallMs);
  }
  const ahead = times.filter((inMs) => inMs !== undefined).filter((inMs) => inMs > 0);
  return ahead.length === 0 ? undefined : Math.min(...ahead);
}
