/** What of a service a container is made from. */
import { emptyDocument } from '../../lib/documents/codec';
import type { ContainerSpec } from '../../lib/documents/types';
import { parseBytes } from './bytes';
import { parseNanoCpus } from './cpus';
import { parseDurationMs } from './duration';
import { readHealthCheck } from './health-check';
import { parseHostname } from './hostname';
import { parseImage } from './image';
import { parsePlatform, parsePullPolicy } from './image-source';
import { BERTH_KEYS } from './berth-keys';
import { LIMITS_KEYS, RESOURCES_KEYS } from './deploy-keys';
import { readDevices } from './devices';
import { readHooks } from './hooks';
import { readKernel } from './kernel';
import { readLogging } from './logging';
import { readMounts } from './mounts';
import { readNamespaces } from './namespaces';
import { readNetworking } from './networks';
import { readPorts } from './ports';
import { readDrain } from './probe';
import type { Parsed, Reader, Templates } from './read';
import { readResolver } from './resolver';
import { parseCapability, parseSecurityOption, readUlimits } from './security';
import { parseSignal } from './signal';
import { parseUser } from './user';
import { readWords } from './words';
import { parseWorkingDir } from './working-dir';

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

/** @param labels of the service, which are read already, since other texts name them. @param templates what {{ }} are */
export function readContainer(
  service: Reader,
  { labels, templates }: { readonly labels: ContainerSpec['labels']; readonly templates: Templates },
): ContainerSpec {
  const parse = (key: string, parser: (text: string) => Parsed<string>): string => service.at(key).parse(parser) ?? '';
  const bool = (key: string): boolean => service.at(key).bool() ?? false;
  const template = (key: string): Reader => service.at(key).withBraces(templates);
  if (!service.at('image').isSet) service.missing('image', 'image is missing: what the containers run');
  const berth = service.at('x-berth').fields(BERTH_KEYS);
  const resources = service.at('deploy').at('resources').fields(RESOURCES_KEYS);
  const ports = readPorts(service.at('ports'));
  const healthCheck = readHealthCheck(service.at('healthcheck'));
  const logging = readLogging(service.at('logging'));
  return {
    ...emptyDocument('Release').container,
    image: parse('image', parseImage),
    platform: parse('platform', parsePlatform),
    pullPolicy: parse('pull_policy', parsePullPolicy),
    command: readWords(template('command')),
    entrypoint: readEntrypoint(template('entrypoint')),
    environment: template('environment').textMap({ noValue: NO_SHELL }),
    user: parse('user', parseUser),
    groupAdd: service.at('group_add').parsedTexts(parseGroup),
    workingDir: parse('working_dir', parseWorkingDir),
    hostname: template('hostname').template(parseHostname) ?? '',
    labels,
    annotations: service.at('annotations').textMap({ noValue: 'empty' }),
    ports,
    ...readNetworking(service, ports),
    ...readResolver(service),
    mounts: readMounts(service, templates),
    ...readDevices(service, resources?.at('reservations')),
    ...(healthCheck !== undefined && { healthCheck }),
    ...{ stdinOpen: bool('stdin_open'), tty: bool('tty'), init: bool('init'), readOnly: bool('read_only') },
    stopSignal: parse('stop_signal', parseSignal),
    stopGracePeriodMs: service.at('stop_grace_period').parse(parseDurationMs) ?? DEFAULT_GRACE_MS,
    drainMs: readDrain(berth?.at('drain')),
    postStart: readHooks(service.at('post_start'), NO_SHELL),
    preStop: readHooks(service.at('pre_stop'), NO_SHELL),
    runtime: parse('runtime', parseRuntime),
    ...readNamespaces(service),
    capAdd: service.at('cap_add').parsedTexts(parseCapability),
    capDrop: service.at('cap_drop').parsedTexts(parseCapability),
    securityOpt: service.at('security_opt').parsedTexts(parseSecurityOption),
    ...readKernel(service),
    ulimits: readUlimits(service.at('ulimits')),
    limits: readLimits(resources?.at('limits').fields(LIMITS_KEYS)),
    storageOptions: service.at('storage_opt').textMap({ noValue: 'empty' }),
    ...(logging !== undefined && { logging }),
    project: readProject(berth?.at('project')),
    configEnvironment: berth?.at('config').oneOf(['all']) !== undefined,
  };
}

/** An empty one, as text or list, resets the image's: Docker wants [""] for that. */
function readEntrypoint(reader: Reader): readonly string[] {
  const words = readWords(reader);
  return reader.isSet && words.length === 0 ? [''] : words;
}

/** A name or an id. */
function parseGroup(text: string): Parsed<string> {
  return /^[^\s:,-][^\s:,]*$/.test(text) ? text : { problem: `"${text}" is no group; write its name or its number` };
}

function parseRuntime(text: string): Parsed<string> {
  return /^[a-zA-Z0-9][\w.-]*$/.test(text) ? text : { problem: `"${text}" is no name of a runtime` };
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
