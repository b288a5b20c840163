import { orderOf } from './order';
import { pauseOf } from './pause';
import { prefetchPulls } from './prefetch';
import { planInstance, type InstanceInput } from './plan-instance';
import { REASONS } from './reasons';
import { NOTHING_REMEMBERED, type Actual, type Desired, type Memory, type Step } from './types';

export interface HostInput {
  readonly desired: Desired;
  readonly actual: Actual;
  readonly memory: Memory;
  /** Monotonic. */
  readonly nowMs: number;
}

/**
 * The agent's whole decision: what may be done now.
 *
 * Pure: equal inputs, equal steps. Sorted by instance, pulls ahead of need last, at most one step for each, none for one that a worker
 * is busy with or that has to wait. Empty when the host is as desired (a fixed point), and for every instance
 * about which something is unknown (G3).
 */
export function planHost(input: HostInput): readonly Step[] {
  const { memory, nowMs } = input;
  // One pull serves all who want the image, and one failure speaks for all: registries count them, and lock accounts.
  const spared = new Set<string | undefined>();
  for (const { pulling, failedPull, notBeforeMs } of memory.instances.values())
    spared.add(pulling).add(nowMs < notBeforeMs ? failedPull : undefined);
  const steps: Step[] = [];
  const add = (step: Step): void => {
    if (step.kind === 'pull') {
      const { image } = step.release.container;
      if (spared.has(image)) return;
      spared.add(image);
    }
    steps.push(step);
  };
  for (const one of instancesOf(input)) {
    const { inFlight, notBeforeMs } = one.remembered;
    if (inFlight || nowMs < notBeforeMs) continue;
    const { step } = planInstance(one);
    if (step !== undefined && nowMs >= dueMs(step, one)) add(step);
  }
  // What is needed now goes first.
  for (const pull of prefetchPulls(input)) {
    const { inFlight, notBeforeMs } = memory.instances.get(pull.instance) ?? NOTHING_REMEMBERED;
    if (!inFlight && nowMs >= notBeforeMs) add(pull);
  }
  return steps;
}

/** Monotonic time from which on a step may be taken: restarts wait for their delay, and what failed for its own. */
export function dueMs({ kind }: Step, { remembered }: Pick<InstanceInput, 'remembered'>): number {
  const isRestart = kind === 'start' || kind === 'restart';
  return Math.max(remembered.notBeforeMs, isRestart ? remembered.restartNotBeforeMs : 0);
}

/** What is to be decided on, sorted by instance: everything that is wanted or there. */
export function instancesOf(input: HostInput): readonly InstanceInput[] {
  const { desired, actual, memory } = input;
  const ids = [...new Set([...desired.instances.keys(), ...actual.containers.keys()])].sort();
  const leaving = slotsLeaving(desired, actual);
  const order = orderOf(input);
  return ids.map((instance) => {
    const wanted = desired.instances.get(instance);
    const containers = actual.containers.get(instance) ?? [];
    return {
      ...{ instance, containers, wanted },
      held: whyHeld(instance, desired),
      pause: pauseOf(instance, (wanted ?? containers[0])?.service, desired.pauses),
      hasImage: wanted?.spec !== undefined && actual.images.has(wanted.spec.container.image),
      hasPredecessor: wanted !== undefined && leaving.has(slotOf(wanted)),
      after: { start: order.startsAfter(instance), stop: order.stopsAfter(instance) },
      remembered: memory.instances.get(instance) ?? NOTHING_REMEMBERED,
      capacity: actual.capacity,
    };
  });
}

/** Nothing is stopped because nothing says that it should run (G3). @returns undefined when it is not held */
function whyHeld(instance: string, { held, instances, isComplete }: Desired): string | undefined {
  if (held.has(instance)) return REASONS.held;
  return instances.has(instance) || isComplete ? undefined : REASONS.assignmentMissing;
}

/** Slots of containers that the assignment leaves out, though they are still there. */
function slotsLeaving(desired: Desired, actual: Actual): ReadonlySet<string> {
  const slots = new Set<string>();
  if (!desired.isComplete) return slots;
  for (const [instance, [container]] of actual.containers)
    if (container !== undefined && !desired.instances.has(instance) && !desired.held.has(instance))
      slots.add(slotOf(container));
  return slots;
}

function slotOf({ service, slot }: { readonly service: string; readonly slot: number }): string {
  return `${service}/${slot}`;
}
