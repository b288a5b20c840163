/**
 * depends_on within one host: what is needed starts before what needs it, and stops after it. A hint: nobody waits for
 * what fails, for what is part of a circle, or for longer than a minute.
 */
import type { Actual, Desired, Memory } from './types';
import { NOTHING_REMEMBERED } from './types';

/** From when the agent first saw that an instance is wanted. */
export const PATIENCE_MS = 60_000;

interface OrderInput {
  readonly desired: Desired;
  readonly actual: Actual;
  readonly memory: Memory;
  readonly nowMs: number;
}

export interface Order {
  /** @returns the service that the instance waits for before it is made; undefined when for none */
  startsAfter(instance: string): string | undefined;
  /** @returns the service that the leaving container of this instance waits for before it is stopped */
  stopsAfter(instance: string): string | undefined;
}

const NO_ORDER: Order = { startsAfter: () => undefined, stopsAfter: () => undefined };

/** Costs nothing on a host where nothing depends on anything. */
export function orderOf(input: OrderInput): Order {
  const { desired, actual } = input;
  const needs = new Map<string, Set<string>>();
  const note = (service: string, dependsOn: readonly string[]): void => {
    if (dependsOn.length === 0) return;
    const known = needs.get(service) ?? new Set();
    for (const needed of dependsOn) if (needed !== service) known.add(needed);
    needs.set(service, known);
  };
  for (const { service, spec } of desired.instances.values()) note(service, spec?.deploy.dependsOn ?? []);
  for (const [container] of actual.containers.values())
    if (container !== undefined) note(container.service, container.leave.dependsOn);
  if (needs.size === 0) return NO_ORDER;
  return {
    startsAfter: (instance) => {
      const wanted = desired.instances.get(instance);
      if (wanted === undefined) return undefined;
      const since = input.memory.instances.get(instance)?.wantedSinceMs ?? input.nowMs;
      if (input.nowMs - since >= PATIENCE_MS) return undefined;
      return [...(needs.get(wanted.service) ?? [])]
        .sort()
        .find((needed) => !reaches(needs, needed, wanted.service) && isComingUp(needed, input));
    },
    stopsAfter: (instance) => {
      const service = actual.containers.get(instance)?.[0]?.service;
      if (service === undefined) return undefined;
      return [...needs.keys()]
        .sort()
        .find(
          (other) => needs.get(other)!.has(service) && !reaches(needs, service, other) && isGoingDown(other, input),
        );
    },
  };
}

/** Some instance of the service is wanted here, is not up yet, and nothing is wrong with it. */
function isComingUp(service: string, { desired, actual, memory }: OrderInput): boolean {
  return [...desired.instances].some(([id, wanted]) => {
    if (wanted.service !== service || wanted.before || wanted.spec === undefined || desired.held.has(id)) return false;
    const state = actual.containers.get(id)?.[0]?.state;
    const { isFailing } = memory.instances.get(id) ?? NOTHING_REMEMBERED;
    return (state === undefined || state === 'created') && !isFailing;
  });
}

/** Some container of the service is on its way out, still up, and nothing is wrong with that. */
function isGoingDown(service: string, { desired, actual, memory }: OrderInput): boolean {
  if (!desired.isComplete) return false;
  return [...actual.containers].some(([id, [container]]) => {
    if (container?.service !== service || desired.instances.has(id) || desired.held.has(id)) return false;
    return container.state === 'running' && !(memory.instances.get(id) ?? NOTHING_REMEMBERED).isFailing;
  });
}

function reaches(needs: ReadonlyMap<string, ReadonlySet<string>>, from: string, to: string): boolean {
  const seen = new Set<string>();
  const toVisit = [from];
  for (let service = toVisit.pop(); service !== undefined; service = toVisit.pop()) {
    if (service === to) return true;
    if (seen.has(service)) continue;
    seen.add(service);
    toVisit.push(...(needs.get(service) ?? []));
  }
  return false;
}
