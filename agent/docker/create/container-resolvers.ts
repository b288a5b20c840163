/** Whom containers ask for names: the agent, at the host's address on Docker's default bridge. */
import { isIP } from 'node:net';
import type { ContainerSpec } from '../../../lib/documents/types';
import { READ_DEADLINE_MS, type DockerConnection } from '../connection';

const DEFAULT_BRIDGE = 'bridge';

/** As Engine.bridgeAddress. */
export async function bridgeAddress(connection: DockerConnection): Promise<string | undefined> {
  const filters = { name: [DEFAULT_BRIDGE] };
  const networks = await connection.call('list networks', READ_DEADLINE_MS, (docker, abortSignal) =>
    docker.listNetworks({ filters, abortSignal }),
  );
  const bridge = networks.find(({ Name }) => Name === DEFAULT_BRIDGE);
  const gateways = (bridge?.IPAM?.Config ?? []).map(({ Gateway }) => Gateway ?? '');
  return gateways.find((address) => isIP(address) === 4) ?? gateways.find((address) => isIP(address) === 6);
}

/** What its operator says of resolvers counts; on the host's network, and without one, a container has what the host has. */
export function withResolvers(container: ContainerSpec, resolvers: readonly string[]): ContainerSpec {
  return container.dns.length > 0 || container.networkMode !== '' ? container : { ...container, dns: [...resolvers] };
}
