/**
 * Pure: the primitives of placing one service. Usage of hosts is kept up here and nowhere else, so that whoever decides
 * which instances come and go can't overcommit a host (G9).
 */
import type { Release } from '../../lib/documents/types';
import { instanceId } from '../../lib/names';
import { jobContainer } from '../../lib/release/job-container';
import { hostConfig } from '../releases/resolve-config';
import { reportOf, type HostView, type Placement } from '../view';
import { HostQueue } from './choose-host';
import { fits, whyNot } from './filters';
import { isPlain, Ladder } from './ladder';
import { ownVolumes } from './own-volumes';
import type { ServiceInput } from './types';
import type { Usage } from './usage';

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
  /**
   * Where its predecessor is: taken whenever it can take the instance. One that has data there, in a volume with a name,
   * goes nowhere else.
   */
  readonly preferred?: string | undefined;
  /** Where its predecessor is, too, but it is to move away. */
  readonly avoid?: string | undefined;
  /** Of another release than the target. */
  readonly release?: Release | undefined;
  /** It is the release's `before` job. */
  readonly isBefore?: boolean;
}

/** @returns the new instance, its usage taken; undefined when no host takes it, and `refusals` says why */
export function placeInstance(placing: Placing, slot: number, where: Where = {}): Placement | undefined {
  const { usage, service, random, view } = placing;
  const { release = placing.target, isBefore = false } = where;
  const host = hostFor(placing, slot, release, where);
  if (host === undefined) return undefined;
  const placement: Placement = {
    id: instanceId(service, slot, random),
    host: host.name,
    service,
    slot,
    release: release.number,
    isReported: false,
    config: hostConfig(isBefore ? jobContainer(release) : release.container, view.config, host.name),
    isBefore,
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

/**
 * @param release that is placed: for most, nobody asks
 * @returns how many instances of a slot are on a host already, those that were given back aside
 */
export function inSlot(
  { placements, usage }: Pick<Placing, 'placements' | 'usage'>,
  { service, deploy }: Release,
  { slot, host }: { readonly slot: number; readonly host: string },
): number {
  if (deploy.maxReplicasPerNode === 0 && !deploy.keepAwayFrom.includes(service)) return 0;
  return placements.filter((one) => one.host === host && one.slot === slot && !one.isBefore && !usage.isGone(one))
    .length;
}

function hostFor(placing: Placing, slot: number, release: Release, where: Where): HostView | undefined {
  const { view, usage, refusals } = placing;
  const { only, preferred, avoid } = where;
  const isAble = (name: string): HostView | undefined => {
    const host = view.hosts.get(name);
    const candidate = host && { host, usage: usage.of(name), ofSlot: inSlot(placing, release, { slot, host: name }) };
    if (candidate !== undefined && fits(candidate, release)) return host;
    if (candidate !== undefined) refusals.set(name, whyNot(candidate, release) ?? '');
    return undefined;
  };
  if (only !== undefined) return isAble(only);
  const home = preferred ?? avoid;
  const [data] = ownVolumes(release);
  if (home !== undefined && view.hosts.has(home) && data !== undefined) {
    if (home !== avoid) return isAble(home);
    refusals.set(home, `its data is there, in the volume ${data}, and does not move by itself`);
    return undefined;
  }
  const kept = preferred === undefined ? undefined : isAble(preferred);
  if (kept !== undefined) return kept;
  const quick = isPlain(view, release) ? ladderOf(placing).best(release, avoid) : undefined;
  if (quick !== undefined) return quick;
  const queue = queueOf(placing, release);
  const best = queue.best(avoid);
  if (best === undefined) for (const [name, reason] of queue.refusals()) refusals.set(name, reason);
  return best;
}

const ladders = new WeakMap<Usage, Ladder>();

function ladderOf({ view, usage }: Placing): Ladder {
  let ladder = ladders.get(usage);
  if (ladder === undefined) ladders.set(usage, (ladder = new Ladder(view, usage)));
  return ladder;
}

/** All hosts were asked for the release in hand, or for one before it; whoever plans comes back to the same few. */
const queues = new WeakMap<Usage, Map<Release, HostQueue>>();
/** Of a service in hand: its target, and what it comes from. */
const MAX_QUEUES = 2;

function queueOf({ view, usage }: Placing, release: Release): HostQueue {
  let known = queues.get(usage);
  if (known === undefined) queues.set(usage, (known = new Map<Release, HostQueue>()));
  let queue = known.get(release);
  if (queue !== undefined) return queue;
  if (known.size >= MAX_QUEUES) known.delete(known.keys().next().value!);
  known.set(release, (queue = new HostQueue(view, usage, release)));
  return queue;
}
