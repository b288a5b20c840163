/** Replaces what only this machine and this file know: env_file, variables of the shell, relative paths, names of volumes. */
import { isMap, type Fields } from '../../lib/yaml/fields';
import type { Path } from '../../lib/yaml/places';
import { parseEnvFile } from './env-file';
import type { Variables } from './interpolate';
import { resolveNetworks } from './networks';
import { ComposeFileError, showPlace, type Trouble } from './place';
import type { FileVolume } from './volumes';

export interface ServiceFiles {
  /** @returns text of a file beside the Compose file; undefined when it is not there. @throws ComposeFileError when it can't be read */
  readonly read: (path: string) => string | undefined;
  /** Relative to the Compose file's folder, or to the home folder after "~" → absolute. */
  readonly absolute: (path: string) => string;
}

export interface ServiceContext {
  readonly files: ServiceFiles;
  readonly variables: Variables;
  /** Of the file, by the names that it has for them. */
  readonly volumes: ReadonlyMap<string, FileVolume>;
  /** What Docker calls the networks of the file. */
  readonly networks: ReadonlyMap<string, string>;
  /** @returns a trouble with its place; paths are the service's */
  readonly show: (path: Path, what: string) => string;
  readonly onUnset: (name: string, where: () => string) => void;
}

/** Shows a trouble with a value where it came from. */
export type Origin = (what: string) => string;

export interface ResolvedService {
  readonly service: unknown;
  /** Of variables of the environment that came from an env_file. */
  readonly origins: ReadonlyMap<string, Origin>;
  readonly renamed: Renamed;
}

/** What the document calls networks and volumes → what the file does. */
export interface Renamed {
  readonly networks: ReadonlyMap<string, string>;
  /** Those of x-berth.volumes that came from the file's volumes. */
  readonly volumes: ReadonlyMap<string, string>;
}

const NOTHING_RENAMED: Renamed = { networks: new Map(), volumes: new Map() };

const BY_COMPOSE = '"docker compose config | berth apply -f -" resolves it';
const ENV_FILE_KEYS = ['path', 'required', 'format'];

/**
 * What is of an unexpected type is left for the coordinator to refuse.
 * @throws ComposeFileError for what this machine alone can find wrong
 */
export function resolveService(service: unknown, context: ServiceContext): ResolvedService {
  if (!isMap(service)) return { service, origins: new Map(), renamed: NOTHING_RENAMED };
  const { env_file: envFile, ...resolved } = service as Record<string, unknown>;
  const troubles = ['extends', 'label_file']
    .filter((key) => resolved[key] !== undefined && resolved[key] !== null)
    .map(
      (key): Trouble =>
        () =>
          context.show([key], `${key} is not supported here; ${BY_COMPOSE} [unsupported-key]`),
    );
  const origins = new Map<string, Origin>();
  const fromFiles = readEnvFiles(envFile, context, origins, troubles);
  const own = withShellValues(resolved['environment'], context.variables);
  if (own !== undefined) {
    for (const [name] of own) origins.delete(name);
    const pairs = [...fromFiles, ...own];
    // Also when nothing is left: a name that no shell has is not for the coordinator to refuse.
    if (pairs.length > 0 || isGiven(resolved['environment'])) resolved['environment'] = Object.fromEntries(pairs);
  }
  const used = new Set<string>();
  if (Array.isArray(resolved['volumes']))
    resolved['volumes'] = resolved['volumes'].map((volume: unknown, index) =>
      resolveVolume(volume, context, used, (what) => troubles.push(() => context.show(['volumes', index], what))),
    );
  const volumes = addSettings(resolved, used, context.volumes);
  const { networks, renamed } = resolveNetworks(
    service,
    context.networks,
    (path, what) => void troubles.push(() => context.show(path, what)),
  );
  if (networks !== undefined) resolved['networks'] = networks;
  if (troubles.length > 0) throw new ComposeFileError(troubles);
  return { service: resolved, origins, renamed: { networks: renamed, volumes } };
}

type Pairs = readonly (readonly [string, unknown])[];

function readEnvFiles(
  envFile: unknown,
  context: ServiceContext,
  origins: Map<string, Origin>,
  troubles: Trouble[],
): Pairs {
  if (envFile === undefined || envFile === null) return [];
  const values = new Map<string, string>();
  // A later file's values may hold an earlier one's.
  const variables = { get: (name: string) => context.variables.get(name) ?? values.get(name) };
  (Array.isArray(envFile) ? (envFile as unknown[]) : [envFile]).forEach((entry, index) => {
    const place = Array.isArray(envFile) ? ['env_file', index] : ['env_file'];
    const refuse = (what: string): void => void troubles.push(() => context.show(place, what));
    const { path, isRequired, isRaw, wrong } = readEntry(entry);
    if (path === undefined) return refuse(`env_file: ${wrong} [wrong-type]`);
    try {
      const text = context.files.read(path);
      if (text === undefined) {
        if (isRequired) refuse(`env_file: there is no file ${path} [env-file]`);
        return;
      }
      const file = { name: path, text };
      const onUnset = (name: string): void => context.onUnset(name, () => path);
      for (const [name, { value, offset }] of parseEnvFile(file, { variables, onUnset, isRaw })) {
        values.set(name, value);
        origins.set(name, (what) => showPlace(file, offset, what));
      }
    } catch (error) {
      if (!(error instanceof ComposeFileError)) throw error;
      for (const trouble of error.troubles) troubles.push(trouble);
    }
  });
  return [...values];
}

interface Entry {
  readonly path?: string;
  readonly isRequired: boolean;
  readonly isRaw: boolean;
  readonly wrong: string;
}

function readEntry(entry: unknown): Entry {
  const plain = { isRequired: true, isRaw: false, wrong: 'a path is wanted' };
  if (typeof entry === 'string' && entry !== '') return { ...plain, path: entry };
  if (!isMap(entry)) return plain;
  const { path, required = true, format } = entry;
  const unknown = Object.keys(entry).find((key) => !ENV_FILE_KEYS.includes(key) && !key.startsWith('x-'));
  if (unknown !== undefined)
    return { ...plain, wrong: `no such key "${unknown}"; there are ${ENV_FILE_KEYS.join(', ')}` };
  if (format !== undefined && format !== 'raw') return { ...plain, wrong: 'format: raw is the only one' };
  if (![true, false, 'true', 'false'].includes(required as string))
    return { ...plain, wrong: 'required: true or false is wanted' };
  if (typeof path !== 'string' || path === '') return plain;
  return { ...plain, path, isRequired: String(required) === 'true', isRaw: format === 'raw' };
}

/** A name without a value takes the shell's, or goes away when that has none, as in Compose. */
function withShellValues(environment: unknown, variables: Variables): Pairs | undefined {
  if (!isGiven(environment)) return [];
  const pairs = Array.isArray(environment)
    ? listedPairs(environment)
    : isMap(environment)
      ? mappedPairs(environment)
      : undefined;
  return pairs
    ?.map(([name, value]) => [name, value ?? variables.get(name)] as const)
    .filter(([, value]) => value !== undefined);
}

function isGiven(environment: unknown): boolean {
  return environment !== undefined && environment !== null;
}

function mappedPairs(environment: Fields): Pairs {
  return Object.entries(environment);
}

function listedPairs(environment: readonly unknown[]): Pairs | undefined {
  if (!environment.every((item) => typeof item === 'string')) return undefined;
  return environment.map((item) => {
    const at = item.indexOf('=');
    return at < 0 ? [item, undefined] : [item.slice(0, at), item.slice(at + 1)];
  });
}

/** Writes under x-berth.volumes how the volumes are made that the service uses; what the service says itself wins. */
function addSettings(
  service: Record<string, unknown>,
  used: ReadonlySet<string>,
  volumes: ReadonlyMap<string, FileVolume>,
): ReadonlyMap<string, string> {
  const own = service['x-berth'] ?? {};
  const ownVolumes = isMap(own) ? (own['volumes'] ?? {}) : undefined;
  if (!isMap(own) || !isMap(ownVolumes)) return new Map();
  const found = [...used]
    .map((key) => ({ key, ...volumes.get(key)! }))
    .filter(({ name, settings }) => settings !== undefined && !Object.hasOwn(ownVolumes, name));
  if (found.length === 0) return new Map();
  const settings = Object.fromEntries(found.map((volume) => [volume.name, volume.settings]));
  service['x-berth'] = { ...own, volumes: { ...settings, ...ownVolumes } };
  return new Map(found.map(({ name, key }) => [name, key]));
}

/** @param used names in the file of the volumes that the service uses are added to it */
function resolveVolume(
  volume: unknown,
  context: ServiceContext,
  used: Set<string>,
  refuse: (what: string) => void,
): unknown {
  const named = (name: string): string => {
    const found = context.volumes.get(name);
    if (found !== undefined) used.add(name);
    else
      refuse(
        `there is no volume "${name}" in this file; write "volumes: { ${name}: {} }" at its end, or ./${name} for a folder [unknown-volume]`,
      );
    return found?.name ?? name;
  };
  if (typeof volume === 'string') {
    const [source = '', ...rest] = volume.split(':');
    if (rest.length === 0 || source === '' || source.startsWith('/')) return volume;
    return [/^[.~]/.test(source) ? context.files.absolute(source) : named(source), ...rest].join(':');
  }
  if (!isMap(volume)) return volume;
  const { type, source } = volume;
  if (typeof source !== 'string' || source === '') return volume;
  if (type === 'bind' && !source.startsWith('/')) return { ...volume, source: context.files.absolute(source) };
  return type === 'volume' ? { ...volume, source: named(source) } : volume;
}
