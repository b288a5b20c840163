/** Pure: the networks of a container in Docker's terms. It is created on the first one, and connected to the others. */
import type { ContainerCreateOptions, EndpointSettings } from 'dockerode';
import type { ContainerSpec, NetworkAttachment } from '../../../lib/documents/types';
import { isOlder } from '../api-version';
import type { CreateRequest } from '../engine';

/** Docker's own network, which knows neither names nor fixed addresses. */
const DEFAULT_BRIDGE = 'bridge';
/** Before, an endpoint had no MAC address of its own, only the container. */
const ENDPOINT_MAC_API = '1.44';

/** IPAMConfig as Docker has it; the types of dockerode leave this out. */
interface IpamConfig {
  readonly IPv4Address?: string;
  readonly IPv6Address?: string;
  readonly LinkLocalIPs?: readonly string[];
}

/** @param service its name is an alias on every network, as in Compose; undefined where it is to have none */
export function creationNetworks(
  { networks: [first] }: ContainerSpec,
  service: string | undefined,
  apiVersion: string,
): Pick<ContainerCreateOptions, 'NetworkingConfig' | 'MacAddress'> {
  if (first === undefined) return {};
  return {
    NetworkingConfig: { EndpointsConfig: { [first.name]: endpointSettings(first, service, apiVersion) } },
    ...(first.macAddress !== '' && isOlder(apiVersion, ENDPOINT_MAC_API) && { MacAddress: first.macAddress }),
  };
}

/** By which name other containers on its networks find it, as `docker compose run` has it: a job by none. */
export function aliasOf({ service, isJob }: Pick<CreateRequest, 'service' | 'isJob'>): string | undefined {
  return isJob ? undefined : service;
}

/** HostConfig.NetworkMode; undefined means Docker's default bridge. */
export function networkMode({ networkMode, networks: [first] }: ContainerSpec): string | undefined {
  return networkMode !== '' ? networkMode : first?.name;
}

export function endpointSettings(
  network: NetworkAttachment,
  service: string | undefined,
  apiVersion: string,
): EndpointSettings {
  const { name, aliases, ipv4Address, ipv6Address, linkLocalIps, macAddress, driverOptions } = network;
  const addresses: IpamConfig = {
    ...(ipv4Address !== '' && { IPv4Address: ipv4Address }),
    ...(ipv6Address !== '' && { IPv6Address: ipv6Address }),
    ...(linkLocalIps.length > 0 && { LinkLocalIPs: linkLocalIps }),
  };
  return {
    ...(name !== DEFAULT_BRIDGE && {
      Aliases: [...new Set([...(service === undefined ? [] : [service]), ...aliases])],
    }),
    ...(Object.keys(addresses).length > 0 && { IPAMConfig: addresses as EndpointSettings['IPAMConfig'] }),
    ...(Object.keys(driverOptions).length > 0 && { DriverOpts: driverOptions }),
    ...(macAddress !== '' && !isOlder(apiVersion, ENDPOINT_MAC_API) && { MacAddress: macAddress }),
  };
}
