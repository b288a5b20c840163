import type { Release } from '../../lib/documents/types';
import type { AppliedLimits, Capacity } from './types';

/** Stops a fork bomb, and is far over what services use. */
export const DEFAULT_PIDS_LIMIT = 4096;

/** What a release wants of a container, in the form in which Docker's is read; 0 means none. */
export function wantedLimits({ container, deploy }: Pick<Release, 'container' | 'deploy'>): AppliedLimits {
  const { nanoCpus, memoryBytes, pids } = container.limits;
  const memoryReservationBytes = deploy.reservations.memoryBytes;
  return { nanoCpus, memoryBytes, pids: pids > 0 ? pids : DEFAULT_PIDS_LIMIT, memoryReservationBytes };
}

/**
 * What has to be told to Docker to bring a running container's limits to the wanted ones. Docker can take no limit of
 * CPUs or memory away again; one of all that the host has is as good as none.
 * @param applied undefined while Docker does not say
 * @returns undefined when they are as wanted; a reservation of -1 takes it away
 */
export function limitsToUpdate(
  wanted: AppliedLimits,
  applied: AppliedLimits | undefined,
  host: Capacity,
): AppliedLimits | undefined {
  if (applied === undefined) return undefined;
  const target = within(wanted, host);
  const current = within(applied, host);
  const isSame = (Object.keys(target) as (keyof AppliedLimits)[]).every((name) => target[name] === current[name]);
  if (isSame) return undefined;
  const isFreed = applied.memoryReservationBytes > 0 && wanted.memoryReservationBytes === 0;
  return { ...target, memoryReservationBytes: isFreed ? -1 : wanted.memoryReservationBytes };
}

/** Names an update: what Docker took once and does not apply, for want of a cgroup, it will not apply the next time. */
export function toldLimits(containerId: string, limits: AppliedLimits): string {
  return `${containerId} ${JSON.stringify(limits)}`;
}

function within(limits: AppliedLimits, { nanoCpus, memoryBytes }: Capacity): AppliedLimits {
  const bound = (limit: number, most: number): number => (limit > 0 ? Math.min(limit, most) : most);
  return {
    nanoCpus: bound(limits.nanoCpus, nanoCpus),
    memoryBytes: bound(limits.memoryBytes, memoryBytes),
    pids: limits.pids,
    memoryReservationBytes: limits.memoryReservationBytes,
  };
}
