/** What differs between a host as it was and as it is, as far as plans go by it. Undefined: it is not known. */
import type { AssignedInstance, HostStatus, InstanceStatus } from '../lib/documents/types';
import { isBehind, isUsable, type HostView } from './view';

export function isUsableNow(host: HostView | undefined): boolean {
  return host !== undefined && isUsable(host);
}

/** What the brake counts. */
export function presence(host: HostView | undefined): string {
  return host === undefined ? '' : [host.isLive, host.record !== undefined].join();
}

/** Something left, or takes another release's share. */
export function makesRoom(before: HostView | undefined, now: HostView | undefined): boolean {
  if (!isReadable(before) || !isReadable(now)) return true;
  const [old, next] = [before.assignment!, now.assignment!];
  return Object.entries(old.instances).some(([id, { release }]) => next.instances[id]?.release !== release);
}

/** Its document has to be written whatever becomes of services. */
export function isOdd(host: HostView | undefined): boolean {
  return host !== undefined && (host.assignment === undefined || host.isAssignmentGarbage || isBehind(host));
}

/** Of those that its document tells it. */
export function samePauses(before: HostView | undefined, now: HostView | undefined): boolean {
  return sameJson(before?.assignment?.pauses, now?.assignment?.pauses);
}

function isReadable(host: HostView | undefined): host is HostView {
  return host !== undefined && !isOdd(host);
}

/** Of all instances that are placed or reported there, and those that ask something of it. */
export function servicesOn(host: HostView | undefined): ReadonlySet<string> {
  const { assignment, status } = host ?? {};
  return new Set([
    ...Object.values(assignment?.instances ?? {}).map(({ service }) => service),
    ...Object.values(status?.instances ?? {}).map(({ service }) => service),
    ...(assignment?.prefetch ?? []).map(serviceOf),
    ...Object.keys(assignment?.resolve ?? {}),
  ]);
}

export function servicesThatMoved(before: HostView | undefined, now: HostView | undefined): Iterable<string> {
  if (!isReadable(before) || !isReadable(now)) return [...servicesOn(before), ...servicesOn(now)];
  const [old, next] = [before.assignment!, now.assignment!];
  const held = new Set([...old.held, ...next.held].filter((id) => old.held.includes(id) !== next.held.includes(id)));
  return [
    ...differing<AssignedInstance>(old.instances, next.instances, sameJson).map(({ service }) => service),
    ...[...held].flatMap((id) => now.status?.instances[id]?.service ?? []),
    ...[...old.prefetch, ...next.prefetch].map(serviceOf),
    ...[...Object.keys(old.resolve), ...Object.keys(next.resolve)],
  ];
}

export function servicesThatStirred(before: HostView | undefined, now: HostView | undefined): Iterable<string> {
  if (!isReadable(before) || !isReadable(now)) return [...servicesOn(before), ...servicesOn(now)];
  const [old, next] = [before.status ?? NO_STATUS, now.status ?? NO_STATUS];
  return [
    ...differing(old.instances, next.instances, sameReport).map(({ service }) => service),
    ...differingNames(old.prefetch, next.prefetch).map(serviceOf),
    ...differingNames(old.resolved, next.resolved),
  ];
}

const NO_STATUS: Pick<HostStatus, 'instances' | 'prefetch' | 'resolved'> = {
  instances: {},
  prefetch: {},
  resolved: {},
};

/** @returns what is in one of the two alone, and both of what differs */
function differing<T>(
  a: Readonly<Record<string, T>>,
  b: Readonly<Record<string, T>>,
  isSame: (a: T, b: T) => boolean,
): readonly T[] {
  const found: T[] = [];
  for (const [name, one] of Object.entries(a)) {
    const other = Object.hasOwn(b, name) ? b[name] : undefined;
    if (other === undefined) found.push(one);
    else if (!isSame(one, other)) found.push(one, other);
  }
  for (const [name, one] of Object.entries(b)) if (!Object.hasOwn(a, name)) found.push(one);
  return found;
}

function differingNames(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): readonly string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((name) => !sameJson(a[name], b[name]));
}

/** But for how far what is being done has come, which no plan asks. */
function sameReport(a: InstanceStatus, b: InstanceStatus): boolean {
  for (const [name, value] of Object.entries(a) as [keyof InstanceStatus, unknown][])
    if (name !== 'progress' && b[name] !== value && (typeof value !== 'object' || !sameJson(b[name], value)))
      return false;
  return a.lastExit !== undefined || b.lastExit === undefined;
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function serviceOf(release: string): string {
  return release.split('@')[0]!;
}
