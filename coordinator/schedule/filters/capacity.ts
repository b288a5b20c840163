import type { Release } from '../../../lib/documents/types';
import type { Candidate, Filter } from '../types';

export const capacity: Filter = {
  name: 'capacity',
  check: (candidate, release) => shortage(candidate, release) === undefined,
  explain: (candidate, release) => shortage(candidate, release)?.() ?? '',
};

const MIB = 1024 * 1024;

/**
 * A host that says nothing of its capacity has none to promise, but takes whoever reserves nothing.
 * @returns what there is too little of, for people
 */
function shortage({ host, usage }: Candidate, release: Release): (() => string) | undefined {
  const { nanoCpus, memoryBytes, resources } = release.deploy.reservations;
  const has = host.record?.capacity ?? { nanoCpus: 0, memoryBytes: 0, resources: {} };
  const freeCpus = has.nanoCpus - usage.nanoCpus;
  const freeMemory = has.memoryBytes - usage.memoryBytes;
  if (nanoCpus > 0 && nanoCpus > freeCpus)
    return () => `${nanoCpus / 1e9} CPUs are wanted and ${Math.max(0, freeCpus) / 1e9} are not reserved yet`;
  if (memoryBytes > 0 && memoryBytes > freeMemory)
    return () =>
      `${Math.ceil(memoryBytes / MIB)} MiB of memory are wanted and ${Math.floor(Math.max(0, freeMemory) / MIB)} MiB are not reserved yet`;
  for (const name in resources) {
    const amount = resources[name]!;
    const free = (has.resources[name] ?? 0) - (usage.resources.get(name) ?? 0);
    if (amount > 0 && amount > free)
      return () => `${amount} of ${name} are wanted and ${Math.max(0, free)} are not reserved yet`;
  }
  return undefined;
}
