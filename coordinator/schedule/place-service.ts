/** Pure: which instances of a service stay, leave and come, and where they go. */
import type { Release, ServiceStatus } from '../../lib/documents/types';
import { instanceId } from '../../lib/names';
import { isUsable, reportOf, type HostView, type Placement } from '../view';
import { chooseHost, FILTERS, whyNot } from './choose-host';
import { live } from './filters/live';
import { isPinned } from './pauses';
import { pointTo } from './point-placement';
import type { ServiceInput } from './types';
import { isExclusive, planRollout, slotKey } from './rollout';
import { emptyUsage, giveBack, take, usageOf } from './usage';

/** Reasons of this many hosts go into the service's status. */
const MAX_UNPLACED_HOSTS = 20;

export interface Placed {
  readonly placements: readonly Placement[];
  readonly unplaced: ServiceStatus['unplaced'];
}

/** One service's placing: what every part of it needs. */
interface Placing extends ServiceInput {
  readonly target: Release;
  readonly releases: ReadonlyMap<number, Release>;
  /** Why, by host, for people; filled on the way. */
  readonly refusals: Map<string, string>;
}

/** @param releases all of the service's that can be read, the target included */
export function place(input: ServiceInput, target: Release, releases: ReadonlyMap<number, Release>): Placed {
  const placing: Placing = { ...input, target, releases, refusals: new Map() };
  const wanted = wantedSlots(placing, target, placing.refusals);
  const isWanted = (placement: Placement): boolean => wanted.has(slotKey(placement, target));
  const { free, frozen } = splitFrozen(input, target);
  // Those that leave make room before it is asked who fits where.
  for (const surplus of free) if (!isWanted(surplus)) release(placing, surplus);
  const step = planRollout({
    target,
    placements: free.filter(isWanted).map((placement) => pointTo(input, target, placement, releases)),
    reportOf: (placement) => reportOf(input.view, placement),
  });
  for (const gone of step.removed) release(placing, gone);
  const placements = [...replaceOne(placing, step.outdated, step.kept), ...frozen];
  const taken = new Set(placements.map((placement) => slotKey(placement, target)));
  for (const [key, slot] of wanted) {
    if (taken.has(key)) continue;
    const placement = placeOne(placing, slot.slot, slot.host, undefined);
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
  const { target, releases, view } = placing;
  const isStopFirst = isExclusive(target);
  const isGlobal = target.deploy.mode === 'global';
  for (const old of outdated) {
    if (isStopFirst) release(placing, old);
    const successor = placeOne(placing, old.slot, isGlobal ? old.host : undefined, old.host);
    if (successor !== undefined)
      return [...(isStopFirst ? kept.filter((placement) => placement !== old) : kept), successor];
    if (isStopFirst) take(usageOf(placing.usage, old.host), old, releases.get(old.release), reportOf(view, old));
    // Beside the old ones, every host was asked already.
    if (!isStopFirst && !isGlobal) break;
  }
  return [...kept];
}

function release({ usage, releases }: Placing, placement: Placement): void {
  giveBack(usageOf(usage, placement.host), placement, releases.get(placement.release));
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
      : whyNot({ host, usage: usageOf(usage, host.name) }, target);
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
    filter.check({ host, usage: emptyUsage() }, withoutReservations(target)),
  );
}

function asEmpty(host: HostView): Parameters<typeof whyNot>[0] {
  return { host: { ...host, intent: undefined, pause: undefined }, usage: emptyUsage() };
}

function withoutReservations(target: Release): Release {
  return { ...target, deploy: { ...target.deploy, reservations: { nanoCpus: 0, memoryBytes: 0, resources: {} } } };
}

/**
 * @param only the one host that it is for, if it is for one
 * @param preferred taken when it can take the instance
 */
function placeOne(
  { view, usage, service, random, target, refusals }: Placing,
  slot: number,
  only: string | undefined,
  preferred: string | undefined,
): Placement | undefined {
  const host = only === undefined ? undefined : view.hosts.get(only);
  const hosts = only === undefined ? [...view.hosts.values()] : host === undefined ? [] : [host];
  const choice = chooseHost(
    hosts.map((one) => ({ host: one, usage: usageOf(usage, one.name) })),
    target,
    preferred,
  );
  if ('refusals' in choice) {
    for (const [name, reason] of choice.refusals) refusals.set(name, reason);
    return undefined;
  }
  const id = instanceId(service, slot, random);
  const placement = {
    id,
    host: choice.host,
    service,
    slot,
    release: target.number,
    isReported: false,
    config: {},
    isBefore: false,
  };
  take(usageOf(usage, choice.host), placement, target);
  return placement;
}
