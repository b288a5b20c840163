/** What a cut from etcd means for an instance whose service is not to run on a host that is cut off. */
import { runOf, type ActualContainer, type Cut, type DesiredInstance } from '../plan/types';
import type { Entry } from './entry';

/** @param cut undefined when the host is not cut off */
export function observeCut(
  entry: Entry,
  { spec }: DesiredInstance,
  container: ActualContainer | undefined,
  nowMs: number,
  cut: Cut | undefined,
): void {
  const stopAfterMs = spec?.deploy.onDisconnect.stopAfterMs ?? 0;
  // As long as it is not known what is wanted, nothing of what was so changes.
  if (spec === undefined && cut !== undefined) return;
  if (cut === undefined || stopAfterMs === 0) {
    Object.assign(entry, { cutOff: 'none', cutSinceMs: undefined, cutAtMs: undefined, stopsAtMs: 0 });
  } else {
    // What an agent before this one knew of the same cut counts.
    const sinceMs = cut.hadLease ? cut.sinceMs : Math.min(entry.cutSinceMs ?? Infinity, cut.sinceMs);
    if (cut.hadLease || entry.cutAtMs === undefined) entry.cutAtMs = cut.atMs;
    entry.cutSinceMs = sinceMs;
    entry.stopsAtMs = cut.isLeaseBack ? 0 : sinceMs + stopAfterMs;
    const isOver = !cut.isLeaseBack && nowMs >= entry.stopsAtMs;
    // What was stopped is not started before the cut has ended, though the lease may be back.
    const isUnstarted = entry.cutOff !== 'none' || !cut.hadLease;
    entry.cutOff = isOver ? 'stopped' : isUnstarted ? 'unstarted' : 'none';
  }
  const isOtherRun = container?.state === 'running' && entry.cutRun !== runOf(container);
  if (isOtherRun && container.startedAtMs > 0) entry.cutRun = undefined;
}
