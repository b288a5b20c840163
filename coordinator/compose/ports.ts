/** The ports of a service, in Compose's short and long form. */
import type { Port } from '../../lib/documents/types';
import { isDnsLabel } from '../../lib/names';
import { isMap } from '../../lib/yaml/fields';
import { parseIp } from './ip';
import { PORT_KEYS } from './container-keys';
import type { Parsed, Reader } from './read';

const MAX_PORT = 65535;
/** A range that is wider is a slip. */
const MAX_PORTS = 256;
/** Each is compared with each. With so many published, Docker takes minutes to start a container. */
const MAX_PORTS_OF_SERVICE = 4096;

export function readPorts(reader: Reader): readonly Port[] {
  const ports: Port[] = [];
  for (const item of reader.items()) {
    if (ports.length > MAX_PORTS_OF_SERVICE) {
      reader.outOfRange(`there are more than ${MAX_PORTS_OF_SERVICE} ports`);
      break;
    }
    for (const port of isMap(item.value) ? readLong(item) : readShort(item)) {
      const clash = ports.map((before) => clashOf(port, before)).find((one) => one !== undefined);
      if (clash !== undefined) item.problems.add('duplicate-port', item.path, clash);
      ports.push(port);
    }
  }
  return ports;
}

/** What two ports of one service can't share. */
function clashOf(port: Port, before: Port): string | undefined {
  if (port.name !== '' && port.name === before.name) return `the port name "${port.name}" is there twice`;
  if (port.protocol !== before.protocol || !overlap(port.hostIp, before.hostIp)) return undefined;
  if (port.published > 0 && port.published === before.published)
    return `host port ${port.published}/${port.protocol} is there twice`;
  const isPicked = port.published === 0 && before.published === 0 && port.target === before.target;
  if (isPicked && port.pick?.first === before.pick?.first)
    return `container port ${port.target}/${port.protocol} without a host port is there twice`;
  return undefined;
}

/** Whether something that listens on one address is in the way of the other: no address is every address. */
function overlap(a: string, b: string): boolean {
  return a === b || [a, b].some((ip) => ip === '' || ip === '0.0.0.0' || ip === '::');
}

function readLong(reader: Reader): readonly Port[] {
  const fields = reader.fields(PORT_KEYS);
  if (fields === undefined) return [];
  if (!fields.at('target').isSet)
    return fields.missing('target', 'target, the port inside the container, is missing') ?? [];
  const target = fields.at('target').integer(1, MAX_PORT);
  const published = readPublished(fields.at('published'));
  const protocol = fields.at('protocol').oneOf(PROTOCOLS);
  fields.at('mode').oneOf(['host', 'ingress']);
  const hostIp = fields.at('host_ip').parse(parseIp);
  const name = fields.at('name').parse(parsePortName);
  if (target === undefined) return [];
  return [{ name: name ?? '', target, protocol: protocol ?? 'tcp', hostIp: hostIp ?? '', ...published }];
}

type Published = Pick<Port, 'published' | 'pick'>;

/** A port, or a range "8000-8010" that a free one is picked from. */
function readPublished(reader: Reader): Published {
  const [, first, last] = /^(\d+)-(\d+)$/.exec(String(reader.value)) ?? [];
  if (first === undefined) return { published: reader.value === '' ? 0 : (reader.integer(1, MAX_PORT) ?? 0) };
  const ports = range(first, last);
  if (!isRange(ports)) reader.outOfRange(`"${first}-${last}": ${RANGES}`);
  return publishedOf(ports);
}

function publishedOf(ports: readonly number[]): Published {
  return ports.length === 1
    ? { published: ports[0]! }
    : { published: 0, pick: { first: ports[0]!, last: ports.at(-1)! } };
}

function parsePortName(text: string): Parsed<string> {
  return isDnsLabel(text) ? text : { problem: `"${text}" is no name for a port; use a-z, 0-9 and "-"` };
}

/** [[HOST:]PUBLISHED[-END]:]TARGET[-END][/PROTOCOL] */
const SHORT = /^(?:(?:(\[[0-9a-fA-F:]+\]|[0-9.]+):)?(\d*)(?:-(\d+))?:)?(\d+)(?:-(\d+))?(?:\/(\w+))?$/;
const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;
const RANGES = `ports are 1 to ${MAX_PORT}, ranges go upwards and have ${MAX_PORTS} ports at most`;
const SHORT_FORM = 'write 8080, "80:8080", "127.0.0.1:80:8080/udp", or ranges of equal length, in quotes';

function readShort(reader: Reader): readonly Port[] {
  const text = reader.text();
  if (text === undefined) {
    if (!reader.isSet) reader.wrong(SHORT_FORM);
    return [];
  }
  const match = SHORT.exec(text);
  if (!match) return reader.bad(`"${text}" is no port; ${SHORT_FORM}`) ?? [];
  const [, host, from = '', fromEnd, to, toEnd, protocol = 'tcp'] = match;
  if (!(PROTOCOLS as readonly string[]).includes(protocol))
    return reader.bad(`"${protocol}" is no protocol; ${PROTOCOLS.join(', ')} are`) ?? [];
  const hostIp = host === undefined ? '' : parseIp(host.replace(/^\[|\]$/g, ''));
  if (typeof hostIp !== 'string') return reader.bad(hostIp.problem) ?? [];
  const targets = range(to!, toEnd);
  const published = from === '' ? [] : range(from, fromEnd);
  if (!isRange(targets) || (from !== '' && !isRange(published))) return reader.outOfRange(`"${text}": ${RANGES}`) ?? [];
  const port = (target: number, of: Published): Port => ({ name: '', target, protocol, hostIp, ...of });
  // As Compose has it: one container port gets one of the range that is free.
  if (targets.length === 1 && from !== '') return [port(targets[0]!, publishedOf(published))];
  if (from !== '' && targets.length !== published.length)
    return (
      reader.bad(
        `"${text}": ${published.length} host ports for ${targets.length} container ports; both ranges have to be of equal length`,
      ) ?? []
    );
  return targets.map((target, index) => port(target, { published: published[index] ?? 0 }));
}

/** @returns nothing for a range that is none */
function range(from: string, to: string | undefined): readonly number[] {
  const [first, last] = [Number(from), Number(to ?? from)];
  if (last < first || last - first >= MAX_PORTS) return [];
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function isRange(ports: readonly number[]): boolean {
  return ports.length > 0 && ports[0]! >= 1 && ports.at(-1)! <= MAX_PORT;
}
