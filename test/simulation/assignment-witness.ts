/** G9, as the scheduler can know it: no assignment gives a host more than it has, or one of its ports twice. */
import { decodeDocument, DocumentError } from '../../lib/documents/codec';
import type { Keys } from '../../lib/documents/keys';
import type { Assignment, Release } from '../../lib/documents/types';
import type { Store } from '../../lib/etcd/store';

/** Of every simulated host (agent/docker/simulated/memory-engine.ts). */
export const CAPACITY = { nanoCpus: 4_000_000_000, memoryBytes: 8 * 1024 ** 3 };

/** @returns what is wrong with the assignment; instances whose release is not there aside */
export async function overcommits(assignment: Assignment, store: Store, keys: Keys): Promise<readonly string[]> {
  const wrong: string[] = [];
  const ports = new Map<string, string>();
  const sum = { nanoCpus: 0, memoryBytes: 0 };
  for (const [id, { service, release: number, before }] of Object.entries(assignment.instances)) {
    const text = (await store.range({ key: keys.release(service, number) })).kvs[0]?.value;
    const release = text === undefined ? undefined : readable('Release', text);
    if (release === undefined) continue;
    sum.nanoCpus += release.deploy.reservations.nanoCpus;
    sum.memoryBytes += release.deploy.reservations.memoryBytes;
    if (before) continue;
    for (const { published, protocol } of release.container.ports.filter((port) => port.published > 0)) {
      const port = `${published}/${protocol}`;
      const other = ports.get(port);
      if (other !== undefined) wrong.push(`G9: port ${port} is given to ${other} and to ${id}`);
      ports.set(port, id);
    }
  }
  for (const what of ['nanoCpus', 'memoryBytes'] as const)
    if (sum[what] > CAPACITY[what])
      wrong.push(`G9: ${what} of ${sum[what]} are reserved, and there are ${CAPACITY[what]}`);
  return wrong;
}

export function readable<Name extends 'Release' | 'Assignment'>(
  name: Name,
  text: string,
): (Name extends 'Release' ? Release : Assignment) | undefined {
  try {
    return decodeDocument(name, text) as Name extends 'Release' ? Release : Assignment;
  } catch (error) {
    if (error instanceof DocumentError) return undefined;
    throw error;
  }
}
