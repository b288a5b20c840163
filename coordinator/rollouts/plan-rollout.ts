/**
 * Pure: the move of one service to the release that it is to be at. Which one that is, what has become of what was made
 * already, what goes and what comes now. All that is remembered is the Rollout document. docs/decisions/0015.
 */
import type { Release, Rollout, ServiceStatus } from '../../lib/documents/types';
import { wantedSlots } from '../schedule/wanted-slots';
import { removeInstance } from '../schedule/placing';
import { pointAll } from '../schedule/point-placement';
import type { ServiceInput } from '../schedule/types';
import { isPinned } from '../schedule/pauses';
import { reportOf, type Placement } from '../view';
import { aimOf, begun, wayBack, type Aim } from './aim';
import { isOutdated, isWell, type Course } from './course';
import { judge } from './judge';
import { isExclusive, limitsOf } from './limits';
import { isDone } from './readiness';
import { isJobDone, jobOf, placeJob, stateOfJob } from './before-job';
import { advance, type Signals } from './phases';
import { hostsToPrefetch, whyNotPrefetched } from './prefetch';
import { whyWaits } from './waits-for';
import { whyHeldUp } from './held-up';
import { nextBatch, repair, textOfRefusals, type Batch } from './replace';
import { slotsOf, uselessOf, type Slot } from './slots';
import { stageOf } from './stage';
import { nextLookInMs } from './next-look';

/** Reasons of this many hosts go into the service's status. */
const MAX_UNPLACED_HOSTS = 20;

export interface RolloutInput extends ServiceInput {
  /** All of the service's that can be read, a new one included. */
  readonly releases: ReadonlyMap<number, Release>;
  readonly newest: Release;
  readonly modRevision: number;
  readonly isFrozen: boolean;
}

export interface RolloutPlan {
  readonly placements: readonly Placement[];
  readonly target: Release;
  /** The last release that was whole. */
  readonly current: number;
  readonly wanted: number;
  /** Undefined: the service is at rest. */
  readonly rollout: Rollout | undefined;
  readonly unplaced: ServiceStatus['unplaced'];
  readonly stuck: ServiceStatus['stuck'];
  /** Hosts that are to have the target's image before it is placed there: its number, by host. */
  readonly prefetch: ReadonlyMap<string, number>;
  readonly againInMs: number | undefined;
}

export function planRollout(input: RolloutInput): RolloutPlan {
  const status = input.view.serviceStatuses.get(input.service)?.document;
  const intent = input.view.serviceIntents.get(input.service)?.document;
  const aim = thawed(aimOf({ ...input, status, intent }), status, input);
  const { instances, jobs } = split(input.placements);
  const judged = input.isFrozen ? aim : judgedAim(input, aim, instances, jobs);
  const course = courseOf(input, judged);
  const pointed = pointAll(course, course.target, instances, course.releases, (one) => isPinned(course.pauses, one));
  const known = judged.rollout;
  const prefetch = hostsToPrefetch(course, pointed);
  const signals = (rollout: Rollout): Signals => ({
    waitsFor:
      rollout.phase === 'waiting' ? whyWaits(input.view, course.target, (name) => input.turns.statusOf(name)) : '',
    takePlace: () => input.turns.take(input.service, course.target.createdAtMs),
    isJobDone: isJobDone(course, rollout, jobs, pointed),
    job: stateOfJob(course, jobs),
    prefetch: whyNotPrefetched(course, prefetch),
    isAnythingOld: pointed.some((one) => isOutdated(course, one)),
    promoted: intent?.promote ?? 0,
  });
  const rollout = known && advance(course, known, signals(known));
  const plan = move(withPhase(course, rollout), rollout, pointed, judged.isProven === true);
  const kept = keepJob(course, plan.rollout, jobs);
  const isPrefetching = !input.isFrozen && PREFETCHING.has(plan.rollout?.phase ?? '');
  return {
    ...{ ...plan, rollout: kept.rollout, placements: [...plan.placements, ...kept.jobs] },
    prefetch: new Map(isPrefetching ? prefetch.map((host) => [host, course.target.number]) : []),
  };
}

/** Also while it moves: what is named is not tidied away before its host's turn comes. */
const PREFETCHING: ReadonlySet<string> = new Set(['prefetching', 'canary', 'moving']);

function split(placements: readonly Placement[]) {
  const jobs = placements.filter(({ isBefore }) => isBefore);
  return { jobs, instances: jobs.length === 0 ? placements : placements.filter(({ isBefore }) => !isBefore) };
}

/** The time that an operator held it back for counts against no deadline. */
function thawed(aim: Aim, status: ServiceStatus | undefined, { isFrozen, wallMs }: RolloutInput): Aim {
  const wasHeld = status !== undefined && (status.frozen !== '' || status.pause !== undefined);
  if (isFrozen || !wasHeld || aim.rollout === undefined) return aim;
  return { ...aim, rollout: { ...aim.rollout, startedAtMs: wallMs, phaseSinceMs: wallMs } };
}

/**
 * One job while it is its turn, and none before or afterwards. It is written down once it is seen to be placed: one that is
 * written down and is not there is gone.
 */
function keepJob(course: Course, rollout: Rollout | undefined, jobs: readonly Placement[]) {
  const isOn = rollout?.phase === 'before';
  const job = isOn ? jobOf(course.target, jobs) : undefined;
  const kept = jobs.filter((one) => one === job || isPinned(course.pauses, one));
  for (const one of jobs) if (!kept.includes(one)) removeInstance(course, one);
  if (!isOn || course.isFrozen) return { rollout, jobs: kept };
  if (job !== undefined || rollout.job !== '')
    return { rollout: { ...rollout, job: job?.id ?? rollout.job }, jobs: kept };
  const placed = placeJob(course);
  if (placed !== undefined) return { rollout, jobs: [...kept, placed] };
  return { rollout: { ...rollout, reason: textOfRefusals(course.refusals) }, jobs: kept };
}

function courseOf(input: RolloutInput, { target, whole, kind, rollout }: Aim): Course {
  // How it goes back is what the release that failed says.
  const failed = kind === 'return' ? (input.releases.get(rollout?.failedRelease ?? 0) ?? target) : undefined;
  return { ...input, target, whole, kind, limits: limitsOf(target, failed), refusals: new Map() };
}

/** Canaries stand beside what is there, wherever two of a slot may run at once. */
function withPhase(course: Course, rollout: Rollout | undefined): Course {
  if (rollout?.phase !== 'canary') return course;
  return {
    ...course,
    limits: { ...course.limits, isStopFirst: course.limits.isStopFirst && isExclusive(course.target) },
  };
}

/** A rollout that fails goes back, or stops where it is. */
function judgedAim(input: RolloutInput, aim: Aim, instances: readonly Placement[], jobs: readonly Placement[]): Aim {
  if (aim.rollout === undefined) return aim;
  const course = courseOf(input, aim);
  const { rollout, failure, isProven } = judge(course, aim.rollout, instances, jobs);
  if (failure === undefined || rollout.phase === 'stopped') return { ...aim, rollout, isProven };
  const { service, modRevision, wallMs } = input;
  const { target, whole, kind } = aim;
  const what = `${service}@${target.number} failed: ${failure}`;
  if (kind === 'update' && course.limits.failureAction === 'rollback' && whole !== undefined) {
    const back = wayBack(rollout, what, modRevision, wallMs);
    return { target: whole, current: whole.number, whole, kind: 'return', rollout: back };
  }
  const failed = rollout.isRollback ? {} : { failedRelease: target.number, failedRevision: modRevision };
  const stopped = { ...rollout, ...failed, phase: 'stopped', phaseSinceMs: wallMs, reason: what };
  return { ...aim, rollout: stopped };
}

/** @param pointed instances that are as the target wants them have its number already */
function move(
  course: Course,
  rollout: Rollout | undefined,
  pointed: readonly Placement[],
  isProven: boolean,
): Omit<RolloutPlan, 'prefetch'> {
  const stage = stageOf(course, rollout, pointed);
  const wanted = wantedSlots({ ...course, placements: pointed }, stage.slotsOf, course.refusals);
  const { slots, surplus } = slotsOf(course, stage, wanted, pointed);
  const hasPassed = ({ id }: Placement): boolean => stage.isStepping && rollout?.watched[id] === undefined;
  const useless = slots.flatMap((slot) => uselessOf(course, slot, hasPassed));
  const gone = new Set([...surplus, ...useless]);
  // Those that leave make room before it is asked who fits where.
  for (const one of gone) removeInstance(course, one);
  const repaired = repair(course, stage, slots);
  const now = slotsOf(course, stage, wanted, [...pointed.filter((one) => !gone.has(one)), ...repaired]);
  const batch = nextBatch(course, stage, now.slots, rollout);
  const kept = now.slots.flatMap(({ fresh, old, lost }) => [...fresh, ...old, ...lost]);
  const placements = [...kept.filter((one) => !batch.went.includes(one)), ...batch.came];
  const after = slotsOf(course, stage, wanted, placements).slots;
  const made = watchedOf(course, rollout, [...repaired, ...canariesIn(rollout, now.slots)], batch.came);
  const areAllWell = stage.slotsOf === course.target && !course.isFrozen && areWhole(course, after, made);
  const witness = areAllWell && !isProven ? witnessOf(course, after) : undefined;
  const isWhole = areAllWell && witness === undefined;
  const watched = witness === undefined ? made : { [witness.id]: course.wallMs };
  const next = rolloutAfter({ course, rollout, watched, slots: after, isWhole, batch });
  const { target } = course;
  return {
    ...{ placements, target, wanted: wanted.size, stuck: batch.stuck, rollout: next },
    current: isWhole ? target.number : currentOf(course),
    unplaced: [...course.refusals].slice(0, MAX_UNPLACED_HOSTS).map(([host, reason]) => ({ host, reason })),
    againInMs: nextLookInMs(course, next, placements),
  };
}

/** Also one that was made before the rollout began, in the place of one that leaves its host. */
function canariesIn(rollout: Rollout | undefined, slots: readonly Slot[]): readonly Placement[] {
  if (rollout?.phase !== 'canary') return [];
  const beside = slots.flatMap(({ fresh, old }) => (old.length > 0 ? fresh : []));
  return beside.filter(({ id }) => rollout.watched[id] === undefined);
}

function currentOf({ kind, target, view, service }: Course): number {
  const isThere = kind === 'refresh' || kind === 'return';
  return isThere ? target.number : (view.serviceStatuses.get(service)?.document?.currentRelease ?? 0);
}

/** What was made now is watched, unless it only repairs what is at rest, or is a first release's. */
function watchedOf(
  { kind, target }: Course,
  rollout: Rollout | undefined,
  repaired: readonly Placement[],
  came: readonly Placement[],
): Rollout['watched'] {
  const isNew = ({ release }: Placement): boolean => release === target.number;
  const isOneByOne = kind === 'update' || kind === 'return';
  const added = [...came, ...(isOneByOne ? repaired.filter(isNew) : [])];
  return { ...rollout?.watched, ...Object.fromEntries(added.map(({ id }) => [id, 0])) };
}

/** Every slot within reach has its new instance, that one alone, and it has passed. */
function areWhole(course: Course, slots: readonly Slot[], watched: Rollout['watched']): boolean {
  const within = slots.filter(({ isOutOfReach }) => !isOutOfReach);
  const isDone = ({ fresh: [first, ...others], old, lost }: Slot): boolean =>
    first !== undefined &&
    others.length + old.length + lost.length === 0 &&
    watched[first.id] === undefined &&
    isWell(course, first);
  return within.every(isDone) && (within.length > 0 || slots.length === 0);
}

/**
 * A first release is watched as a whole, however many instances it has: once all are well, one of them for all.
 * @returns undefined when there is nothing to watch
 */
function witnessOf({ kind, limits, view }: Course, slots: readonly Slot[]): Placement | undefined {
  if (kind !== 'first' || limits.monitorMs === 0) return undefined;
  return slots.flatMap(({ fresh }) => fresh).find((one) => !isDone(reportOf(view, one)));
}

interface After {
  readonly course: Course;
  readonly rollout: Rollout | undefined;
  readonly watched: Rollout['watched'];
  readonly slots: readonly Slot[];
  readonly isWhole: boolean;
  readonly batch: Batch;
}

/** @returns what is written down; undefined: nothing is left to do */
function rolloutAfter({ course, rollout, watched, slots, isWhole, batch }: After): Rollout | undefined {
  const { kind, target, wallMs, isFrozen } = course;
  if (isFrozen) return rollout && { ...rollout, watched };
  const total = slots.length;
  const moved = slots.filter(({ fresh: [first] }) => first !== undefined && watched[first.id] === undefined).length;
  const counts = { watched, moved, total };
  const isRest = kind === 'refresh' && Object.keys(watched).length === 0 && !batch.isMoreToCome;
  const known = rollout ?? (isRest ? undefined : { ...begun(target.number, target.number, wallMs), phase: 'moving' });
  if (known === undefined) return undefined;
  if (kind === 'refresh' ? !isRest : !isWhole)
    return { ...known, ...counts, reason: whyHeldUp(course, known, watched, slots, batch.blocked) };
  // That the newest release failed is told until another one is tried.
  return known.isRollback ? { ...known, ...counts, phase: 'rolled-back' } : undefined;
}
