import type { Release } from '../../../lib/documents/types';
import type { Candidate, Filter } from '../types';
import { capacity } from './capacity';
import { constraints } from './constraints';
import { keepAway } from './keep-away';
import { live } from './live';
import { maxPerNode } from './max-per-node';
import { paused } from './paused';
import { platform } from './platform';
import { room } from './room';
import { schedulable } from './schedulable';
import { staticPort } from './static-port';
import { volume } from './volume';

/** In the order in which they are asked: the first that fails is the reason that an operator reads. */
export const FILTERS: readonly Filter[] = [
  ...[live, schedulable, paused, constraints, platform, volume],
  ...[maxPerNode, keepAway, room, capacity, staticPort],
];

/** What operators say of hosts and services: who breaks one of these has to move. What runs has its platform and volumes. */
export const RULES: readonly Filter[] = [constraints, maxPerNode, keepAway];

/** @returns why the host can't take an instance of the release; undefined when it can */
export function whyNot(candidate: Candidate, release: Release): string | undefined {
  return FILTERS.find((filter) => !filter.check(candidate, release))?.explain(candidate, release);
}

export function fits(candidate: Candidate, release: Release): boolean {
  return FILTERS.every((filter) => filter.check(candidate, release));
}
