/**
 * Settings of a daemon: flags, then BERTH_* variables, then the YAML file, then the default; the names are the
 * same in all three. Parsed once, wholly, and frozen; all problems are listed at once.
 */
import { nearestName } from '../nearest';
import { Lines } from '../yaml/lines';
import { plainValue } from '../yaml/plain';
import { readTree } from '../yaml/tree';

/** A configuration that can't be used. The daemon prints each problem and exits 64 (EX_USAGE of sysexits.h). */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`the configuration can't be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/** Settings are lists of maps of texts at most. */
const MAX_FILE_DEPTH = 8;

/** Reads one setting from its text. Throws an Error that says what is wrong and what is wanted. */
export type Parse<T> = (text: string) => T;
export interface Setting<T> {
  readonly parse: Parse<T>;
  /** Text of the default; undefined: the setting has to be given. */
  readonly default?: string;
}
/** Told where, within a setting, and what is wrong. */
export type Refuse = (path: string, message: string) => void;
/** One that is made of lists and maps, and that the file alone can hold. */
export interface StructuredSetting<T> {
  /** @param value undefined when the file has none of the name */
  readonly read: (value: unknown, refuse: Refuse) => T;
}
export type Settings<T> = { readonly [K in keyof T & string]: Setting<T[K]> | StructuredSetting<T[K]> };

export interface Sources {
  /** By setting name in camelCase, as commander gives them; undefined when not given. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Text and name of the configuration file, if there is one. */
  readonly file?: { readonly name: string; readonly text: string };
}

/** @throws ConfigError with every problem of every source */
export function readSettings<T>(settings: Settings<T>, sources: Sources): Readonly<T> {
  const problems: string[] = [];
  const names = Object.keys(settings) as (keyof T & string)[];
  const fromFile = readFile(sources.file, names, problems);
  const read: Partial<T> = {};
  for (const name of names) {
    const setting = settings[name];
    const inFile = `${sources.file?.name}: ${kebab(name)}`;
    if ('read' in setting) {
      read[name] = setting.read(fromFile.get(name), (path, message) => problems.push(`${inFile}${path}: ${message}`));
      if (sources.env[envName(name)] !== undefined)
        problems.push(`${envName(name)}: only the file can have ${kebab(name)}`);
      continue;
    }
    const candidates: readonly (readonly [string, string | undefined])[] = [
      [`--${kebab(name)}`, sources.flags[name]],
      [envName(name), sources.env[envName(name)]],
      [inFile, fromFile.has(name) ? asText(fromFile.get(name)) : undefined],
      ['the default', setting.default],
    ];
    const given = candidates.find(([, text]) => text !== undefined);
    if (given?.[1] === undefined) {
      problems.push(
        `${kebab(name)} is not set: give --${kebab(name)}, ${envName(name)}, or "${kebab(name)}:" in the file`,
      );
      continue;
    }
    try {
      read[name] = setting.parse(given[1]);
    } catch (error) {
      problems.push(`${given[0]}: ${(error as Error).message}`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(read as T);
}

/** "leaseTtl" → "lease-ttl", as flags and the file spell it */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** "leaseTtl" → "BERTH_LEASE_TTL" */
export function envName(name: string): string {
  return `BERTH_${kebab(name).replaceAll('-', '_').toUpperCase()}`;
}

function readFile(file: Sources['file'], names: readonly string[], problems: string[]): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>();
  if (!file) return found;
  const { problems: wrong, tree } = readTree(file.text, MAX_FILE_DEPTH);
  const value = tree === undefined ? undefined : plainValue(tree);
  const troubles = value !== undefined && 'problem' in value ? [...wrong, value.problem] : wrong;
  const lines = new Lines(file.text);
  for (const { offset, message } of troubles) problems.push(`${file.name}:${lines.at(offset).line}: ${message}`);
  if (value === undefined || 'problem' in value) return found;
  const content: unknown = value.value ?? {};
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    problems.push(`${file.name}: wants "name: value" lines`);
    return found;
  }
  for (const [key, value] of Object.entries(content)) {
    const name = names.find((candidate) => kebab(candidate) === key);
    if (name === undefined) {
      const nearest = nearestName(key, names.map(kebab));
      problems.push(
        `${file.name}: there is no setting "${key}"; ${nearest === undefined ? `there are ${names.map(kebab).join(', ')}` : `did you mean "${nearest}"?`}`,
      );
    } else found.set(name, value);
  }
  return found;
}

/** Lists and maps of the file in the form that flags have: "a,b" and "k=v,k=v". */
function asText(value: unknown): string {
  if (Array.isArray(value)) return value.map(String).join(',');
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([key, inner]) => `${key}=${String(inner)}`)
      .join(',');
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
