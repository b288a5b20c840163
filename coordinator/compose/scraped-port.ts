/** x-berth.metrics: what Prometheus scrapes of every instance. */
import type { Port, ScrapedPort } from '../../lib/documents/types';
import { METRICS_KEYS } from './berth-keys';
import type { ProbedPorts } from './probe';
import type { Parsed, Reader } from './read';

const MAX_PORT = 65_535;
const WANTED = 'write the number in the container, or the name, of one of its ports';

export function readScrapedPort(reader: Reader, container: ProbedPorts): ScrapedPort | undefined {
  const fields = reader.fields(METRICS_KEYS);
  if (fields === undefined) return undefined;
  return {
    port: readPort(fields, container),
    path: fields.at('path').parse(parsePath) ?? '/metrics',
    scheme: fields.at('scheme').oneOf(['http', 'https']) ?? 'http',
  };
}

/** Prometheus is on another machine: the port has to be one that the host has. */
function readPort(fields: Reader, { ports, networkMode }: ProbedPorts): number {
  const port = fields.at('port');
  if (!port.isSet) {
    fields.missing('port', `port is missing: ${WANTED}`);
    return 0;
  }
  const name = typeof port.value === 'string' && !/^-?\d+$/.test(port.value) ? port.value : undefined;
  const number = name === undefined ? port.integer(1, MAX_PORT) : undefined;
  const wanted = name ?? number;
  if (wanted === undefined) return 0;
  if (networkMode === 'none') port.bad('with network_mode: none there is nothing to scrape; leave metrics out');
  else if (networkMode !== 'host') return published(port, wanted, ports);
  else if (number === undefined)
    port.bad('with network_mode: host there are no names of ports; write the number of the port on the host');
  return number ?? 0;
}

/** @param wanted its name, or its number in the container */
function published(port: Reader, wanted: string | number, ports: readonly Port[]): number {
  const named = ports.filter(({ name, target }) => (typeof wanted === 'string' ? name === wanted : target === wanted));
  const found = named.find(({ protocol }) => protocol === 'tcp');
  if (found !== undefined) return found.target;
  const tcp = ports.filter(({ protocol }) => protocol === 'tcp');
  const there =
    tcp.length === 0
      ? 'the service publishes none: add it to ports, e.g. ports: [{ name: metrics, target: 9100 }]'
      : `there are ${tcp.map(({ name, target }) => (name === '' ? target : `${name} (${target})`)).join(', ')}`;
  const what = named.length > 0 ? `"${wanted}" is no tcp port` : `the service publishes no port "${wanted}"`;
  port.bad(`${what}; ${there}`);
  return 0;
}

function parsePath(text: string): Parsed<string> {
  return /^\/[\x21-\x7e]*$/.test(text) && !/[#?]/.test(text)
    ? text
    : { problem: `"${text}" is no path; begin with "/", without spaces and "?", e.g. /metrics` };
}
