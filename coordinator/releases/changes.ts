/** Pure: what one release says otherwise than another. */
import type { Release } from '../../lib/documents/types';
import { canonicalJson } from '../../lib/release/spec-hash';
import { withDefaults } from './unsaid';

const MAX_CHANGES = 50;
/** Names of labels and variables may be of any length. */
const MAX_PATH_CHARACTERS = 200;

/**
 * @returns paths, sorted: "container.image", "deploy.replicas", "config.LOG_LEVEL". Lists are compared as a whole.
 *   Empty when there is nothing before it
 */
export function changesBetween(before: Release | undefined, after: Release): readonly string[] {
  if (before === undefined) return [];
  const [old, now] = [before, after].map(({ container, deploy, config, redeploys }) => ({
    ...{ container, deploy: withDefaults(deploy), config, redeploys },
  }));
  return differences(old, now, '')
    .sort()
    .slice(0, MAX_CHANGES)
    .map((path) => (path.length > MAX_PATH_CHARACTERS ? `${path.slice(0, MAX_PATH_CHARACTERS)}…` : path));
}

function differences(a: unknown, b: unknown, path: string): string[] {
  // One comes from etcd and one from the compiler: fields stand in another order, and what is not said is not there.
  if (!isFields(a) || !isFields(b)) return sameValue(a, b) ? [] : [path];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((name) =>
    differences(own(a, name), own(b, name), path === '' ? name : `${path}.${name}`),
  );
}

function sameValue(a: unknown, b: unknown): boolean {
  return Array.isArray(a) && Array.isArray(b) ? canonicalJson(a) === canonicalJson(b) : Object.is(a, b);
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function own(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}
