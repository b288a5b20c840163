import { planInstance } from './plan-instance';
import { REASONS } from './reasons';
import { NOTHING_REMEMBERED, type Actual, type Desired, type Memory, type Step } from './types';

/**
 * The agent's whole decision: what may be done now.
 *
 * Pure: equal inputs, equal steps. Sorted by instance, at most one step for each, none for one that a worker
 * is busy with or that has to wait. Empty when the host is as desired (a fixed point), and for every instance
 * about which something is unknown (G3).
 */
export function planHost(input: { desired: Desired; actual: Actual; memory: Memory; nowMs: number }): readonly Step[] {
  const { desired, actual, memory, nowMs } = input;
  const ids = [...new Set([...desired.instances.keys(), ...actual.containers.keys()])].sort();
  const leaving = slotsLeaving(desired, actual);
  const pulling = new Set([...memory.instances.values()].map((remembered) => remembered.pulling));
  const steps: Step[] = [];
  for (const instance of ids) {
    const remembered = memory.instances.get(instance) ?? NOTHING_REMEMBERED;
    if (remembered.inFlight || nowMs < remembered.notBeforeMs) continue;
    const wanted = desired.instances.get(instance);
    const decision = planInstance({
      instance,
      containers: actual.containers.get(instance) ?? [],
      wanted,
      held: whyHeld(instance, desired),
      hasImage: wanted?.spec !== undefined && actual.images.has(wanted.spec.container.image),
      hasPredecessor: wanted !== undefined && leaving.has(slotOf(wanted)),
      restarts: remembered.restarts,
      lostPort: remembered.lostPort,
    });
    if (decision.step === undefined) continue;
    if (decision.step.kind === 'start' && nowMs < remembered.restartNotBeforeMs) continue;
    if (decision.step.kind === 'pull') {
      // One pull serves all who want the image: registries count them.
      const { image } = decision.step.release.container;
      if (pulling.has(image)) continue;
      pulling.add(image);
    }
    steps.push(decision.step);
  }
  return steps;
}

/** Nothing is stopped because nothing says that it should run (G3). @returns undefined when it is not held */
export function whyHeld(instance: string, { held, instances, isComplete }: Desired): string | undefined {
  if (held.has(instance)) return REASONS.held;
  return instances.has(instance) || isComplete ? undefined : REASONS.assignmentMissing;
}

/** Slots of containers that the assignment leaves out, though they are still there. */
export function slotsLeaving(desired: Desired, actual: Actual): ReadonlySet<string> {
  const slots = new Set<string>();
  if (!desired.isComplete) return slots;
  for (const [instance, [container]] of actual.containers)
    if (container !== undefined && !desired.instances.has(instance) && !desired.held.has(instance))
      slots.add(slotOf(container));
  return slots;
}

export function slotOf({ service, slot }: { readonly service: string; readonly slot: number }): string {
  return `${service}/${slot}`;
}
