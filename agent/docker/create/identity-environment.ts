/** Pure: what a container finds in its environment of who and where it is. */
import type { PublishedPort } from '../../../lib/documents/types';
import type { CreateRequest } from '../engine';
import type { Node } from './placeholders';

/**
 * No part of the release, and so of no hash: that an agent tells more, or a host has another address, makes no container anew.
 * @param published with the host ports that were picked
 */
export function identityEnvironment(
  { service, instance, slot, release }: CreateRequest,
  published: readonly PublishedPort[],
  { host, address }: Node,
): Readonly<Record<string, string>> {
  const ports: Record<string, string> = {};
  // Of one number over two protocols, the first.
  for (const { name, target, published: hostPort } of published)
    ports[`BERTH_PORT_${variableOf(name === '' ? String(target) : name)}`] ??= String(hostPort);
  return {
    ...{ BERTH_SERVICE: service, BERTH_INSTANCE: instance, BERTH_SLOT: String(slot), BERTH_RELEASE: String(release) },
    ...{ BERTH_HOST: host, BERTH_ADDRESS: address },
    ...ports,
  };
}

/** "http-admin" → "HTTP_ADMIN" */
function variableOf(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]/g, '_');
}
