import type { Release } from '../../lib/documents/types';
import { capacity } from './filters/capacity';
import { constraints } from './filters/constraints';
import { live } from './filters/live';
import { paused } from './filters/paused';
import { schedulable } from './filters/schedulable';
import { staticPort } from './filters/static-port';
import type { Candidate, Filter } from './types';

/** In the order in which they are asked: the first that fails is the reason that an operator reads. */
export const FILTERS: readonly Filter[] = [live, schedulable, paused, constraints, capacity, staticPort];

/** @returns why the host can't take an instance of the release; undefined when it can */
export function whyNot(candidate: Candidate, release: Release): string | undefined {
  return FILTERS.find((filter) => !filter.check(candidate, release))?.explain(candidate, release);
}

export type Choice =
  | { readonly host: string }
  /** Nobody can take it; why, by host name. */
  | { readonly refusals: ReadonlyMap<string, string> };

/**
 * Spread: the host with the fewest instances of the service, then with the fewest at all, then the first by name.
 * @param preferred taken whenever it can take the instance: where its predecessor is
 */
export function chooseHost(candidates: Iterable<Candidate>, release: Release, preferred?: string): Choice {
  const refusals = new Map<string, string>();
  let best: Candidate | undefined;
  for (const candidate of candidates) {
    const refusal = whyNot(candidate, release);
    if (refusal !== undefined) refusals.set(candidate.host.name, refusal);
    else if (candidate.host.name === preferred) return { host: preferred };
    else if (best === undefined || compare(candidate, best, release.service) < 0) best = candidate;
  }
  return best === undefined ? { refusals } : { host: best.host.name };
}

function compare(a: Candidate, b: Candidate, service: string): number {
  return (
    (a.usage.ofService.get(service) ?? 0) - (b.usage.ofService.get(service) ?? 0) ||
    a.usage.instances - b.usage.instances ||
    (a.host.name < b.host.name ? -1 : 1)
  );
}
