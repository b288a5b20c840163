/**
 * Pure: which services a container is, by the words that registrator reads in its environment and labels:
 * https://gliderlabs.github.io/registrator/latest/user/services/
 */
import { createHash } from 'node:crypto';
import { parseImageReference } from '../../../lib/image-reference';
import { asDurationMs } from '../../../lib/config/parse';
import type { Probe } from '../../../lib/documents/types';
import { isDnsLabel, MAX_LABEL_LENGTH } from '../../../lib/names';

/** What Consul takes without. */
const DEFAULT_INTERVAL_MS = 10_000;
const DEFAULT_TIMEOUT_MS = 1000;
const asIntervalMs = asDurationMs(100, 3_600_000);
const PREFIX = 'SERVICE_';

export interface ForeignPortWords {
  readonly target: number;
  readonly protocol: string;
}

export interface ForeignWords<Port extends ForeignPortWords> {
  readonly name: string;
  readonly image: string;
  readonly words: Readonly<Record<string, string>>;
  readonly ports: readonly Port[];
}

export interface ForeignService<Port extends ForeignPortWords> {
  readonly service: string;
  readonly instance: string;
  readonly port: Port;
  /** Without: it is well as long as it runs. */
  readonly probe?: Probe;
}

export interface ForeignReading<Port extends ForeignPortWords> {
  readonly services: readonly ForeignService<Port>[];
  /** What can't be understood, for people. */
  readonly problems: readonly string[];
}

/** @returns one service for each published port; none of a container that has no word of registrator's, or is to be ignored */
export function readRegistrator<Port extends ForeignPortWords>(
  container: ForeignWords<Port>,
  host: string,
): ForeignReading<Port> {
  const problems: string[] = [];
  const services: ForeignService<Port>[] = [];
  if (!Object.keys(container.words).some((word) => word.startsWith(PREFIX))) return { services, problems };
  if (container.ports.length === 0 && container.words['SERVICE_NAME'] && !container.words['SERVICE_IGNORE'])
    problems.push(
      `container ${container.name}: it has SERVICE_NAME and no published port, so nobody can be told where it answers; ` +
        `publish one (docker run -p), or give it SERVICE_IGNORE=1`,
    );
  for (const port of container.ports) {
    const { common, own } = wordsOf(container.words, port.target);
    const words = { ...common, ...own };
    if ((words['ignore'] ?? '') !== '') continue;
    const name = words['name'] || baseName(container.image);
    // Of several ports one name stands for all: then each is told apart by its number.
    const isShared = container.ports.length > 1 && !own['name'];
    const service = (isShared ? `${name}-${port.target}` : name).toLowerCase();
    if (!isDnsLabel(service)) {
      problems.push(
        `container ${container.name}: "${service}" is no name for a service; give it a DNS label in ` +
          `SERVICE_${port.target}_NAME: at most 63 of a-z, 0-9 and "-"`,
      );
      continue;
    }
    const instance = instanceName(host, container.name, port);
    services.push({ service, instance, port, ...probeOf(words, port, container.name, problems) });
  }
  return { services, problems };
}

type Words = Readonly<Record<string, string>>;

/** SERVICE_NAME is for every port, SERVICE_80_NAME for one, and wins there. */
function wordsOf(all: Words, port: number): { readonly common: Words; readonly own: Words } {
  const common: Record<string, string> = {};
  const own: Record<string, string> = {};
  for (const [word, value] of Object.entries(all)) {
    if (!word.startsWith(PREFIX)) continue;
    const key = word.slice(PREFIX.length).toLowerCase();
    const [, number, rest] = /^(\d+)_(.+)$/.exec(key) ?? [];
    if (number === undefined || rest === undefined) common[key] = value;
    else if (Number(number) === port) own[rest] = value;
  }
  return { common, own };
}

function baseName(image: string): string {
  const repository = parseImageReference(image)?.repository ?? image;
  return repository.slice(repository.lastIndexOf('/') + 1);
}

/** "<host>-<container>-<port>", made a DNS label where it is none. */
function instanceName(host: string, container: string, { target, protocol }: ForeignPortWords): string {
  const end = protocol === 'tcp' ? `${target}` : `${target}-${protocol}`;
  const plain = `${host}-${container}-${end}`;
  if (isDnsLabel(plain)) return plain;
  // Two that differ in what is replaced or cut still differ.
  const tail = `-${createHash('sha256').update(plain).digest('hex').slice(0, 6)}-${end}`;
  const safe = `${host}-${container}`.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return `${safe.slice(0, MAX_LABEL_LENGTH - tail.length)}${tail}`;
}

const UNKNOWN_CHECKS = ['check_https', 'check_cmd', 'check_script', 'check_ttl', 'check_docker', 'check_grpc'];

function probeOf(
  words: Words,
  { target: port }: ForeignPortWords,
  container: string,
  problems: string[],
): { readonly probe?: Probe } {
  const { check_http: path = '', check_tcp: tcp = '' } = words;
  const unknown = UNKNOWN_CHECKS.find((word) => (words[word] ?? '') !== '');
  if (unknown !== undefined)
    problems.push(
      `container ${container}: SERVICE_${unknown.toUpperCase()} is no check that Berth makes; there are CHECK_HTTP and CHECK_TCP. ` +
        `It counts as healthy while it runs`,
    );
  if (path === '' && tcp === '') return {};
  const rules = {
    intervalMs: durationOf(words, 'check_interval', DEFAULT_INTERVAL_MS, container, problems),
    timeoutMs: durationOf(words, 'check_timeout', DEFAULT_TIMEOUT_MS, container, problems),
    ...{ startPeriodMs: 0, failures: 1, successes: 1 },
  };
  if (path === '') return { probe: { ...rules, tcp: { port } } };
  const http = { port, path: path.startsWith('/') ? path : `/${path}`, statusMin: 200, statusMax: 299 };
  return { probe: { ...rules, http: { ...http, headers: {}, scheme: 'http', method: 'GET' } } };
}

function durationOf(words: Words, word: string, otherwise: number, container: string, problems: string[]): number {
  const text = words[word] ?? '';
  if (text === '') return otherwise;
  try {
    return asIntervalMs(text);
  } catch (error) {
    problems.push(
      `container ${container}: SERVICE_${word.toUpperCase()}: ${(error as Error).message}. It is taken for ${otherwise / 1000} s`,
    );
    return otherwise;
  }
}
