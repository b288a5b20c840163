/** The ports of a service, in Compose's short and long form. */
import type { Port } from '../../lib/documents/types';
import { isDnsLabel } from '../../lib/names';
import { PORT_KEYS } from './keys';
import { isMap, type Parsed, type Reader } from './read';

const MAX_PORT = 65535;
/** A range that is wider is a slip. */
const MAX_PORTS = 256;

export function readPorts(reader: Reader): readonly Port[] {
  const ports = reader.items().flatMap((item) => (isMap(item.value) ? readLong(item) : readShort(item)));
  const seen = new Map<string, string>();
  const claim = (what: string, key: string): void => {
    if (seen.has(key)) reader.problems.add('duplicate-port', reader.path, `${what} is there twice`);
    seen.set(key, what);
  };
  for (const { target, published, protocol, hostIp, name } of ports) {
    if (published > 0) claim(`host port ${published}/${protocol}`, `host ${hostIp} ${published}/${protocol}`);
    else claim(`container port ${target}/${protocol} without a host port`, `free ${hostIp} ${target}/${protocol}`);
    if (name !== '') claim(`the port name "${name}"`, `name ${name}`);
  }
  return ports;
}

function readLong(reader: Reader): readonly Port[] {
  const fields = reader.fields(PORT_KEYS);
  if (fields === undefined) return [];
  if (!fields.at('target').isSet) {
    reader.problems.add('missing-key', reader.path, 'target, the port inside the container, is missing');
    return [];
  }
  const target = fields.at('target').integer(1, MAX_PORT);
  const published = fields.at('published').value === '' ? 0 : fields.at('published').integer(1, MAX_PORT);
  const protocol = fields.at('protocol').oneOf(['tcp', 'udp']);
  fields.at('mode').oneOf(['host', 'ingress']);
  const hostIp = fields.at('host_ip').parse(parseIp);
  const name = fields.at('name').parse(parsePortName);
  if (target === undefined) return [];
  return [{ name: name ?? '', target, published: published ?? 0, protocol: protocol ?? 'tcp', hostIp: hostIp ?? '' }];
}

function parsePortName(text: string): Parsed<string> {
  return isDnsLabel(text) ? text : { problem: `"${text}" is no name for a port; use a-z, 0-9 and "-"` };
}

/** [[HOST:]PUBLISHED[-END]:]TARGET[-END][/PROTOCOL] */
const SHORT = /^(?:(?:(\[[0-9a-fA-F:]+\]|[0-9.]+):)?(\d*)(?:-(\d+))?:)?(\d+)(?:-(\d+))?(?:\/(\w+))?$/;
const SHORT_FORM = 'write 8080, "80:8080", "127.0.0.1:80:8080/udp", or ranges of equal length, in quotes';

function readShort(reader: Reader): readonly Port[] {
  const text = reader.text();
  if (text === undefined) {
    if (!reader.isSet) reader.wrong(SHORT_FORM);
    return [];
  }
  const match = SHORT.exec(text);
  if (!match) return reader.bad(`"${text}" is no port; ${SHORT_FORM}`) ?? [];
  const [, host, from, fromEnd, to, toEnd, protocol = 'tcp'] = match;
  if (protocol !== 'tcp' && protocol !== 'udp') return reader.bad(`"${protocol}" is no protocol; tcp or udp`) ?? [];
  const hostIp = host === undefined ? '' : parseIp(host.replace(/^\[|\]$/g, ''));
  if (typeof hostIp !== 'string') return reader.bad(hostIp.problem) ?? [];
  const targets = range(to!, toEnd);
  const published = from === undefined || from === '' ? targets.map(() => 0) : range(from, fromEnd);
  const numbers = [...targets, ...published.filter((port) => from !== undefined && from !== '' && port >= 0)];
  if (targets.length === 0 || published.length === 0 || numbers.some((port) => port < 1 || port > MAX_PORT)) {
    reader.problems.add(
      'out-of-range',
      reader.path,
      `"${text}": ports are 1 to ${MAX_PORT}, ranges go upwards and have ${MAX_PORTS} ports at most`,
    );
    return [];
  }
  if (targets.length !== published.length)
    return (
      reader.bad(
        `"${text}": ${published.length} host ports for ${targets.length} container ports; both ranges have to be of equal length`,
      ) ?? []
    );
  return targets.map((target, index) => ({ name: '', target, published: published[index]!, protocol, hostIp }));
}

/** @returns nothing for a range that is none */
function range(from: string, to: string | undefined): readonly number[] {
  const [first, last] = [Number(from), Number(to ?? from)];
  if (last < first || last - first >= MAX_PORTS) return [];
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
const IPV6 = /^(?=.*:.*:)[0-9a-fA-F:]{2,39}$/;

function parseIp(text: string): Parsed<string> {
  return IPV4.test(text) || IPV6.test(text) ? text : { problem: `"${text}" is no IP address` };
}
