/** Pure: which new instances come now: repairs at once, and the next batch within the limits. */
import type { Release, Rollout } from '../../lib/documents/types';
import { hostsByReason } from '../../lib/hosts-by-reason';
import { placeInstance, removeInstance, restoreInstance } from '../schedule/placing';
import type { Placement } from '../view';
import { fateOf, isWell, type Course } from './course';
import { failedIds } from './judge';
import { isPlace, type Slot } from './slots';
import type { Stage } from './stage';

/** Of those that can't be moved, this many are told. */
const MAX_STUCK = 20;
/** Hosts whose refusals make a reason. */
const MAX_HOSTS_TOLD = 5;

export interface Replaced {
  readonly came: readonly Placement[];
  readonly went: readonly Placement[];
}

export interface Batch extends Replaced {
  /** Instances that are to move and can't, by id: why. */
  readonly stuck: Readonly<Record<string, string>>;
  /** Others are to follow. */
  readonly isMoreToCome: boolean;
  /** Why nothing more may be stopped now, for people; empty: it may. */
  readonly blocked: string;
}

/** What is lost or was never there, of the release that the slot had: no limit holds that back. */
export function repair(course: Course, stage: Stage, slots: readonly Slot[]): readonly Placement[] {
  const came: Placement[] = [];
  const refused = new Set<number>();
  for (const slot of slots) {
    if (slot.isOutOfReach || !isVacant(course, stage, slot)) continue;
    const release = releaseFor(course, stage, slot);
    if (release === undefined || refused.has(release.number)) continue;
    const placement = placeInstance(course, slot.slot, { only: slot.host, release });
    if (placement !== undefined) came.push(placement);
    // Every host has refused one, and another one is no different.
    else if (slot.host === undefined) refused.add(release.number);
  }
  return came;
}

/** Before the move, what a superseded one made in another mode keeps nobody out unless it serves. */
function isVacant(course: Course, { slotsOf, isCounting }: Stage, { fresh, old }: Slot): boolean {
  const keepsOut = (one: Placement): boolean => {
    const { deploy } = course.releases.get(one.release) ?? slotsOf;
    return isCounting || deploy.mode === slotsOf.deploy.mode || isWell(course, one);
  };
  return fresh.length === 0 && !old.some(keepsOut);
}

/** A slot that the rollout has not come to gets what it had. @returns undefined: it has to wait for its turn */
function releaseFor({ target, whole, releases, kind }: Course, stage: Stage, slot: Slot): Release | undefined {
  const lost = slot.lost.at(-1);
  if (stage.isFilling || lost?.release === target.number) return target;
  if (kind === 'first') return lost && releases.get(lost.release);
  const isGlobal = target.deploy.mode === 'global';
  const hadIt = whole?.deploy.mode === target.deploy.mode && (isGlobal || slot.slot <= whole.deploy.replicas);
  return hadIt ? whole : lost && releases.get(lost.release);
}

/** @param slots without what went, and with what came, just now */
export function nextBatch(course: Course, stage: Stage, slots: readonly Slot[], rollout: Rollout | undefined): Batch {
  const waiting = inOrder(course, slots);
  const room = roomFor(course, stage, slots, rollout);
  const floor = new Floor(course, slots);
  const came: Placement[] = [];
  const went: Placement[] = [];
  const stuck: Record<string, string> = {};
  let [isFull, tried, blocked] = [false, 0, ''];
  for (const slot of waiting) {
    if (came.length >= room || isFull) break;
    if (course.limits.isStopFirst && !floor.allows(slot)) {
      blocked = floor.explain();
      continue;
    }
    tried++;
    const attempt = { ...course, refusals: new Map<string, string>() };
    const successor = replaceIn(attempt, slot);
    if (successor !== undefined) {
      came.push(successor);
      if (course.limits.isStopFirst) went.push(...slot.old);
      if (course.limits.isStopFirst) floor.lower(slot);
      continue;
    }
    // Of hosts that refused what another one took nobody needs to know.
    for (const [host, reason] of attempt.refusals) course.refusals.set(host, reason);
    for (const { id } of slot.old) stuck[id] = textOfRefusals(attempt.refusals);
    // Beside the old ones, every host was asked already.
    isFull = !course.limits.isStopFirst && slot.host === undefined;
  }
  const isStuck = tried > 0 && came.length === 0 && (isFull || tried === waiting.length);
  const told = Object.fromEntries(Object.entries(stuck).slice(0, MAX_STUCK));
  return { came, went, stuck: told, isMoreToCome: waiting.length > came.length && !isStuck, blocked };
}

/** What serves nobody goes first: nothing is lost with it. */
function inOrder(course: Course, slots: readonly Slot[]): readonly Slot[] {
  const open = slots.filter(({ isOutOfReach, fresh, lost, old }) => {
    const isEmpty = old.length === 0 && lost.length === 0;
    return !isOutOfReach && fresh.length === 0 && (isEmpty ? course.kind === 'update' : old.length > 0);
  });
  const serves = ({ old }: Slot): boolean => old.some((one) => isWell(course, one));
  const rank = (slot: Slot): number => (slot.old.length === 0 ? 0 : serves(slot) ? 2 : 1);
  return [...open].sort((a, b) => rank(a) - rank(b));
}

function roomFor(course: Course, { upTo }: Stage, slots: readonly Slot[], rollout: Rollout | undefined): number {
  if (upTo === undefined) return 0;
  if (upTo !== Infinity) return Math.max(0, upTo - slots.filter((slot) => hasCanary(slot, rollout)).length);
  const fresh = slots.flatMap((slot) => (slot.isPinned ? [] : slot.fresh));
  const isLimited = course.kind === 'update' || course.kind === 'return';
  const forgiven = new Set(isLimited && rollout !== undefined ? failedIds(course, rollout, fresh) : []);
  const isRelease = course.kind === 'update' || course.kind === 'first';
  const isUnproven = (one: Placement): boolean =>
    rollout?.watched[one.id] !== undefined || (isRelease && !isWell(course, one));
  const { parallelism, delayMs } = course.limits;
  const unproven = fresh.filter((one) => isUnproven(one) && !forgiven.has(one.id)).length;
  // With a pause between batches there are batches; without, whoever has passed makes room for the next one.
  if (delayMs === 0) return Math.max(0, parallelism - unproven);
  const isEarly = rollout !== undefined && rollout.nextBatchAtMs > course.wallMs;
  return unproven > 0 || isEarly ? 0 : parallelism;
}

/** What was as the target wants it before is no canary: nothing is learned from it. */
function hasCanary({ fresh, old }: Slot, rollout: Rollout | undefined): boolean {
  return fresh.some(({ id }) => rollout?.watched[id] !== undefined) || (fresh.length > 0 && old.length > 0);
}

function replaceIn(course: Course, slot: Slot): Placement | undefined {
  const { isStopFirst } = course.limits;
  if (isStopFirst) for (const old of slot.old) removeInstance(course, old);
  const leaving = slot.old.find((one) => fateOf(course, one) === 'leaves');
  const staying = slot.old.find((one) => one !== leaving);
  const where = { only: slot.host, preferred: staying?.host, avoid: leaving?.host };
  const successor = placeInstance(course, slot.slot, where);
  if (successor === undefined && isStopFirst) for (const old of slot.old) restoreInstance(course, old);
  return successor;
}

/** G7: how many of those that serve may be stopped before others do. */
class Floor {
  private ready: number;
  private readonly least: number;

  constructor(
    private readonly course: Course,
    slots: readonly Slot[],
  ) {
    // What is paused can't be moved, and whoever asks the service misses it all the same while it isn't ready.
    const counted = slots.filter(
      ({ host, fresh, old, lost }) => isPlace(course, host) && fresh.length + old.length + lost.length > 0,
    );
    this.ready = counted.filter((slot) => this.serves(slot)).length;
    this.least = counted.length - course.limits.parallelism;
  }

  allows(slot: Slot): boolean {
    return !this.serves(slot) || this.ready - 1 >= this.least;
  }

  explain(): string {
    return `${this.ready} instances are ready, and no fewer than ${this.least} may be: the others have to be ready first`;
  }

  lower(slot: Slot): void {
    if (this.serves(slot)) this.ready--;
  }

  private serves({ fresh, old }: Slot): boolean {
    return [...fresh, ...old].some((one) => isWell(this.course, one));
  }
}

export function textOfRefusals(refusals: ReadonlyMap<string, string>): string {
  if (refusals.size === 0) return 'there is no host';
  const told = hostsByReason([...refusals].slice(0, MAX_HOSTS_TOLD)).map(
    ([reason, hosts]) => `${hosts.join(', ')}: ${reason}`,
  );
  const more = refusals.size > MAX_HOSTS_TOLD ? `; and ${refusals.size - MAX_HOSTS_TOLD} more` : '';
  return `no host takes another one: ${told.join('; ')}${more}`;
}
