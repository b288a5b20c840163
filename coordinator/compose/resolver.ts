/** Name resolution in a container: dns, dns_opt, dns_search, extra_hosts. */
import type { ContainerSpec } from '../../lib/documents/types';
import { isMap } from '../../lib/yaml/fields';
import { parseIp } from './ip';
import type { Parsed, Reader } from './read';

const HOST_GATEWAY = 'host-gateway';

export function readResolver(service: Reader): Pick<ContainerSpec, 'dns' | 'dnsOptions' | 'dnsSearch' | 'extraHosts'> {
  return {
    dns: service.at('dns').oneOrMore(parseIp),
    dnsOptions: service.at('dns_opt').parsedTexts(parseOption),
    dnsSearch: service.at('dns_search').oneOrMore(parseDomain),
    extraHosts: readExtraHosts(service.at('extra_hosts')),
  };
}

function parseOption(text: string): Parsed<string> {
  return /^[a-z0-9-]+(?::\d+)?$/.test(text)
    ? text
    : { problem: `"${text}" is no option of a resolver; write ndots:2, timeout:1, use-vc, …` };
}

function parseDomain(text: string): Parsed<string> {
  // A lone dot is Docker's way to say: none, not even the host's.
  if (text === '.' || (text.length <= 253 && /^[a-zA-Z0-9_]([\w-]*\w)?(\.\w([\w-]*\w)?)*\.?$/.test(text))) return text;
  return { problem: `"${text}" is no domain; write example.com, or "." for none` };
}

/** @returns lines as Docker takes them: "name:address" */
function readExtraHosts(reader: Reader): readonly string[] {
  if (!isMap(reader.value)) return reader.parsedTexts(parseLine);
  return Object.keys(reader.value).flatMap((name) => {
    const at = reader.at(name);
    if (!at.isSet) at.wrong('an address is wanted');
    return at.oneOrMore((address) => line(name, address));
  });
}

/** "name:address" or "name=address" */
function parseLine(text: string): Parsed<string> {
  const [, name, address] = /^([^:=]*)[:=](.*)$/s.exec(text) ?? [];
  if (name === undefined) return { problem: `"${text}" is no host; write name=10.0.0.2 or name=${HOST_GATEWAY}` };
  return line(name, address!);
}

function line(name: string, address: string): Parsed<string> {
  if (!/^[a-zA-Z0-9_](?:[\w.-]*\w)?$/.test(name)) return { problem: `"${name}" is no name of a host` };
  const ip = address === HOST_GATEWAY ? address : parseIp(address.replace(/^\[(.*)\]$/, '$1'));
  if (typeof ip === 'string') return `${name}:${ip}`;
  return { problem: `"${address}" is no IP address; write 10.0.0.2, [::1], or ${HOST_GATEWAY} for the host` };
}
