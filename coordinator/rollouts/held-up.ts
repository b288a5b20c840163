/** Pure: what holds a rollout up, for people. */
import type { InstanceStatus, Rollout } from '../../lib/documents/types';
import { isPinned } from '../schedule/pauses';
import { liveReportOf, type Placement } from '../view';
import { isWell, type Course } from './course';
import { textOfRefusals } from './replace';
import type { Slot } from './slots';

/** Phases in which instances come. */
const MAKING: ReadonlySet<string> = new Set(['canary', 'moving']);

/**
 * @param watched what was made and has not passed yet
 * @param blocked why nothing more may be stopped now; empty: it may
 * @returns the phase's own reason where nothing else is known; empty when there is none
 */
export function whyHeldUp(
  course: Course,
  { phase, isRollback, reason, failures }: Rollout,
  watched: Rollout['watched'],
  slots: readonly Slot[],
  blocked: string,
): string {
  if (!MAKING.has(phase) || isRollback) return reason;
  const isFailed = (one: Placement): boolean => failures[one.id] !== undefined && !isWell(course, one);
  const failed = slots.flatMap(({ fresh }) => fresh).find(isFailed);
  if (failed !== undefined) return `${failed.id} ${failures[failed.id]}`;
  const ofPhase = phase === 'canary' ? reason : '';
  if (phase === 'canary' && Object.keys(watched).length > 0) return ofPhase;
  if (course.refusals.size > 0) return textOfRefusals(course.refusals);
  return blocked || whyOutOfReach(course, slots) || ofPhase;
}

/** Where all that is left is out of reach. */
function whyOutOfReach(course: Course, slots: readonly Slot[]): string {
  const isLeft = ({ fresh, old, lost }: Slot): boolean => fresh.length === 0 && old.length + lost.length > 0;
  const left = slots.filter(isLeft);
  const [first] = left.flatMap(({ old, lost }) => [...old, ...lost]);
  if (first === undefined || left.some(({ isOutOfReach }) => !isOutOfReach)) return '';
  const { id, host } = first;
  const others = left.length === 1 ? '' : `, nor can ${left.length - 1} more`;
  return `${id} on ${host} can not be replaced now${others}: ${stateOf(course, first)}`;
}

function stateOf({ view, pauses }: Course, one: Placement): string {
  if (isPinned(pauses, one)) return 'it is paused';
  if (view.hosts.get(one.host)?.isLive !== true) return 'its host is lost; let it come back, or remove it';
  return 'its host takes nothing new';
}

/** @returns what of the release is not ready yet, for people; empty: all of it is */
export function whyNotReady(course: Course, placements: readonly Placement[]): string {
  const unready = placements.filter((one) => one.release === course.target.number && !isWell(course, one));
  const [first] = unready;
  if (first === undefined) return '';
  const report = liveReportOf(course.view, first);
  const state = report === undefined ? 'its host says nothing of it' : stateIn(report);
  const others = unready.length === 1 ? '' : `, nor are ${unready.length - 1} more`;
  return `${first.id} on ${first.host} is not ready${others}: ${state}`;
}

function stateIn({ phase, health, reason }: InstanceStatus): string {
  const known = phase === 'RUNNING' ? `its health is ${health}` : `it is ${phase.toLowerCase()}`;
  return reason === '' ? known : `${known}, ${reason}`;
}
