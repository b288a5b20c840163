/** Pure: the slots of one service, what is in each, and what of it is of no use any more. */
import type { Release } from '../../lib/documents/types';
import { isPinned } from '../schedule/pauses';
import { schedulable } from '../schedule/filters/schedulable';
import { NO_USAGE } from '../schedule/usage';
import { isFromEveryHost } from '../schedule/point-placement';
import { slotKey, type WantedSlot } from '../schedule/wanted-slots';
import { isUsable, type Placement } from '../view';
import { fateOf, isOutdated, isWell, type Course } from './course';
import { isExclusive } from './limits';
import type { Stage } from './stage';

export interface Slot extends WantedSlot {
  /** Paused: nothing of it goes, and nothing comes. */
  readonly isPinned: boolean;
  /** Can't be moved now, and is not waited for: it is paused, or what it has is bound to a host that is lost or closed. */
  readonly isOutOfReach: boolean;
  /** As the target wants it, the one that is to stay at the end. */
  readonly fresh: readonly Placement[];
  /** Of other releases, or to leave their hosts; on hosts that live, as far as anybody knows. */
  readonly old: readonly Placement[];
  /** On lost hosts: to be replaced at once. */
  readonly lost: readonly Placement[];
}

export interface Slots {
  readonly slots: readonly Slot[];
  /** Not wanted any more. */
  readonly surplus: readonly Placement[];
}

/**
 * What of another mode a superseded rollout left has its place among the others, before the move as in it. Where the target
 * itself is of another mode than the last whole release it has none until the move: before that nothing is made but repairs,
 * and nothing of it goes.
 * @param wanted by slot key of the release whose slots they are
 */
export function slotsOf(
  course: Course,
  { slotsOf: of, isCounting, watched }: Pick<Stage, 'slotsOf' | 'isCounting' | 'watched'>,
  wanted: ReadonlyMap<string, WantedSlot>,
  placements: readonly Placement[],
): Slots {
  const byKey = new Map<string, Placement[]>();
  const others: Placement[] = [];
  const everywhere: Placement[] = [];
  const isAnotherMode = of.deploy.mode !== course.target.deploy.mode;
  for (const placement of placements) {
    const release = course.releases.get(placement.release) ?? of;
    if (isAnotherMode && release.deploy.mode !== of.deploy.mode) others.push(placement);
    else if (isFromEveryHost(release, of)) everywhere.push(placement);
    else add(byKey, slotKey(placement, of), placement);
  }
  const places = placesFor(course.target, of, wanted);
  const beyond = everywhere.length > 0 ? giveSlots(course, byKey, places, everywhere, watched) : NONE;
  const keys = new Map(wanted);
  const surplus: Placement[] = [];
  for (const [key, all] of byKey) {
    const isLeaving = of.deploy.mode === 'global' && !course.isFrozen && all.every((one) => hasToLeave(course, one));
    if (wanted.has(key) && !isLeaving) continue;
    if ((!isCounting && !isLeaving) || all.some((one) => isPinned(course.pauses, one)))
      keys.set(key, places.get(key) ?? placeOf(all[0]!, of));
    else {
      surplus.push(...all);
      keys.delete(key);
    }
  }
  const slots = [...keys].sort(([a], [b]) => (a < b ? -1 : 1));
  const counted = slots.map(([key, slot]) => slotOf(course, slot, byKey.get(key) ?? []));
  for (const one of beyond) (isPinned(course.pauses, one) ? others : surplus).push(one);
  return { slots: [...counted, ...others.map((one) => slotBeside(course, one))], surplus };
}

/** Those that are wanted now, and those that the target wants besides: what has no slot of its own may have them, too. */
function placesFor(
  target: Release,
  of: Release,
  wanted: ReadonlyMap<string, WantedSlot>,
): ReadonlyMap<string, WantedSlot> {
  const isOfHosts = of.deploy.mode === 'global' || target.deploy.mode === 'global';
  if (isOfHosts || target.deploy.replicas <= wanted.size) return wanted;
  const places = new Map(wanted);
  for (let slot = wanted.size + 1; slot <= target.deploy.replicas; slot++)
    places.set(slotKey({ host: '', slot }, of), { slot });
  return places;
}

function placeOf({ slot, host }: Placement, of: Release): WantedSlot {
  return of.deploy.mode === 'global' ? { slot, host } : { slot };
}

/**
 * They all have slot 1, and are no spare ones of each other: each has the place of another one that is wanted. Beside a new
 * one is who goes when that has passed, best of all one that does not serve, or has to leave its host, or is on the new
 * one's.
 * @returns who is beyond the count, and has none
 */
function giveSlots(
  course: Course,
  byKey: Map<string, Placement[]>,
  wanted: ReadonlyMap<string, WantedSlot>,
  everywhere: readonly Placement[],
  watched: Stage['watched'],
): readonly Placement[] {
  const isProven = (one: Placement): boolean => watched[one.id] === undefined && isWell(course, one);
  const hosts = new Set(everywhere.map(({ host }) => host));
  const thereIn = (key: string): readonly Placement[] =>
    (byKey.get(key) ?? []).filter((one) => fateOf(course, one) !== 'lost');
  const rank = (key: string): number => {
    const there = thereIn(key);
    const isAlone = there.length > 0 && !there.some(({ host }) => hosts.has(host));
    return (there.length === 0 ? 0 : there.some(isProven) ? 4 : 2) + (isAlone ? 1 : 0);
  };
  const keys = [...wanted.keys()].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1)).slice(0, everywhere.length);
  const isWanted = (one: Placement): boolean => isWell(course, one) && !hasToLeave(course, one);
  const worth = (one: Placement): number => (isWanted(one) ? 2 : isWell(course, one) ? 1 : 0);
  const taken = new Set([...wanted.keys()].flatMap((key) => thereIn(key).map(({ host }) => host)));
  const isBeside = ({ host }: Placement): number => Number(taken.has(host));
  const left = [...everywhere].sort(
    (a, b) => worth(b) - worth(a) || isBeside(a) - isBeside(b) || (a.host < b.host ? -1 : 1),
  );
  const beyond = left.splice(keys.length);
  for (const key of keys) {
    const there = thereIn(key);
    const beside = left.find((one) => there.some(({ host }) => host === one.host));
    const [first, last] = [left[0]!, left.at(-1)!];
    const goes = isWanted(last) ? (beside ?? last) : last;
    const stays = beside !== undefined && isWell(course, beside) ? beside : first;
    // Where nobody has passed yet, one that serves is to serve on; where nobody is, before all: nobody else is made there then.
    const one = there.some(isProven) ? goes : stays;
    left.splice(left.indexOf(one), 1);
    add(byKey, key, one);
  }
  return beyond;
}

function add(byKey: Map<string, Placement[]>, key: string, ...placements: readonly Placement[]): void {
  const known = byKey.get(key);
  if (known === undefined) byKey.set(key, [...placements]);
  else known.push(...placements);
}

/** It stays where it is, nothing comes in its place, and nobody waits for it to be ready. */
function slotBeside(course: Course, one: Placement): Slot {
  return { ...slotOf(course, { slot: one.slot, host: one.host }, [one]), isOutOfReach: true };
}

/** Of a global service, what is to leave its host has nowhere else to be. */
function hasToLeave(course: Course, one: Placement): boolean {
  return fateOf(course, one) === 'leaves';
}

const NONE: readonly Placement[] = [];

/** One of thousands, and made several times in a plan: no more than it has to be. */
function slotOf(course: Course, { slot, host }: WantedSlot, all: readonly Placement[]): Slot {
  if (all.length === 0) {
    const isOutOfReach = isClosed(course, host);
    return { slot, host, isPinned: false, isOutOfReach, fresh: NONE, old: NONE, lost: NONE };
  }
  const [fresh, old, lost]: [Placement[], Placement[], Placement[]] = [[], [], []];
  let isPaused = false;
  for (const one of all) {
    if (isPinned(course.pauses, one)) isPaused = true;
    if (fateOf(course, one) === 'lost') lost.push(one);
    else if (isOutdated(course, one)) old.push(one);
    else fresh.push(one);
  }
  const isOutOfReach = isPaused || isClosed(course, host) || isCutOff(course, fresh, old);
  return { slot, host, isPinned: isPaused, isOutOfReach, fresh, old, lost };
}

/** A host of a global service that nothing can be placed on, whatever it is. */
function isClosed(course: Course, host: string | undefined): boolean {
  return !isPlace(course, host) || (host !== undefined && course.view.hosts.get(host)!.pause !== undefined);
}

/**
 * Of a global service, a host that is lost or takes nothing new is none: what it has is missed by nobody. One that is paused
 * is, for as long as somebody is at it.
 * @param name undefined: the service is of a count, and any host will do
 */
export function isPlace({ view, target }: Course, name: string | undefined): boolean {
  if (name === undefined) return true;
  const host = view.hosts.get(name);
  return host !== undefined && schedulable.check({ host, usage: NO_USAGE }, target) && isUsable(host);
}

/** All that there is of it is on hosts that are lost, and is not to be replaced, or not yet. */
function isCutOff({ view }: Course, fresh: readonly Placement[], old: readonly Placement[]): boolean {
  const isAway = ({ host }: Placement): boolean => view.hosts.get(host)?.isLive !== true;
  return fresh.length + old.length > 0 && fresh.every(isAway) && old.every(isAway);
}

/**
 * What of a slot is of no use any more. One that is ready is kept, and of two that are, the newer; until one is, the last
 * of each kind is.
 * @param hasPassed a new instance may take the place of the old ones
 */
export function uselessOf(course: Course, slot: Slot, hasPassed: (fresh: Placement) => boolean): readonly Placement[] {
  if (slot.isPinned) return [];
  const { fresh, old, lost } = slot;
  const isGood = (one: Placement): boolean => isWell(course, one);
  const next = fresh.findLast(isGood) ?? fresh.at(-1);
  const others = fresh.filter((one) => one !== next);
  const isNextGood = next !== undefined && isGood(next);
  if (isNextGood && hasPassed(next)) return [...others, ...old, ...lost];
  const oldGood = old.filter(isGood);
  // Left by rollouts that were superseded: what was whole is better than what may not have been.
  const isProven = ({ release }: Placement): boolean => release === course.whole?.number;
  const best = [oldGood.filter(isProven), oldGood, old.filter(isProven).slice(0, 1)].find((some) => some.length > 0);
  const kept = best ?? old.slice(0, 1);
  const isServed = isNextGood || oldGood.length > 0;
  const gone = isServed ? lost : lost.slice(0, -1);
  // The two would fight over what both have. They are both there when a restored etcd forgot that the old one had gone.
  const isFight = next !== undefined && old.length > 0 && course.limits.isStopFirst && isExclusive(course.target);
  if (isFight && !isNextGood && oldGood.length > 0)
    return [...fresh, ...old.filter((one) => !kept.includes(one)), ...gone];
  return [...others, ...old.filter((one) => isFight || !kept.includes(one)), ...gone];
}
