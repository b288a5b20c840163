/** What of a service a container is made from. */
import { emptyDocument } from '../../lib/documents/codec';
import type { ContainerSpec } from '../../lib/documents/types';
import { parseBytes } from './bytes';
import { parseNanoCpus } from './cpus';
import { parseDurationMs } from './duration';
import { readHealthCheck } from './health-check';
import { parseHostname } from './hostname';
import { parseImage } from './image';
import { BERTH_KEYS, LIMITS_KEYS, RESOURCES_KEYS } from './keys';
import { readMounts } from './mounts';
import { readPorts } from './ports';
import type { Parsed, Reader } from './read';
import { parseCapability, parseSecurityOption, readUlimits } from './security';
import { parseSignal } from './signal';
import { parseUser } from './user';
import { splitWords } from './words';

/** Compose's own. */
const DEFAULT_GRACE_MS = 10_000;
/** Docker refuses less. */
const MIN_MEMORY_BYTES = 6 * 1024 * 1024;
/** With less a container does not start: a quota is a millisecond in 100 at least. */
const MIN_NANO_CPUS = 10_000_000;
/** The kernel's PID_MAX_LIMIT. */
const MAX_PIDS = 4_194_304;
const NO_SHELL =
  'there is no shell here to take it from; write NAME=value (or apply with "berth apply", which has one)';

export function readContainer(service: Reader): ContainerSpec {
  const parse = (key: string, parser: (text: string) => Parsed<string>): string => service.at(key).parse(parser) ?? '';
  if (!service.at('image').isSet) service.missing('image', 'image is missing: what the containers run');
  const healthCheck = readHealthCheck(service.at('healthcheck'));
  return {
    ...emptyDocument('Release').container,
    image: parse('image', parseImage),
    command: readWords(service.at('command')),
    entrypoint: readEntrypoint(service.at('entrypoint')),
    environment: service.at('environment').textMap({ noValue: NO_SHELL }),
    user: parse('user', parseUser),
    workingDir: parse('working_dir', parseWorkingDir),
    hostname: parse('hostname', parseHostname),
    labels: service.at('labels').textMap({ noValue: 'empty', refuse: refuseLabel }),
    ports: readPorts(service.at('ports')),
    mounts: readMounts(service.at('volumes'), service.at('tmpfs')),
    ...(healthCheck !== undefined && { healthCheck }),
    stopSignal: parse('stop_signal', parseSignal),
    stopGracePeriodMs: service.at('stop_grace_period').parse(parseDurationMs) ?? DEFAULT_GRACE_MS,
    init: service.at('init').bool() ?? false,
    readOnly: service.at('read_only').bool() ?? false,
    capAdd: service.at('cap_add').parsedTexts(parseCapability),
    capDrop: service.at('cap_drop').parsedTexts(parseCapability),
    securityOpt: service.at('security_opt').parsedTexts(parseSecurityOption),
    ulimits: readUlimits(service.at('ulimits')),
    limits: readLimits(service.at('deploy').at('resources').fields(RESOURCES_KEYS)?.at('limits').fields(LIMITS_KEYS)),
    project: readProject(service.at('x-berth').fields(BERTH_KEYS)?.at('project')),
  };
}

function refuseLabel(name: string): string | undefined {
  return name.startsWith('berth.')
    ? `the label "${name}" is Berth's own; names that begin with "berth." are taken`
    : undefined;
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

function parseWorkingDir(text: string): Parsed<string> {
  return text === '' || text.startsWith('/') ? text : { problem: `"${text}" is relative; write an absolute path` };
}

/** Compose's own rule. */
function readProject(reader: Reader | undefined): string {
  const name = reader?.text() ?? '';
  if (name !== '' && !/^[a-z0-9][a-z0-9_-]*$/.test(name))
    reader?.problems.add(
      'bad-name',
      reader.path,
      `"${name}" is no name of a project; use a-z, 0-9, "_" and "-", beginning with a letter or digit`,
    );
  return name;
}

function readLimits(limits: Reader | undefined): ContainerSpec['limits'] {
  const memory = limits?.at('memory');
  const memoryBytes = memory?.parse(parseBytes) ?? 0;
  if (memoryBytes > 0 && memoryBytes < MIN_MEMORY_BYTES)
    memory?.outOfRange(`${memoryBytes} bytes are too few; Docker wants 6m at least`);
  const cpus = limits?.at('cpus');
  const nanoCpus = cpus?.parse(parseNanoCpus) ?? 0;
  if (nanoCpus > 0 && nanoCpus < MIN_NANO_CPUS) cpus?.outOfRange('too little to start a container; 0.01 is the least');
  return { nanoCpus, memoryBytes, pids: limits?.at('pids').integer(1, MAX_PIDS) ?? 0 };
}
