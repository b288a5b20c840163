/** Pure: what has become of the instances that a rollout made, and whether it has failed. */
import type { LastExit, Rollout } from '../../lib/documents/types';
import { enoughFor } from '../compose/rollout';
import { liveReportOf, reportOf, type Placement } from '../view';
import { whyJobFailed } from './before-job';
import { isWell, type Course } from './course';
import { whyNotReady } from './held-up';
import { isDone, whyFailed } from './readiness';

/** Of failed instances, this many are kept for people to see. */
const MAX_FAILURES = 100;
/** Of these, the last lines of their logs, too. */
const MAX_LAST_EXITS = 3;

export interface Verdict {
  readonly rollout: Rollout;
  /** Why the rollout as a whole has failed, for people; undefined: it has not. */
  readonly failure: string | undefined;
  /** All that was watched has passed just now. */
  readonly isProven: boolean;
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
  const isProven = isEmpty(rollout.watched) && !isEmpty(before.watched);
  return { rollout, failure: failure ?? lateness(course, rollout, placements), isProven };
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
  const { view, limits, wallMs, kind, target } = course;
  const watched: Record<string, number> = {};
  const notes = new FailureNotes(course, rollout);
  let nextBatchAtMs = rollout.nextBatchAtMs;
  for (const placement of placements) {
    const { id } = placement;
    const sinceMs = rollout.watched[id];
    // A first release is watched as a whole: only what fails of it is noted one by one.
    if (sinceMs === undefined && kind === 'first' && placement.release === target.number) notes.note(placement);
    if (sinceMs === undefined) continue;
    // One that has failed counts again once it is well for as long as any other.
    const isGood = !notes.note(placement) && isWell(course, placement);
    const goodSinceMs = !isGood ? 0 : sinceMs === 0 ? wallMs : Math.min(sinceMs, wallMs);
    const isEnough = isDone(reportOf(view, placement)) || wallMs - goodSinceMs >= limits.monitorMs;
    // Canaries are watched until they are promoted.
    if (!isGood || !isEnough || rollout.phase === 'canary') watched[id] = goodSinceMs;
    else nextBatchAtMs = wallMs + limits.delayMs;
  }
  const { failures, lastExits } = notes;
  return { ...rollout, watched, failures, lastExits, nextBatchAtMs };
}

/** Of instances that failed, each once. */
class FailureNotes {
  readonly failures: Record<string, string>;
  readonly lastExits: Record<string, LastExit>;

  constructor(
    private readonly course: Course,
    rollout: Rollout,
  ) {
    this.failures = { ...rollout.failures };
    this.lastExits = { ...rollout.lastExits };
  }

  /** @returns whether it has failed, and had not before */
  note(placement: Placement): boolean {
    const { id, host } = placement;
    const report = liveReportOf(this.course.view, placement);
    const why = whyFailed(report);
    if (why === undefined || this.failures[id] !== undefined) return false;
    if (Object.keys(this.failures).length < MAX_FAILURES) this.failures[id] = `on ${host}: ${why}`;
    if (report?.lastExit !== undefined && Object.keys(this.lastExits).length < MAX_LAST_EXITS)
      this.lastExits[id] = report.lastExit;
    return true;
  }
}

/** Instances that failed and are still there, of the target. Beyond those that are noted, the ones that are down now. */
export function failedIds(course: Course, rollout: Rollout, placements: readonly Placement[]): readonly string[] {
  const areAllNoted = Object.keys(rollout.failures).length < MAX_FAILURES;
  const hasFailed = (one: Placement): boolean =>
    rollout.failures[one.id] !== undefined || (!areAllNoted && whyFailed(liveReportOf(course.view, one)) !== undefined);
  return placements.filter((one) => one.release === course.target.number && hasFailed(one)).map(({ id }) => id);
}

function failureOf(course: Course, rollout: Rollout, placements: readonly Placement[]): string | undefined {
  const { limits, kind } = course;
  if (kind === 'first' || kind === 'refresh' || limits.failureAction === 'continue') return undefined;
  const failed = failedIds(course, rollout, placements);
  if (failed.length === 0 || failed.length * 1000 <= limits.maxFailurePerMille * rollout.total) return undefined;
  const told = failed.find((id) => rollout.failures[id] !== undefined);
  const first = told === undefined ? failed[0]! : `${told} ${rollout.failures[told]}`;
  return failed.length === 1 ? first : `${failed.length} instances, the first of them ${first}`;
}

function lateness(course: Course, rollout: Rollout, placements: readonly Placement[]): string | undefined {
  const leftMs = deadlineInMs(course, rollout);
  if (leftMs === undefined || leftMs > 0) return undefined;
  const known = rollout.reason || whyNotReady(course, placements);
  return `not through within ${deadlineOf(course, rollout) / 1000} s${known === '' ? '' : `: ${known}`}`;
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

function isEmpty(map: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(map).length === 0;
}
