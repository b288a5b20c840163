import type { Release } from '../../lib/documents/types';
import { effectiveConfig } from '../../lib/release/config';
import { isMadeFrom, sameContainer } from '../../lib/release/spec-hash';
import { hostConfig } from '../releases/resolve-config';
import { reportOf, type Placement } from '../view';
import { capacity } from './filters/capacity';
import { RULES } from './filters';
import { staticPort } from './filters/static-port';
import { inSlot } from './placing';
import type { ServiceInput } from './types';

/** It is from when the service was on every host, and is to be one of a count: its slot says nothing. */
export function isFromEveryHost(release: Release | undefined, target: Release): boolean {
  return release?.deploy.mode === 'global' && target.deploy.mode !== 'global';
}

/** @returns the placements, those that are as the target wants them with its number. @param isFixed whose number stays */
export function pointAll(
  input: Pick<ServiceInput, 'view' | 'usage' | 'placements'>,
  target: Release,
  placements: readonly Placement[],
  releases: ReadonlyMap<number, Release>,
  isFixed: (placement: Placement) => boolean,
): readonly Placement[] {
  const isNumbered = ({ release }: Placement): boolean => !isFromEveryHost(releases.get(release), target);
  // They all have slot 1, and one may keep it: the others are to become others.
  let isFirstThere = target.deploy.mode !== 'global' && placements.some((one) => one.slot === 1 && isNumbered(one));
  return placements.map((one) => {
    if (isFixed(one) || (isFirstThere && !isNumbered(one))) return one;
    const pointed = pointTo(input, target, one, releases);
    if (pointed !== one && !isNumbered(one)) isFirstThere = true;
    return pointed;
  });
}

/**
 * A placement whose container is as the target wants it only gets the target's number, unless its host has no room
 * for what the target reserves, has given one of its ports to another, or breaks one of its rules. What the host
 * reports counts too: the release that the container was made from may be lost with an emptied etcd.
 */
export function pointTo(
  input: Pick<ServiceInput, 'view' | 'usage' | 'placements'>,
  target: Release,
  placement: Placement,
  releases: ReadonlyMap<number, Release>,
): Placement {
  const { view, usage } = input;
  if (placement.release === target.number) return placement;
  const release = releases.get(placement.release);
  const own = hostConfig(target.container, view.config, placement.host, placement.config);
  const { container, config } = { ...target, config: effectiveConfig(target.config, own) };
  const isSame =
    release === undefined
      ? isMadeFrom(reportOf(view, placement)?.spec ?? '', container, config)
      : sameContainer({ ...release, config: effectiveConfig(release.config, placement.config) }, { ...target, config });
  const host = view.hosts.get(placement.host);
  if (!isSame || host === undefined) return placement;
  const pointed = { ...placement, release: target.number, config: own };
  usage.giveBack(placement, release);
  const candidate = { host, usage: usage.of(placement.host), ofSlot: inSlot(input, target, placement) };
  // Of a host that has not said what its labels are, nothing can be held against it.
  const isWelcome = host.record === undefined || RULES.every((rule) => rule.check(candidate, target));
  // Ports of a release that is known are its own already.
  const rules = release === undefined ? [capacity, staticPort] : [capacity];
  const fits = isWelcome && rules.every((rule) => rule.check(candidate, target));
  usage.take(fits ? pointed : placement, fits ? target : release, reportOf(view, placement));
  return fits ? pointed : placement;
}
