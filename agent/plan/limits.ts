import type { Release } from '../../lib/documents/types';
import type { AppliedLimits } from './types';

/** Stops a fork bomb, and is far over what services use. */
export const DEFAULT_PIDS_LIMIT = 4096;

/** What a release wants of a container, in the form in which Docker's is read; 0 means none. */
export function wantedLimits({ container, deploy }: Pick<Release, 'container' | 'deploy'>): AppliedLimits {
  const { nanoCpus, memoryBytes, pids } = container.limits;
  const memoryReservationBytes = deploy.reservations.memoryBytes;
  return { nanoCpus, memoryBytes, pids: pids > 0 ? pids : DEFAULT_PIDS_LIMIT, memoryReservationBytes };
}

/**
 * What has to be told to Docker to bring a running container's limits to the wanted ones.
 * @param hostNanoCpus CPUs of the host: Docker can't take a CPU limit away, but one of all CPUs is none
 * @returns undefined when they are as wanted
 */
export function limitsToUpdate(
  wanted: AppliedLimits,
  applied: AppliedLimits | undefined,
  hostNanoCpus: number,
): AppliedLimits | undefined {
  if (applied === undefined) return undefined;
  const cpus = (nanoCpus: number): number => (nanoCpus > 0 ? Math.min(nanoCpus, hostNanoCpus) : hostNanoCpus);
  const isSame =
    cpus(wanted.nanoCpus) === cpus(applied.nanoCpus) &&
    wanted.memoryBytes === applied.memoryBytes &&
    wanted.pids === applied.pids &&
    wanted.memoryReservationBytes === applied.memoryReservationBytes;
  return isSame ? undefined : { ...wanted, nanoCpus: cpus(wanted.nanoCpus) };
}
