/** Pure: which instances of a service stay, leave and come, and where they go. */
import type { Release, ServiceStatus } from '../../lib/documents/types';
import { isUsable, reportOf, type HostView, type Placement } from '../view';
import { FILTERS, whyNot } from './choose-host';
import { live } from './filters/live';
import { isPinned } from './pauses';
import { placeInstance, removeInstance, restoreInstance, type Placing } from './placing';
import { pointTo } from './point-placement';
import type { ServiceInput } from './types';
import { isExclusive } from '../rollouts/limits';
import { planRollout, slotKey } from './rollout';
import { NO_USAGE } from './usage';

/** Reasons of this many hosts go into the service's status. */
const MAX_UNPLACED_HOSTS = 20;

export interface Placed {
  readonly placements: readonly Placement[];
  readonly unplaced: ServiceStatus['unplaced'];
}

/** @param releases all of the service's that can be read, the target included */
export function place(input: ServiceInput, target: Release, releases: ReadonlyMap<number, Release>): Placed {
  const placing: Placing = { ...input, target, releases, refusals: new Map() };
  const wanted = wantedSlots(placing, target, placing.refusals);
  const isWanted = (placement: Placement): boolean => wanted.has(slotKey(placement, target));
  const { free, frozen } = splitFrozen(input, target);
  // Those that leave make room before it is asked who fits where.
  for (const surplus of free) if (!isWanted(surplus)) removeInstance(placing, surplus);
  const step = planRollout({
    target,
    placements: free.filter(isWanted).map((placement) => pointTo(input, target, placement, releases)),
    reportOf: (placement) => reportOf(input.view, placement),
  });
  for (const gone of step.removed) removeInstance(placing, gone);
  const placements = [...replaceOne(placing, step.outdated, step.kept), ...frozen];
  const taken = new Set(placements.map((placement) => slotKey(placement, target)));
  for (const [key, slot] of wanted) {
    if (taken.has(key)) continue;
    const placement = placeInstance(placing, slot.slot, { only: slot.host });
    if (placement !== undefined) placements.push(placement);
    // Every host has refused one, and another one is no different.
    else if (slot.host === undefined) break;
  }
  const unplaced = [...placing.refusals].slice(0, MAX_UNPLACED_HOSTS).map(([host, reason]) => ({ host, reason }));
  return { placements, unplaced };
}

/** A slot with a paused instance stays as it is: nothing of it goes, and nothing comes. */
function splitFrozen(
  { placements, pauses }: ServiceInput,
  target: Release,
): { readonly free: readonly Placement[]; readonly frozen: readonly Placement[] } {
  const pinned = placements.filter((placement) => isPinned(pauses, placement));
  if (pinned.length === 0) return { free: placements, frozen: [] };
  const slots = new Set(pinned.map((placement) => slotKey(placement, target)));
  const isFrozen = (placement: Placement): boolean => slots.has(slotKey(placement, target));
  return { free: placements.filter((one) => !isFrozen(one)), frozen: placements.filter(isFrozen) };
}

/** Nothing is taken away for a successor that has no place: then the old one stays, and another one is tried. */
function replaceOne(placing: Placing, outdated: readonly Placement[], kept: readonly Placement[]): Placement[] {
  const { target } = placing;
  const isStopFirst = isExclusive(target);
  const isGlobal = target.deploy.mode === 'global';
  for (const old of outdated) {
    if (isStopFirst) removeInstance(placing, old);
    const successor = placeInstance(placing, old.slot, { only: isGlobal ? old.host : undefined, preferred: old.host });
    if (successor !== undefined)
      return [...(isStopFirst ? kept.filter((placement) => placement !== old) : kept), successor];
    if (isStopFirst) restoreInstance(placing, old);
    // Beside the old ones, every host was asked already.
    if (!isStopFirst && !isGlobal) break;
  }
  return [...kept];
}

export interface WantedSlot {
  readonly slot: number;
  /** Global services: the host that it is for. */
  readonly host?: string;
}

/**
 * By slot key. A global service wants a slot on every host that can take it, and keeps those on hosts that are lost.
 * @param refusals gets the hosts on which a global service belongs and for which they have no room
 */
export function wantedSlots(
  { view, usage, placements }: ServiceInput,
  target: Release,
  refusals?: Map<string, string>,
): ReadonlyMap<string, WantedSlot> {
  const wanted = new Map<string, WantedSlot>();
  const add = (slot: WantedSlot): void =>
    void wanted.set(slotKey({ host: slot.host ?? '', slot: slot.slot }, target), slot);
  if (target.deploy.mode !== 'global') {
    for (let slot = 1; slot <= target.deploy.replicas; slot++) add({ slot });
    return wanted;
  }
  const occupied = new Set(placements.map(({ host }) => host));
  for (const host of view.hosts.values()) {
    const refusal = occupied.has(host.name)
      ? whyNotKept(host, target)
      : whyNot({ host, usage: usage.of(host.name) }, target);
    if (refusal === undefined) add({ slot: 1, host: host.name });
    else if (belongs(host, target)) refusals?.set(host.name, refusal);
  }
  return wanted;
}

/** A host that has an instance already keeps it unless the constraints say otherwise: its own usage is no reason to go. */
function whyNotKept(host: HostView, target: Release): string | undefined {
  return isUsable(host) ? whyNot(asEmpty(host), withoutReservations(target)) : undefined;
}

/** The operator means this host, and only what is taken on it stands in the way. */
function belongs(host: HostView, target: Release): boolean {
  return FILTERS.filter((filter) => filter !== live).every((filter) =>
    filter.check({ host, usage: NO_USAGE }, withoutReservations(target)),
  );
}

function asEmpty(host: HostView): Parameters<typeof whyNot>[0] {
  return { host: { ...host, intent: undefined, pause: undefined }, usage: NO_USAGE };
}

function withoutReservations(target: Release): Release {
  return { ...target, deploy: { ...target.deploy, reservations: { nanoCpus: 0, memoryBytes: 0, resources: {} } } };
}
