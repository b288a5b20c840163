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
  const addresses = (bridge?.IPAM?.Config ?? []).map(addressOf);
  return addresses.find((address) => isIP(address) === 4) ?? addresses.find((address) => isIP(address) === 6);
}

/** A daemon that has just made its bridge does not say its address until it is started again: it takes the first of the subnet. */
export function addressOf({
  Gateway = '',
  Subnet = '',
}: {
  readonly Gateway?: string;
  readonly Subnet?: string;
}): string {
  if (Gateway !== '') return Gateway;
  const [network = ''] = Subnet.split('/');
  const last = /^(.*\.)(\d+)$/.exec(network);
  return last === null ? '' : `${last[1]}${Number(last[2]) + 1}`;
}

/** What its operator says of resolvers counts; on the host's network, and without one, a container has what the host has. */
export function withResolvers(container: ContainerSpec, resolvers: readonly string[]): ContainerSpec {
  return container.dns.length > 0 || container.networkMode !== '' ? container : { ...container, dns: [...resolvers] };
}
