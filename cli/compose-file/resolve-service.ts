/** Replaces what only this machine knows: env_file, variables of the shell, relative paths. */
import type { Variables } from './interpolate';
import { parseEnvFile } from './env-file';

export interface ServiceFiles {
  /** @returns text of a file beside the Compose file; undefined when it is not there */
  readonly read: (path: string) => string | undefined;
  /** Relative to the Compose file's folder, or to the home folder after "~" → absolute. */
  readonly absolute: (path: string) => string;
}

/** @throws Error for people: a file that is missing, or wrong. What is of an unexpected type is left for the coordinator to refuse. */
export function resolveService(service: unknown, files: ServiceFiles, variables: Variables): unknown {
  if (!isMap(service)) return service;
  const { env_file: envFile, ...rest } = service;
  const resolved: Record<string, unknown> = { ...rest };
  const fromFiles = readEnvFiles(envFile, files, variables);
  if (fromFiles !== undefined || resolved['environment'] !== undefined) {
    const own = withShellValues(resolved['environment'], variables);
    if (own !== undefined) resolved['environment'] = { ...fromFiles, ...own };
  }
  if (Array.isArray(resolved['volumes']))
    resolved['volumes'] = resolved['volumes'].map((volume) => absoluteSource(volume, files));
  return resolved;
}

function readEnvFiles(
  envFile: unknown,
  files: ServiceFiles,
  variables: Variables,
): Readonly<Record<string, string>> | undefined {
  if (envFile === undefined || envFile === null) return undefined;
  const entries: readonly unknown[] = Array.isArray(envFile) ? envFile : [envFile];
  let values: Record<string, string> = {};
  for (const entry of entries) {
    const path = isMap(entry) ? entry['path'] : entry;
    if (typeof path !== 'string') throw new Error('env_file: a path is wanted');
    const isRequired = !isMap(entry) || entry['required'] !== false;
    const text = files.read(path);
    if (text === undefined && isRequired) throw new Error(`env_file: there is no file ${path}`);
    if (text !== undefined) values = { ...values, ...parseEnvFile(text, path, { ...variables, ...values }) };
  }
  return values;
}

/** A name without a value takes the shell's, or goes away when that has none, as in Compose. */
function withShellValues(environment: unknown, variables: Variables): Readonly<Record<string, unknown>> | undefined {
  if (environment === undefined || environment === null) return {};
  const pairs: (readonly [string, unknown])[] = [];
  if (Array.isArray(environment)) {
    if (!environment.every((item) => typeof item === 'string')) return undefined;
    for (const item of environment) {
      const at = item.indexOf('=');
      pairs.push(at < 0 ? [item, variables[item]] : [item.slice(0, at), item.slice(at + 1)]);
    }
  } else if (isMap(environment)) {
    for (const [name, value] of Object.entries(environment))
      pairs.push([name, value === null ? variables[name] : value]);
  } else return undefined;
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}

function absoluteSource(volume: unknown, files: ServiceFiles): unknown {
  const isRelative = (path: string): boolean => /^(\.|~)/.test(path);
  if (typeof volume === 'string') {
    const [source = '', ...rest] = volume.split(':');
    return rest.length > 0 && isRelative(source) ? [files.absolute(source), ...rest].join(':') : volume;
  }
  if (
    !isMap(volume) ||
    volume['type'] !== 'bind' ||
    typeof volume['source'] !== 'string' ||
    volume['source'].startsWith('/')
  )
    return volume;
  return { ...volume, source: files.absolute(volume['source']) };
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
