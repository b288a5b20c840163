/** network_mode and networks of a service: how its containers are reached. */
import type { NetworkAttachment, Port } from '../../lib/documents/types';
import { isMap } from '../../lib/yaml/fields';
import { NETWORK_KEYS } from './container-keys';
import { parseIpv4, parseIpv6, parseIp } from './ip';
import { withoutNamespaceOf } from './namespaces';
import type { Parsed, Reader } from './read';

/** What Docker calls the network of those that name none. */
const DEFAULT_BRIDGE = 'bridge';
const MAX_NETWORKS = 64;

export interface Networking {
  readonly networkMode: string;
  readonly networks: readonly NetworkAttachment[];
}

export function readNetworking(service: Reader, ports: readonly Port[]): Networking {
  const mode = service.at('network_mode');
  const networks = readNetworks(service.at('networks'));
  const networkMode = mode.parse(parseMode) ?? '';
  if (mode.isSet && networks.length > 0) mode.bad('network_mode and networks exclude each other; leave one out');
  if (networkMode === 'host' && ports.length > 0)
    service.at('ports').bad('with network_mode: host the container has the ports of the host itself; leave ports out');
  if (networkMode === 'none' && ports.length > 0)
    service.at('ports').bad('with network_mode: none there is no network to publish ports of; leave ports out');
  return { networkMode, networks };
}

/** @returns "" for Docker's default bridge, which is where containers are that say nothing */
function parseMode(text: string): Parsed<string> {
  if (text === 'bridge') return '';
  if (text === 'host' || text === 'none') return text;
  return (
    withoutNamespaceOf(text) ?? {
      problem: `"${text}" is none of bridge, host and none; name a network of the host under networks`,
    }
  );
}

/** A list of names, or a map from names to settings. */
function readNetworks(reader: Reader): readonly NetworkAttachment[] {
  const named = isMap(reader.value) ? readMap(reader) : readList(reader);
  if (named.length > MAX_NETWORKS) reader.outOfRange(`there are more than ${MAX_NETWORKS} networks`);
  const [only] = named;
  if (named.length === 1 && only!.attachment.name === DEFAULT_BRIDGE && only!.isDefault) return [];
  // Stable: those of one priority stay in the order in which they are written.
  return [...named].sort((a, b) => b.priority - a.priority).map(({ attachment }) => attachment);
}

interface Named {
  readonly attachment: NetworkAttachment;
  readonly priority: number;
  /** Called "default": what Compose and `docker compose config` call the network of those that name none. */
  readonly isDefault: boolean;
}

const NO_SETTINGS: Omit<NetworkAttachment, 'name'> = {
  ...{ aliases: [], ipv4Address: '', ipv6Address: '', macAddress: '', driverOptions: {}, linkLocalIps: [] },
};

function readList(reader: Reader): readonly Named[] {
  const seen = new Set<string>();
  return reader.items().flatMap((item) => {
    if (!item.isSet) item.wrong('the name of a network is wanted');
    const name = item.parse(parseName);
    if (name === undefined) return [];
    if (seen.has(name)) item.bad(`the network "${name}" is there twice`);
    seen.add(name);
    return [{ attachment: { ...NO_SETTINGS, name: dockerName(name) }, priority: 0, isDefault: name === 'default' }];
  });
}

function readMap(reader: Reader): readonly Named[] {
  return Object.keys(reader.value as object).flatMap((name) => {
    const at = reader.at(name);
    const parsed = parseName(name);
    if (typeof parsed !== 'string') {
      at.problems.addKey('bad-value', at.path, parsed.problem);
      return [];
    }
    const fields = at.fields(NETWORK_KEYS);
    const attachment = fields === undefined ? NO_SETTINGS : readSettings(fields);
    if (name === 'default' && fields !== undefined && Object.keys(fields.value as object).length > 0)
      at.bad('Docker’s default bridge takes no settings; name a network of the host instead');
    const priority = fields?.at('priority').integer(-1_000_000, 1_000_000) ?? 0;
    return [{ attachment: { ...attachment, name: dockerName(name) }, priority, isDefault: name === 'default' }];
  });
}

function dockerName(name: string): string {
  return name === 'default' ? DEFAULT_BRIDGE : name;
}

function readSettings(fields: Reader): Omit<NetworkAttachment, 'name'> {
  return {
    aliases: fields.at('aliases').parsedTexts(parseAlias),
    ipv4Address: fields.at('ipv4_address').parse(parseIpv4) ?? '',
    ipv6Address: fields.at('ipv6_address').parse(parseIpv6) ?? '',
    macAddress: fields.at('mac_address').parse(parseMac) ?? '',
    driverOptions: fields.at('driver_opts').textMap({ noValue: 'empty' }),
    linkLocalIps: fields.at('link_local_ips').parsedTexts(parseIp),
  };
}

function parseName(text: string): Parsed<string> {
  if (text === 'host' || text === 'none')
    return { problem: `"${text}" is no network to join; write network_mode: ${text}` };
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(text)) return text;
  return { problem: `"${text}" is no name of a network; use letters, digits, "_", "." and "-"` };
}

function parseAlias(text: string): Parsed<string> {
  if (/^[a-zA-Z0-9_](?:[a-zA-Z0-9_.-]*[a-zA-Z0-9_])?$/.test(text)) return text;
  return { problem: `"${text}" is no name that a resolver knows; use letters, digits, "_", "-" and "."` };
}

function parseMac(text: string): Parsed<string> {
  if (!/^[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}$/.test(text))
    return { problem: `"${text}" is no MAC address; write 02:42:ac:11:00:02` };
  return parseInt(text.slice(0, 2), 16) % 2 === 0
    ? text.toLowerCase()
    : { problem: `"${text}" is a multicast address; the first byte has to be even` };
}
