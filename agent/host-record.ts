import { encodeDocument } from '../lib/documents/codec';
import { reachedAt } from '../lib/listen-address';
import { VERSION } from '../lib/version';
import type { EngineFacts } from './docker/engine';

export interface HostSettings {
  /** At which other hosts reach its published ports. */
  readonly address: string;
  /** "host:port" that its HTTP listens on. */
  readonly http: string;
  readonly labels: Readonly<Record<string, string>>;
  /** How many it has of what services reserve by name. */
  readonly resources: Readonly<Record<string, number>>;
}

/** @returns the text of the host's record in etcd */
export function hostRecordOf(
  { address, http: listen, labels, resources }: HostSettings,
  { nanoCpus, memoryBytes, version: dockerVersion, os, arch }: EngineFacts,
): string {
  const capacity = { nanoCpus, memoryBytes, resources };
  const what = { address, labels, capacity, agentVersion: VERSION, dockerVersion, os, arch };
  return encodeDocument('HostRecord', { ...what, http: reachedAt(listen, address) ?? '' });
}
