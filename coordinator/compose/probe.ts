/** x-berth.probe, drain and on_unhealthy: how the agent finds out whether an instance is healthy, and what follows. */
import type { Port, Probe } from '../../lib/documents/types';
import { isMap } from '../../lib/yaml/fields';
import { GRPC_PROBE_KEYS, HTTP_PROBE_KEYS, PROBE_KEYS, TCP_PROBE_KEYS } from './berth-keys';
import type { Parsed, Reader } from './read';
import { readWords } from './words';

const DEFAULT_INTERVAL_MS = 5000;
const DEFAULT_TIMEOUT_MS = 2000;
const DEFAULT_FAILURES = 3;
/** More often costs more than it tells. */
const MIN_INTERVAL_MS = 100;
const MIN_TIMEOUT_MS = 10;
const MAX_INTERVAL_MS = 3_600_000;
const MAX_TIMEOUT_MS = 600_000;
const MAX_START_PERIOD_MS = 24 * 3_600_000;
const MAX_DRAIN_MS = 24 * 3_600_000;
const MAX_IN_A_ROW = 1000;
const MAX_PORT = 65_535;
const KINDS = ['http', 'tcp', 'exec', 'grpc'] as const;
/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Printable ASCII. */
const PRINTABLE = /^[\x20-\x7e]*$/;

/** Of a service's containers: what can be asked of them. */
export interface ProbedPorts {
  readonly ports: readonly Port[];
  readonly networkMode: string;
}

export function readProbe(reader: Reader, container: ProbedPorts): Probe | undefined {
  const fields = reader.fields(PROBE_KEYS);
  if (fields === undefined) return undefined;
  const kinds = KINDS.filter((kind) => fields.at(kind).isSet);
  if (kinds.length === 0) fields.missing('http', `what to ask is missing; write one of ${KINDS.join(', ')}`);
  for (const kind of kinds.slice(1)) fields.at(kind).bad(`${kinds[0]} and ${kind} exclude each other; leave one out`);
  const kind = kinds[0];
  if (container.networkMode === 'none' && kind !== undefined && kind !== 'exec')
    fields.at(kind).bad('with network_mode: none nothing can be asked from outside; use exec');
  const duration = (key: string, min: number, max: number, otherwise: number): number =>
    fields.at(key).duration(min, max) ?? otherwise;
  const inARow = (key: string): number | undefined => fields.at(key).integer(1, MAX_IN_A_ROW);
  return {
    ...readKind(fields, container.ports),
    intervalMs: duration('interval', MIN_INTERVAL_MS, MAX_INTERVAL_MS, DEFAULT_INTERVAL_MS),
    timeoutMs: duration('timeout', MIN_TIMEOUT_MS, MAX_TIMEOUT_MS, DEFAULT_TIMEOUT_MS),
    startPeriodMs: duration('start_period', 0, MAX_START_PERIOD_MS, 0),
    failures: inARow('failures') ?? DEFAULT_FAILURES,
    successes: inARow('successes') ?? 1,
  };
}

/** @returns milliseconds; 0 when nothing is said */
export function readDrain(reader: Reader | undefined): number {
  return reader?.duration(0, MAX_DRAIN_MS) ?? 0;
}

/** @returns "" for restart, which is what holds when nothing is said */
export function readOnUnhealthy(reader: Reader | undefined): string {
  return reader?.oneOf(['restart', 'withdraw']) === 'withdraw' ? 'withdraw' : '';
}

function readKind(fields: Reader, ports: readonly Port[]): Pick<Probe, 'http' | 'tcp' | 'exec' | 'grpc'> {
  const http = fields.at('http').fields(HTTP_PROBE_KEYS);
  const tcp = fields.at('tcp').fields(TCP_PROBE_KEYS);
  const grpc = fields.at('grpc').fields(GRPC_PROBE_KEYS);
  const exec = fields.at('exec');
  return {
    ...(http !== undefined && { http: readHttp(http, ports) }),
    ...(tcp !== undefined && { tcp: { port: readPort(tcp, ports) } }),
    ...(exec.isSet && { exec: { command: readExec(exec) } }),
    ...(grpc !== undefined && {
      grpc: { port: readPort(grpc, ports), service: grpc.at('service').parse(parsePrintable) ?? '' },
    }),
  };
}

function readHttp(http: Reader, ports: readonly Port[]): NonNullable<Probe['http']> {
  const [statusMin, statusMax] = http.at('status').parse(parseStatus) ?? [200, 399];
  return {
    ...{ port: readPort(http, ports), path: http.at('path').parse(parsePath) ?? '/', statusMin, statusMax },
    headers: readHeaders(http),
    scheme: http.at('scheme').oneOf(['http', 'https']) ?? 'http',
    method: http.at('method').oneOf(['GET', 'HEAD']) ?? 'GET',
  };
}

function readExec(exec: Reader): readonly string[] {
  if (isMap(exec.value)) return exec.wrong('a list, or one text, is wanted: ["/bin/check", "-q"]') ?? [];
  const command = readWords(exec);
  if (command.length === 0) exec.bad('the command is empty; write what to run');
  return command;
}

/** A number in the container, or the name of a port of the service. */
function readPort(fields: Reader, ports: readonly Port[]): number {
  const port = fields.at('port');
  if (!port.isSet) {
    fields.missing('port', 'port is missing: a number in the container, or the name of a port');
    return 0;
  }
  if (typeof port.value !== 'string' || /^-?\d+$/.test(port.value)) return port.integer(1, MAX_PORT) ?? 0;
  const named = ports.find(({ name }) => name === port.value);
  if (named !== undefined) return named.target;
  const names = ports.map(({ name }) => name).filter((name) => name !== '');
  port.bad(
    `no port of the service is called "${port.value}"; ${names.length === 0 ? 'none has a name: write the number' : `there are ${names.join(', ')}`}`,
  );
  return 0;
}

/** "204" or "200-399" */
function parseStatus(text: string): Parsed<readonly [number, number]> {
  const [, first, last] = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text) ?? [];
  if (first === undefined || Number(last ?? first) < Number(first))
    return { problem: `"${text}" is no range of statuses; write 200, or 200-399` };
  return [Number(first), Number(last ?? first)];
}

function parsePath(text: string): Parsed<string> {
  return /^\/[\x21-\x7e]*$/.test(text) && !text.includes('#')
    ? text
    : { problem: `"${text}" is no path; begin with "/", without spaces, e.g. /healthz?full=1` };
}

function parsePrintable(text: string): Parsed<string> {
  return PRINTABLE.test(text) ? text : { problem: 'only printable ASCII is wanted' };
}

/** By lower-case names. */
function readHeaders(http: Reader): Readonly<Record<string, string>> {
  const given = http.at('headers');
  const seen = new Set<string>();
  const headers = given.textMap({
    noValue: 'empty',
    refuse: (name) => {
      if (!TOKEN.test(name)) return `"${name}" is no name of a header`;
      if (seen.has(name.toLowerCase())) return `the header "${name}" is there twice`;
      seen.add(name.toLowerCase());
      return undefined;
    },
  });
  if (!Object.values(headers).every((value) => PRINTABLE.test(value)))
    given.bad('values of headers are printable ASCII');
  const host = http.at('host').parse(parseHost);
  if (host !== undefined && seen.has('host')) http.at('host').bad('the Host header is there twice; leave one out');
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  return Object.fromEntries([...lower, ...(host === undefined ? [] : [['host', host] as const])]);
}

function parseHost(text: string): Parsed<string> {
  return /^[\w.-]+(?::\d+)?$|^\[[0-9a-fA-F:]+\](?::\d+)?$/.test(text)
    ? text
    : { problem: `"${text}" is no host; write example.com or example.com:8080` };
}
