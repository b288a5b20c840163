import { encodeDocument } from '../lib/documents/codec';
import { VERSION } from '../lib/version';
import type { EngineFacts } from './docker/engine';

export interface HostSettings {
  /** At which other hosts reach its published ports. */
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
  /** How many it has of what services reserve by name. */
  readonly resources: Readonly<Record<string, number>>;
}

/** @returns the text of the host's record in etcd */
export function hostRecordOf(
  { address, labels, resources }: HostSettings,
  { nanoCpus, memoryBytes, version: dockerVersion, os, arch }: EngineFacts,
): string {
  const capacity = { nanoCpus, memoryBytes, resources };
  return encodeDocument('HostRecord', { address, labels, capacity, agentVersion: VERSION, dockerVersion, os, arch });
}
