/** Pure: what has become of the instances that a rollout made, and whether it has failed. */
import type { Rollout } from '../../lib/documents/types';
import { enoughFor } from '../compose/rollout';
import { reportOf, type Placement } from '../view';
import { whyJobFailed } from './before-job';
import { isWell, type Course } from './course';
import { isDone, whyFailed } from './readiness';

/** Of failed instances, this many are kept for people to see. */
const MAX_FAILURES = 100;
/** Of these, the last lines of their logs, too. */
const MAX_LAST_EXITS = 3;

export interface Verdict {
  readonly rollout: Rollout;
  /** Why the rollout as a whole has failed, for people; undefined: it has not. */
  readonly failure: string | undefined;
}

/** @param placements of the service, jobs aside */
export function judge(
  course: Course,
  before: Rollout,
  placements: readonly Placement[],
  jobs: readonly Placement[],
): Verdict {
  const rollout = watch(course, upToNow(before, course), placements);
  const failure = failureOf(course, rollout, placements) ?? whyJobFailed(course, rollout, jobs);
  return { rollout, failure: failure ?? lateness(course, rollout) };
}

/** Clocks of coordinators differ, and are set: what began in times to come begins now. */
function upToNow(rollout: Rollout, { wallMs, limits }: Course): Rollout {
  const { startedAtMs, phaseSinceMs, nextBatchAtMs } = rollout;
  return {
    ...rollout,
    startedAtMs: Math.min(startedAtMs, wallMs),
    phaseSinceMs: Math.min(phaseSinceMs, wallMs),
    nextBatchAtMs: nextBatchAtMs - wallMs > limits.delayMs ? wallMs : nextBatchAtMs,
  };
}

function watch(course: Course, rollout: Rollout, placements: readonly Placement[]): Rollout {
  const { view, limits, wallMs } = course;
  const byId = new Map(placements.map((placement) => [placement.id, placement]));
  const watched: Record<string, number> = {};
  const failures = { ...rollout.failures };
  const lastExits = { ...rollout.lastExits };
  let nextBatchAtMs = rollout.nextBatchAtMs;
  for (const [id, sinceMs] of Object.entries(rollout.watched)) {
    const placement = byId.get(id);
    if (placement === undefined) continue;
    const isLive = view.hosts.get(placement.host)?.isLive === true;
    const report = reportOf(view, placement);
    const why = isLive ? whyFailed(report) : undefined;
    const isNew = why !== undefined && failures[id] === undefined;
    if (isNew && Object.keys(failures).length < MAX_FAILURES) failures[id] = `on ${placement.host}: ${why}`;
    if (isNew && report?.lastExit !== undefined && Object.keys(lastExits).length < MAX_LAST_EXITS)
      lastExits[id] = report.lastExit;
    // One that has failed counts again once it is well for as long as any other.
    const isGood = isWell(course, placement) && !isNew;
    const goodSinceMs = !isGood ? 0 : sinceMs === 0 ? wallMs : Math.min(sinceMs, wallMs);
    const hasPassed = isGood && (isDone(report) || wallMs - goodSinceMs >= limits.monitorMs);
    // Canaries are watched until they are promoted.
    if (!hasPassed || rollout.phase === 'canary') watched[id] = goodSinceMs;
    else nextBatchAtMs = wallMs + limits.delayMs;
  }
  return { ...rollout, watched, failures, lastExits, nextBatchAtMs };
}

/** Instances that failed and are still there, of the target. */
export function failedIds({ target }: Course, rollout: Rollout, placements: readonly Placement[]): readonly string[] {
  return placements
    .filter(({ id, release }) => release === target.number && rollout.failures[id] !== undefined)
    .map(({ id }) => id);
}

function failureOf(course: Course, rollout: Rollout, placements: readonly Placement[]): string | undefined {
  const { limits, kind } = course;
  if (kind === 'first' || kind === 'refresh' || limits.failureAction === 'continue') return undefined;
  const failed = failedIds(course, rollout, placements);
  if (failed.length === 0 || failed.length * 1000 <= limits.maxFailurePerMille * rollout.total) return undefined;
  const first = `${failed[0]} ${rollout.failures[failed[0]!]}`;
  return failed.length === 1 ? first : `${failed.length} instances, the first of them ${first}`;
}

function lateness(course: Course, rollout: Rollout): string | undefined {
  const leftMs = deadlineInMs(course, rollout);
  if (leftMs === undefined || leftMs > 0) return undefined;
  const known = rollout.reason === '' ? '' : `: ${rollout.reason}`;
  return `not through within ${deadlineOf(course, rollout) / 1000} s${known}`;
}

type Timing = Pick<Course, 'kind' | 'target' | 'wallMs' | 'limits'>;

/** Until the rollout has failed; undefined: never. Waiting for others, or for an operator, is no failure. */
export function deadlineInMs(course: Timing, rollout: Rollout): number | undefined {
  const { kind, wallMs } = course;
  const deadlineMs = deadlineOf(course, rollout);
  const isWaiting = rollout.phase === 'waiting' || rollout.phase === 'stopped' || areCanariesWell(course, rollout);
  const isRunning = kind !== 'refresh' && !isWaiting;
  return isRunning && deadlineMs > 0 ? rollout.startedAtMs + deadlineMs - wallMs : undefined;
}

/** How many instances a global service has, its document can't know: a deadline that leaves them no time is none. */
function deadlineOf({ target: { deploy }, limits }: Timing, { total }: Rollout): number {
  const isKnown = deploy.rolloutDeadlineMs === 0 || deploy.mode !== 'global';
  return isKnown ? deploy.rolloutDeadlineMs : Math.max(deploy.rolloutDeadlineMs, enoughFor(limits, total));
}

/** They were well for long enough: the rollout waits for nothing but their promotion. */
export function areCanariesWell(
  { limits, wallMs }: Pick<Course, 'limits' | 'wallMs'>,
  { phase, watched }: Rollout,
): boolean {
  const since = Object.values(watched);
  return phase === 'canary' && since.length > 0 && since.every((ms) => ms > 0 && wallMs - ms >= limits.monitorMs);
}
