import { encodeDocument } from '../lib/documents/codec';
import { VERSION } from '../lib/version';
import type { EngineFacts } from './docker/engine';

/** @returns the text of the host's record in etcd */
export function hostRecordOf(
  { address, labels }: { readonly address: string; readonly labels: Readonly<Record<string, string>> },
  { nanoCpus, memoryBytes, version: dockerVersion, os, arch }: EngineFacts,
): string {
  const capacity = { nanoCpus, memoryBytes, resources: {} };
  return encodeDocument('HostRecord', { address, labels, capacity, agentVersion: VERSION, dockerVersion, os, arch });
}
