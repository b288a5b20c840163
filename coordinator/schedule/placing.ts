/**
 * Pure: the primitives of placing one service. Usage of hosts is kept up here and nowhere else, so that whoever decides
 * which instances come and go can't overcommit a host (G9).
 */
import type { Release } from '../../lib/documents/types';
import { instanceId } from '../../lib/names';
import { jobContainer } from '../../lib/release/job-container';
import { hostConfig } from '../releases/resolve-config';
import { reportOf, type Placement } from '../view';
import { chooseHost } from './choose-host';
import type { ServiceInput } from './types';

/** One service's placing: what every part of it needs. */
export interface Placing extends ServiceInput {
  /** What is placed, unless another release is named. */
  readonly target: Release;
  /** All of the service's that can be read, the target included. */
  readonly releases: ReadonlyMap<number, Release>;
  /** Why, by host, for people: the last refusal of each host that refused. Filled on the way. */
  readonly refusals: Map<string, string>;
}

export interface Where {
  /** The one host that it is for, if it is for one. */
  readonly only?: string | undefined;
  /** Taken whenever it can take the instance: where its predecessor is. */
  readonly preferred?: string | undefined;
  /** Not there: it is to move away. */
  readonly avoid?: string | undefined;
  /** Of another release than the target. */
  readonly release?: Release | undefined;
  /** It is the release's `before` job. */
  readonly isBefore?: boolean;
}

/** @returns the new instance, its usage taken; undefined when no host takes it, and `refusals` says why */
export function placeInstance(placing: Placing, slot: number, where: Where = {}): Placement | undefined {
  const { view, usage, service, random, refusals } = placing;
  const { only, preferred, avoid, release = placing.target, isBefore = false } = where;
  const host = only === undefined ? undefined : view.hosts.get(only);
  const hosts = only === undefined ? [...view.hosts.values()] : host === undefined ? [] : [host];
  const choice = chooseHost(
    hosts.filter(({ name }) => name !== avoid).map((one) => ({ host: one, usage: usage.of(one.name) })),
    release,
    preferred,
  );
  if ('refusals' in choice) {
    for (const [name, reason] of choice.refusals) refusals.set(name, reason);
    return undefined;
  }
  const id = instanceId(service, slot, random);
  const placement = {
    ...{ id, host: choice.host, service, slot, release: release.number },
    config: hostConfig(isBefore ? jobContainer(release) : release.container, view.config, choice.host),
    ...{ isReported: false, isBefore },
  };
  usage.take(placement, release);
  return placement;
}

/** It leaves: what it took may be given to another. */
export function removeInstance({ usage, releases }: Placing, placement: Placement): void {
  usage.giveBack(placement, releases.get(placement.release));
}

/** It stays after all: what `removeInstance` gave back is taken again. */
export function restoreInstance({ usage, releases, view }: Placing, placement: Placement): void {
  usage.take(placement, releases.get(placement.release), reportOf(view, placement));
}
