/**
 * Pure: what happens to so many at once that Berth does nothing about it before an operator says so, since something else
 * is the likelier culprit. docs/decisions/0016.
 */
import type { Alarm, HostLoss, ServiceStatus } from '../../lib/documents/types';
import { isoTime } from '../../lib/iso-time';
import type { ClusterView, HostView } from '../view';

/** What is lost or deleted within this time of each other is at once. */
export const BRAKE_WINDOW_MS = 60_000;
/** Fewer are no reason to suspect anything else. */
const BRAKE_LEAST = 3;
const MAX_NAMES = 100;

export const LOST_HOSTS = 'lost-hosts';
export const DELETED_SERVICES = 'deleted-services';

export interface Brakes {
  /** Lost hosts whose instances are not replaced. */
  readonly hosts: ReadonlySet<string>;
  /** Services whose keys are gone and whose instances run on. */
  readonly services: ReadonlySet<string>;
  readonly alarms: readonly Alarm[];
}

/**
 * @param troubled all hosts that do not live, or whose loss is noted
 * @param wallMs wall clock, milliseconds since the Unix epoch: when what is new here happened
 */
export function brakesIn(view: ClusterView, troubled: readonly HostView[], wallMs: number): Brakes {
  const hosts = brakeHosts(view, troubled, wallMs);
  const services = brakeServices(view, wallMs);
  const alarms = [hosts.alarm, services.alarm].filter((alarm) => alarm !== undefined);
  return { hosts: hosts.names, services: services.names, alarms };
}

/**
 * A loss in times to come was noted by a clock that was ahead: it begins now, once, or its alarm would be another one with
 * every plan, which no operator could release, and what is to be replaced after a while would wait for the clock.
 * @param troubled as for brakesIn
 * @returns what the leader has to write or, as undefined, to delete, by host
 */
export function lossesToNote(troubled: readonly HostView[], wallMs: number): ReadonlyMap<string, HostLoss | undefined> {
  const notes = new Map<string, HostLoss | undefined>();
  for (const { name, isLive, record, status, assignment, loss } of troubled)
    if (isLive) {
      if (loss !== undefined) notes.set(name, undefined);
    } else if (loss === undefined ? (record ?? status ?? assignment) !== undefined : loss.document.sinceMs > wallMs)
      notes.set(name, { sinceMs: wallMs });
  return notes;
}

/** @returns since when the host is lost, wall clock; a time to come, or none yet, is now. Undefined while it lives. */
export function lostSinceMs({ isLive, loss }: HostView, wallMs: number): number | undefined {
  return isLive ? undefined : Math.min(loss?.document.sinceMs ?? wallMs, wallMs);
}

/** @returns when the service's key was found to be gone, wall clock; now when nobody has noted it */
export function deletedSinceMs(status: ServiceStatus | undefined, wallMs: number): number {
  const noted = status?.deletedAtMs ?? 0;
  return noted === 0 ? wallMs : Math.min(noted, wallMs);
}

interface Happening {
  readonly name: string;
  readonly atMs: number;
}

interface Brake {
  readonly names: ReadonlySet<string>;
  readonly alarm: Alarm | undefined;
}

function brakeHosts(view: ClusterView, troubled: readonly HostView[], wallMs: number): Brake {
  const releasedMs = view.clusterIntent.document.released[LOST_HOSTS] ?? 0;
  const lost: Happening[] = [];
  let live = view.hosts.size;
  for (const host of troubled) {
    const sinceMs = lostSinceMs(host, wallMs);
    if (sinceMs === undefined) continue;
    live--;
    if (sinceMs > releasedMs && host.record !== undefined) lost.push({ name: host.name, atMs: sinceMs });
  }
  const together = mostAtOnce(lost);
  if (together.length * 3 <= live + together.length) return NO_BRAKE;
  return brake(LOST_HOSTS, together, (since) => {
    const count = `${together.length} of ${live + together.length} hosts`;
    return `${count} were lost at once, at ${since}: their instances are not replaced, since the network or etcd is the likelier culprit; it ends when they are back. If the hosts are really gone, run: berth alarms release ${LOST_HOSTS}`;
  });
}

function brakeServices(view: ClusterView, wallMs: number): Brake {
  const releasedMs = view.clusterIntent.document.released[DELETED_SERVICES] ?? 0;
  const deleted: Happening[] = [];
  for (const name of view.keyless ?? keylessIn(view)) {
    const atMs = deletedSinceMs(view.serviceStatuses.get(name)?.document, wallMs);
    if (atMs > releasedMs) deleted.push({ name, atMs });
  }
  const together = mostAtOnce(deleted);
  const all = view.services.size + together.length;
  if (together.length * 2 <= all) return NO_BRAKE;
  return brake(DELETED_SERVICES, together, (since) => {
    const count = `${together.length} of ${all} services`;
    return `the keys of ${count} were deleted at once, at ${since}: their instances run on. If that was meant, run: berth alarms release ${DELETED_SERVICES}; otherwise write the services again`;
  });
}

function keylessIn({ releases, services }: ClusterView): readonly string[] {
  return [...releases.keys()].filter((name) => !services.has(name));
}

const NO_BRAKE: Brake = { names: new Set(), alarm: undefined };

function brake(kind: string, together: readonly Happening[], message: (since: string) => string): Brake {
  if (together.length < BRAKE_LEAST) return NO_BRAKE;
  const names = together.map(({ name }) => name).sort();
  const id = Math.max(...together.map(({ atMs }) => atMs));
  const since = isoTime(Math.min(...together.map(({ atMs }) => atMs)));
  return { names: new Set(names), alarm: { kind, id, message: message(since), names: names.slice(0, MAX_NAMES) } };
}

/** Those of the window that holds the most; of several such windows, the latest. */
function mostAtOnce(happenings: readonly Happening[]): readonly Happening[] {
  const sorted = [...happenings].sort((a, b) => a.atMs - b.atMs);
  let best: readonly [number, number] = [0, 0];
  for (let start = 0, end = 0; end < sorted.length; end++) {
    while (sorted[end]!.atMs - sorted[start]!.atMs > BRAKE_WINDOW_MS) start++;
    if (end + 1 - start >= best[1] - best[0]) best = [start, end + 1];
  }
  return sorted.slice(...best);
}
