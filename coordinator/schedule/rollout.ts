/**
 * The move of a service from what is placed to its target release, one instance at a time. The seam for the full
 * rollout: it only says which instances leave and which slots want one of the target release.
 */
import type { InstanceStatus, Release } from '../../lib/documents/types';
import type { Placement } from '../view';
import { isExclusive } from '../rollouts/limits';
import { isDone, isReady } from '../rollouts/readiness';

export interface RolloutInput {
  readonly target: Release;
  /** All of the service's. One that is of the target release needs no replacement. */
  readonly placements: readonly Placement[];
  readonly reportOf: (placement: Placement) => InstanceStatus | undefined;
}

export interface RolloutStep {
  /** Placements that stay, those of `outdated` among them. */
  readonly kept: readonly Placement[];
  readonly removed: readonly Placement[];
  /** In the order in which they are to be tried: the first for whose successor there is a place is replaced now. */
  readonly outdated: readonly Placement[];
}

export function planRollout(input: RolloutInput): RolloutStep {
  const { target, reportOf } = input;
  const removed: Placement[] = [];
  const outdated: Placement[] = [];
  let isMoving = false;
  for (const slot of groupBySlot(input.placements, target)) {
    const current = slot.filter(({ release }) => release === target.number);
    const old = slot.filter(({ release }) => release !== target.number);
    const ready = current.find((placement) => isReady(reportOf(placement)) || isDone(reportOf(placement)));
    // A successor that is ready ends its slot's move; one too many, from an edit that undid another, ends as well.
    if (ready !== undefined) removed.push(...old, ...current.filter((placement) => placement !== ready));
    else if (current.length > 0) {
      isMoving = true;
      // Both of an exclusive slot are there when a restored etcd forgot that the old one had gone: it is in the way.
      removed.push(...(isExclusive(target) ? old : unneeded(old, input)));
    } else {
      const gone = unneeded(old, input);
      removed.push(...gone);
      outdated.push(...old.filter((placement) => !gone.includes(placement)));
    }
  }
  const gone = new Set(removed);
  return {
    kept: input.placements.filter((placement) => !gone.has(placement)),
    removed,
    outdated: isMoving ? [] : brokenFirst(outdated, input),
  };
}

/** One that serves nobody goes first: nothing is lost with it. */
function brokenFirst(outdated: readonly Placement[], { reportOf }: RolloutInput): readonly Placement[] {
  const serves = (placement: Placement): boolean => isReady(reportOf(placement));
  return [...outdated.filter((placement) => !serves(placement)), ...outdated.filter(serves)];
}

/** Of several old ones in a slot, those that serve nobody while another one does: left by a rollout that was superseded. */
function unneeded(old: readonly Placement[], { reportOf }: RolloutInput): readonly Placement[] {
  const kept = old.find((placement) => isReady(reportOf(placement))) ?? old[0];
  return old.filter((placement) => placement !== kept && !isReady(reportOf(placement)));
}

/** Slots in their order; of a global service, each host is a slot. */
function groupBySlot(placements: readonly Placement[], target: Release): readonly (readonly Placement[])[] {
  const slots = new Map<string, Placement[]>();
  for (const placement of placements) {
    const key = slotKey(placement, target);
    const slot = slots.get(key);
    if (slot === undefined) slots.set(key, [placement]);
    else slot.push(placement);
  }
  return [...slots.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, slot]) => slot);
}

export function slotKey({ host, slot }: { readonly host: string; readonly slot: number }, { deploy }: Release): string {
  return deploy.mode === 'global' ? host : String(slot).padStart(6, '0');
}
