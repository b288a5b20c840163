/** What is made of Docker's list before the plan. */
import { isCurrent } from './plan-instance';
import type { Actual, ActualContainer, Desired } from './types';

/** Keeps the engine's order within an instance: the one to keep comes first. */
export function groupByInstance(
  containers: readonly ActualContainer[],
): ReadonlyMap<string, readonly ActualContainer[]> {
  const groups = new Map<string, ActualContainer[]>();
  for (const container of containers) {
    const group = groups.get(container.instance);
    if (group === undefined) groups.set(container.instance, [container]);
    else group.push(container);
  }
  return groups;
}

/** The same containers, in the same state and health. Both are sorted alike. */
export function runAlike(before: Actual['containers'], now: Actual['containers']): boolean {
  if (before.size !== now.size) return false;
  for (const [instance, containers] of now) {
    const others = before.get(instance) ?? [];
    if (containers.length !== others.length || !containers.every((one, at) => runsAs(one, others[at]!))) return false;
  }
  return true;
}

function runsAs(one: ActualContainer, other: ActualContainer): boolean {
  const isSameRun = one.id === other.id && one.startedAtMs === other.startedAtMs;
  return isSameRun && one.state === other.state && one.health === other.health;
}

/** Only those that a plan may turn on: none when every instance has its container and no image is wanted ahead of need, so that a host at rest asks nothing. */
export function imagesInQuestion(
  desired: Desired,
  containers: ReadonlyMap<string, readonly ActualContainer[]>,
): readonly string[] {
  const references = new Set<string>();
  for (const [id, wanted] of desired.instances) {
    const container = containers.get(id)?.[0];
    const isMade = container !== undefined && isCurrent(container, wanted);
    if (wanted.spec !== undefined && !isMade) references.add(wanted.spec.container.image);
  }
  for (const { spec } of desired.prefetch.values()) if (spec !== undefined) references.add(spec.container.image);
  return [...references].sort();
}
