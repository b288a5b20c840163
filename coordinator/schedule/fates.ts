/** Pure: what a host's state means for what is placed there. docs/decisions/0016. */
import type { Release } from '../../lib/documents/types';
import type { ClusterView, HostView, Placement } from '../view';
import { lostSinceMs } from './brakes';
import type { Fates } from './types';

/** A host that is cut off may be late by so much with stopping what it has to stop: its clock, and Docker. */
const STOP_MARGIN_MS = 10_000;

type Outcome = ReturnType<Fates['of']>;
const STAYS: Outcome = { fate: 'stays' };
const LEAVES: Outcome = { fate: 'leaves' };
const LOST: Outcome = { fate: 'lost' };

/**
 * @param braked lost hosts whose instances are not replaced
 * @param wallMs wall clock, milliseconds since the Unix epoch
 */
export function fatesIn(view: ClusterView, braked: ReadonlySet<string>, wallMs: number): Fates {
  const moves = new Set(view.clusterIntent.document.moves);
  const isMoved = ({ id, isBefore }: Placement, release: Release | undefined): boolean =>
    moves.has(id) && !isBefore && release !== undefined && !isBoundToHost(release);
  return {
    of: (placement, release) => {
      const host = view.hosts.get(placement.host);
      // What nothing but a host's own report names is there after etcd lost its assignment, and so may its lease be (G3).
      if (host === undefined || (placement.isReported && !host.isLive)) return STAYS;
      const sinceMs = lostSinceMs(host, wallMs);
      if (sinceMs === undefined) return host.intent?.drain === true || isMoved(placement, release) ? LEAVES : STAYS;
      return braked.has(host.name) ? STAYS : fateOfLost(host, placement, release, wallMs - sinceMs);
    },
  };
}

/** @param lostForMs how long its host is lost */
function fateOfLost(host: HostView, { isBefore }: Placement, release: Release | undefined, lostForMs: number): Outcome {
  // A job that may have run must not run twice, and nobody knows what a release without a document has.
  if (host.pause !== undefined || isBefore || release === undefined || isBoundToHost(release)) return STAYS;
  const inMs = patienceMs(release) - lostForMs;
  return inMs > 0 ? { fate: 'stays', inMs } : LOST;
}

/** A service of every host has no other host to go to, and data does not travel. */
export function isBoundToHost({ deploy, container }: Release): boolean {
  const hasData = container.mounts.some(({ type, source, volumeExternal }) => {
    return type === 'volume' && source !== '' && !volumeExternal;
  });
  return deploy.mode === 'global' || hasData;
}

/** How long after the loss an instance is replaced. */
function patienceMs({ deploy, container }: Release): number {
  const { stopAfterMs, replaceAfterMs } = deploy.onDisconnect;
  if (stopAfterMs === 0) return replaceAfterMs;
  return stopAfterMs + container.drainMs + container.stopGracePeriodMs + STOP_MARGIN_MS;
}
