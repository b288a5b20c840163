/** Pure: how many instances a release wants, and which hosts they are for if they are for some. */
import type { Release } from '../../lib/documents/types';
import { isUsable, type HostView } from '../view';
import { FILTERS, whyNot } from './filters';
import { live } from './filters/live';
import type { ServiceInput } from './types';
import { NO_USAGE } from './usage';

export interface WantedSlot {
  readonly slot: number;
  /** Global services: the host that it is for. */
  readonly host?: string | undefined;
}

/**
 * By slot key. A global service wants a slot on every host that can take it, and keeps those on hosts that are lost.
 * @param refusals gets the hosts on which a global service belongs and for which they have no room
 */
export function wantedSlots(
  { view, usage, placements }: Pick<ServiceInput, 'view' | 'usage' | 'placements'>,
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
  const light = withoutReservations(target);
  for (const host of view.hosts.values()) {
    const refusal = occupied.has(host.name)
      ? whyNotKept(host, light)
      : whyNot({ host, usage: usage.of(host.name) }, target);
    if (refusal === undefined) add({ slot: 1, host: host.name });
    else if (belongs(host, light)) refusals?.set(host.name, refusal);
  }
  return wanted;
}

/** A host that has an instance already keeps it unless the constraints say otherwise: its own usage is no reason to go. */
function whyNotKept(host: HostView, light: Release): string | undefined {
  return isUsable(host) ? whyNot(asEmpty(host), light) : undefined;
}

/** The operator means this host, and only what is taken on it stands in the way. */
function belongs(host: HostView, light: Release): boolean {
  return FILTERS.filter((filter) => filter !== live).every((filter) => filter.check({ host, usage: NO_USAGE }, light));
}

function asEmpty(host: HostView): Parameters<typeof whyNot>[0] {
  return { host: { ...host, intent: undefined, pause: undefined }, usage: NO_USAGE };
}

function withoutReservations(target: Release): Release {
  return { ...target, deploy: { ...target.deploy, reservations: { nanoCpus: 0, memoryBytes: 0, resources: {} } } };
}

/** Slots sort by it. */
export function slotKey({ host, slot }: { readonly host: string; readonly slot: number }, { deploy }: Release): string {
  return deploy.mode === 'global' ? host : String(slot).padStart(6, '0');
}
