import type { Release } from '../../lib/documents/types';
import { effectiveConfig } from '../../lib/release/config';
import { isMadeFrom, sameContainer } from '../../lib/release/spec-hash';
import { hostConfig } from '../releases/resolve-config';
import { reportOf, type ClusterView, type Placement } from '../view';
import { capacity } from './filters/capacity';
import { constraints } from './filters/constraints';
import { staticPort } from './filters/static-port';
import type { Usage } from './usage';

/**
 * A placement whose container is as the target wants it only gets the target's number, unless its host has no room
 * for what the target reserves, has given one of its ports to another, or breaks its constraints. What the host
 * reports counts too: the release that the container was made from may be lost with an emptied etcd.
 */
export function pointTo(
  { view, usage }: { readonly view: ClusterView; readonly usage: Usage },
  target: Release,
  placement: Placement,
  releases: ReadonlyMap<number, Release>,
): Placement {
  if (placement.release === target.number) return placement;
  const release = releases.get(placement.release);
  const own = hostConfig(target.container, view.config, placement.host, placement.config);
  const { container, config } = { ...target, config: effectiveConfig(target.config, own) };
  const isSame =
    release === undefined
      ? isMadeFrom(reportOf(view, placement)?.spec ?? '', container, config)
      : sameContainer({ ...release, config: effectiveConfig(release.config, placement.config) }, { container, config });
  const host = view.hosts.get(placement.host);
  if (!isSame || host === undefined) return placement;
  const pointed = { ...placement, release: target.number, config: own };
  usage.giveBack(placement, release);
  const taken = usage.of(placement.host);
  // Of a host that has not said what its labels are, nothing can be held against it.
  const isWelcome = host.record === undefined || constraints.check({ host, usage: taken }, target);
  // Ports of a release that is known are its own already.
  const rules = release === undefined ? [capacity, staticPort] : [capacity];
  const fits = isWelcome && rules.every((rule) => rule.check({ host, usage: taken }, target));
  usage.take(fits ? pointed : placement, fits ? target : release, reportOf(view, placement));
  return fits ? pointed : placement;
}
