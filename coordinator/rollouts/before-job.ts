/** Pure: the job that has to succeed once per release before anything is replaced (x-berth.before). */
import type { Release, Rollout } from '../../lib/documents/types';
import { placeInstance } from '../schedule/placing';
import { reportOf, type Placement } from '../view';
import type { Course } from './course';
import { isDone, textOfExit } from './readiness';

/** Of no slot. */
const JOB_SLOT = 0;

export function jobOf(target: Release, jobs: readonly Placement[]): Placement | undefined {
  return jobs.find(({ release }) => release === target.number);
}

/** @param instances jobs aside: one of the release is there only if its job has succeeded */
export function isJobDone(
  { target, view }: Course,
  rollout: Rollout,
  jobs: readonly Placement[],
  instances: readonly Placement[],
): boolean {
  if (target.deploy.before === undefined || rollout.beforeDone) return true;
  const job = jobOf(target, jobs);
  if (job !== undefined) return isDone(reportOf(view, job));
  return instances.some(({ release }) => release === target.number);
}

/** @returns why the job has failed, for people; undefined: it has not */
export function whyJobFailed(
  { view, target, wallMs }: Course,
  rollout: Rollout,
  jobs: readonly Placement[],
): string | undefined {
  const { before } = target.deploy;
  if (rollout.phase !== 'before' || before === undefined) return undefined;
  const job = jobOf(target, jobs);
  if (job === undefined && rollout.job === '') return undefined;
  if (job === undefined) return `its job ${rollout.job} is gone with its host, and nobody knows how it ended`;
  const report = reportOf(view, job);
  if (isDone(report)) return undefined;
  if (report?.phase === 'STOPPED' || report?.phase === 'BACKOFF')
    return `its job ${job.id} on ${job.host} ${textOfExit(report)}`;
  const isLate = before.timeoutMs > 0 && wallMs - rollout.phaseSinceMs >= before.timeoutMs;
  const reason = report?.reason ? `: ${report.reason}` : '';
  return isLate
    ? `its job ${job.id} on ${job.host} did not end within ${before.timeoutMs / 1000} s${reason}`
    : undefined;
}

/** For people. */
export function stateOfJob({ view, target }: Course, jobs: readonly Placement[]): string {
  const job = jobOf(target, jobs);
  if (job === undefined) return 'its job is to run';
  const reason = reportOf(view, job)?.reason;
  return `its job ${job.id} on ${job.host} has to succeed${reason ? `: ${reason}` : ''}`;
}

/** @returns undefined: no host takes it, and the course's refusals say why */
export function placeJob(course: Course): Placement | undefined {
  const { target } = course;
  // It is reached by no port, so that it stands in nobody's way.
  const release = { ...target, container: { ...target.container, ports: [] } };
  return placeInstance(course, JOB_SLOT, { release, isBefore: true });
}
