/** What a Compose file says beside its services. What Berth does not do is refused, and never dropped. */
import { FILE_KEYS } from '../../lib/compose/file-keys';
import type { KeyTable } from '../../lib/compose/key-table';
import { nearestName } from '../../lib/nearest';
import { isMap, type Fields } from '../../lib/yaml/fields';
import { ComposeFileError, type Source, type Trouble } from './place';

/** @param more what is wrong with its sections. @throws ComposeFileError with everything that is wrong */
export function checkTopLevel(content: Fields, source: Source, more: readonly Trouble[]): void {
  const troubles = [...Object.keys(content).flatMap((key) => checkKey(key, content[key], source)), ...more];
  const { services } = content;
  if (!isMap(services) || Object.keys(services).length === 0)
    troubles.push(() =>
      source.show(['services'], 'there is no service; write "services:" with one service at least [missing-key]'),
    );
  if (troubles.length > 0) throw new ComposeFileError(troubles);
}

/**
 * Compose's own rule for names of projects.
 * @param given what the command line or the environment says
 * @throws ComposeFileError
 */
export function projectName(given: string | undefined, folder: string, content: Fields, source: Source): string {
  const named = content['name'];
  if (given === undefined && (named === undefined || named === null))
    return (
      folder
        .toLowerCase()
        .replace(/[^a-z0-9_-]/g, '')
        .replace(/^[_-]+/, '') || 'default'
    );
  const name = given ?? (typeof named === 'number' ? String(named) : named);
  if (typeof name === 'string' && /^[a-z0-9][a-z0-9_-]*$/.test(name)) return name;
  const what = `${JSON.stringify(name)} is no name of a project; use a-z, 0-9, "_" and "-", beginning with a letter or digit [bad-name]`;
  throw new ComposeFileError([() => (given === undefined ? source.show(['name'], what) : what)]);
}

function checkKey(key: string, value: unknown, source: Source): readonly Trouble[] {
  if (key.startsWith('x-')) return [];
  const isThere = Object.hasOwn(FILE_KEYS, key);
  const refusal = isThere && isEmpty(value) ? undefined : unsupportedKey(FILE_KEYS, key);
  return refusal === undefined ? [] : [() => source.showKey([key], refusal)];
}

/** @returns what is wrong with a key, for people; undefined when it is supported */
export function unsupportedKey(table: KeyTable, key: string): string | undefined {
  const status = Object.hasOwn(table, key) ? table[key] : undefined;
  if (status?.is === 'supported') return undefined;
  if (status !== undefined)
    return status.is === 'planned'
      ? `${key}: not supported yet; until then: ${status.note} [unsupported-key]`
      : `${key}: not supported: ${status.note} [unsupported-key]`;
  const nearest = nearestName(key, Object.keys(table));
  const supported = Object.keys(table).filter((one) => table[one]!.is === 'supported');
  const hint = nearest === undefined ? `there are ${supported.join(', ')}` : `did you mean "${nearest}"?`;
  return `no such key "${key}"; ${hint} [unknown-key]`;
}

/** Says nothing: null, false, {} or []. */
export function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
