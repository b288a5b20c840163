import type Docker from 'dockerode';
import type { AppliedLimits } from '../plan/types';
import { READ_DEADLINE_MS, type DockerConnection } from './connection';
import { EngineError } from './engine';

/** More than any host has: -1, Docker's word for it, does not reach the kernel in an update. */
const FREE_SWAP_BYTES = 2 ** 50;
const MIB = 1024 ** 2;

/**
 * Changes the limits of a container, as Engine.update promises.
 * @throws EngineError also when the container uses more memory than it may from now on: it runs on as it was
 */
export async function changeLimits(connection: DockerConnection, id: string, limits: AppliedLimits): Promise<void> {
  const { nanoCpus, memoryBytes, pids, memoryReservationBytes } = limits;
  const host = (await connection.call('info', READ_DEADLINE_MS, (docker) => docker.info())) as HostFacts;
  const isBounded = memoryBytes > 0 && memoryBytes < host.MemTotal;
  // With cgroup v1 the kernel refuses such a limit. With v2 it takes it, and kills until the container keeps to it.
  if (isBounded && host.CgroupVersion === '2') await refuseBelowUse(connection, id, memoryBytes);
  await connection.call('update', READ_DEADLINE_MS, (docker, abortSignal) =>
    docker.getContainer(id).update({
      ...{ NanoCpus: nanoCpus, PidsLimit: pids, MemoryReservation: memoryReservationBytes, abortSignal },
      // Together: the kernel refuses a limit over the old one of memory and swap.
      ...{ Memory: memoryBytes, MemorySwap: memoryBytes >= host.MemTotal ? FREE_SWAP_BYTES : memoryBytes },
    }),
  );
}

interface HostFacts {
  readonly MemTotal: number;
  /** '1' or '2'. */
  readonly CgroupVersion?: string;
}

async function refuseBelowUse(connection: DockerConnection, id: string, memoryBytes: number): Promise<void> {
  const stats = await connection.call('stats', READ_DEADLINE_MS, (docker, abortSignal) =>
    docker.getContainer(id).stats({ stream: false, 'one-shot': true, abortSignal } as { stream: false }),
  );
  const usedBytes = boundMemory(stats.memory_stats);
  if (usedBytes <= memoryBytes) return;
  const [used, limit] = [usedBytes, memoryBytes].map((bytes) => `${Math.ceil(bytes / MIB)} MiB`);
  throw new EngineError('bad-request', `it uses ${used} of memory, and would be killed with a limit of ${limit}`);
}

/**
 * What the kernel can't take back from a container that may not swap, in bytes: all but caches of files.
 * Linux, Documentation/admin-guide/cgroup-v2.rst, memory.stat. A container that does not run has none of these.
 */
export function boundMemory(memory: Partial<Docker.MemoryStats> | undefined): number {
  const { active_file = 0, inactive_file = 0, slab_reclaimable = 0 } = (memory?.stats ?? {}) as Record<string, number>;
  return Math.max(0, (memory?.usage ?? 0) - active_file - inactive_file - slab_reclaimable);
}
