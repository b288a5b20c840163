import { planInstance } from './plan-instance';
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
  const steps: Step[] = [];
  for (const instance of ids) {
    const remembered = memory.instances.get(instance) ?? NOTHING_REMEMBERED;
    if (remembered.inFlight || nowMs < remembered.notBeforeMs) continue;
    const wanted = desired.instances.get(instance);
    const decision = planInstance({
      instance,
      containers: actual.containers.get(instance) ?? [],
      wanted,
      isHeld: desired.held.has(instance) || (wanted === undefined && !desired.isComplete),
      hasImage: wanted?.spec !== undefined && actual.images.has(wanted.spec.container.image),
      restarts: remembered.restarts,
    });
    if (decision.step !== undefined) steps.push(decision.step);
  }
  return steps;
}
