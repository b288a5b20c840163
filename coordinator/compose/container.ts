/** What of a service a container is made from. */
import type { ContainerSpec, HealthCheck, Ulimit } from '../../lib/documents/types';
import { BERTH_KEYS, HEALTHCHECK_KEYS, LIMITS_KEYS, RESOURCES_KEYS, ULIMIT_KEYS } from './keys';
import { readMounts } from './mounts';
import { readPorts } from './ports';
import { isMap, type Reader } from './read';
import { parseBytes, parseDurationMs, parseImage, parseNanoCpus, parseSignal } from './units';
import { splitWords } from './words';

const DEFAULT_GRACE_MS = 10_000;
/** Docker refuses less. */
const MIN_MEMORY_BYTES = 6 * 1024 * 1024;
const NO_SHELL =
  'there is no shell here to take it from; write NAME=value (or apply with "berth apply", which has one)';

export function readContainer(service: Reader): ContainerSpec {
  const text = (key: string): string => service.at(key).text() ?? '';
  const image = service.at('image');
  if (!image.isSet) service.problems.add('missing-key', service.path, 'image is missing: what the containers run');
  const labels = service.at('labels').textMap('write NAME=value');
  for (const name of Object.keys(labels))
    if (name.startsWith('berth.'))
      service.at('labels').bad(`the label "${name}" is Berth's own; names that begin with "berth." are taken`);
  const healthCheck = readHealthCheck(service.at('healthcheck'));
  return {
    image: image.parse(parseImage) ?? '',
    command: readWords(service.at('command')),
    entrypoint: readEntrypoint(service.at('entrypoint')),
    environment: service.at('environment').textMap(NO_SHELL),
    user: text('user'),
    workingDir: text('working_dir'),
    hostname: readHostname(service.at('hostname')),
    labels,
    ports: readPorts(service.at('ports')),
    mounts: readMounts(service.at('volumes'), service.at('tmpfs')),
    ...(healthCheck !== undefined && { healthCheck }),
    stopSignal: service.at('stop_signal').parse(parseSignal) ?? '',
    stopGracePeriodMs: service.at('stop_grace_period').parse(parseDurationMs) ?? DEFAULT_GRACE_MS,
    init: service.at('init').bool() ?? false,
    readOnly: service.at('read_only').bool() ?? false,
    capAdd: service.at('cap_add').texts(),
    capDrop: service.at('cap_drop').texts(),
    securityOpt: service.at('security_opt').texts(),
    ulimits: readUlimits(service.at('ulimits')),
    limits: readLimits(service.at('deploy').at('resources').fields(RESOURCES_KEYS)?.at('limits').fields(LIMITS_KEYS)),
    project: service.at('x-berth').fields(BERTH_KEYS)?.at('project').text() ?? '',
  };
}

/** A list, or one text that is split as a shell would, without one being run. */
function readWords(reader: Reader): readonly string[] {
  if (Array.isArray(reader.value)) return reader.texts();
  return reader.parse(splitWords) ?? [];
}

/** An empty one, as text or list, resets the image's: Docker wants [""] for that. */
function readEntrypoint(reader: Reader): readonly string[] {
  const words = readWords(reader);
  return reader.isSet && words.length === 0 ? [''] : words;
}

function readHostname(reader: Reader): string {
  const name = reader.text() ?? '';
  if (name !== '' && !/^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?$/.test(name))
    reader.bad(`"${name}" is no hostname`);
  return name;
}

function readHealthCheck(reader: Reader): HealthCheck | undefined {
  const fields = reader.fields(HEALTHCHECK_KEYS);
  if (fields === undefined) return undefined;
  const nothing = { intervalMs: 0, timeoutMs: 0, startPeriodMs: 0, retries: 0 };
  if (fields.at('disable').bool() === true) {
    if (fields.at('test').isSet) reader.bad('disable and test exclude each other');
    return { test: ['NONE'], ...nothing };
  }
  return {
    test: readTest(fields.at('test')),
    intervalMs: fields.at('interval').parse(parseDurationMs) ?? 0,
    timeoutMs: fields.at('timeout').parse(parseDurationMs) ?? 0,
    startPeriodMs: fields.at('start_period').parse(parseDurationMs) ?? 0,
    retries: fields.at('retries').integer(1, 1000) ?? 0,
  };
}

function readTest(reader: Reader): readonly string[] {
  if (!Array.isArray(reader.value)) {
    const text = reader.text();
    return text === undefined ? [] : ['CMD-SHELL', text];
  }
  const words = reader.texts();
  const [kind] = words;
  if (kind !== undefined && !['CMD', 'CMD-SHELL', 'NONE'].includes(kind))
    reader.at(0).bad(`a list begins with CMD, CMD-SHELL or NONE, not with "${kind}"`);
  if ((kind === 'CMD' || kind === 'CMD-SHELL') && words.length < 2) reader.bad(`what to run is missing after ${kind}`);
  return words;
}

function readUlimits(reader: Reader): readonly Ulimit[] {
  if (!reader.isSet) return [];
  if (!isMap(reader.value)) return reader.wrong('a map of limits is wanted') ?? [];
  return Object.keys(reader.value).flatMap((name) => {
    const entry = reader.at(name);
    if (!/^[a-z]+$/.test(name)) return entry.bad(`"${name}" is no name of a limit; nofile, nproc, … are`) ?? [];
    const both = isMap(entry.value) ? entry.fields(ULIMIT_KEYS) : undefined;
    const one = both === undefined ? entry.integer(-1, Number.MAX_SAFE_INTEGER) : undefined;
    const soft = both === undefined ? one : both.at('soft').integer(-1, Number.MAX_SAFE_INTEGER);
    const hard = both === undefined ? one : both.at('hard').integer(-1, Number.MAX_SAFE_INTEGER);
    if (soft === undefined || hard === undefined) {
      if (both !== undefined) entry.problems.add('missing-key', entry.path, 'soft and hard are both wanted');
      return [];
    }
    return [{ name, soft, hard }];
  });
}

function readLimits(limits: Reader | undefined): ContainerSpec['limits'] {
  const memoryBytes = limits?.at('memory').parse(parseBytes) ?? 0;
  if (limits?.at('memory').isSet === true && memoryBytes > 0 && memoryBytes < MIN_MEMORY_BYTES)
    limits.problems.add('out-of-range', limits.at('memory').path, `${memoryBytes} bytes; Docker wants 6m at least`);
  return {
    nanoCpus: limits?.at('cpus').parse(parseNanoCpus) ?? 0,
    memoryBytes,
    pids: limits?.at('pids').integer(1, 4_194_304) ?? 0,
  };
}
