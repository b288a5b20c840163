/** Pure: one number in a text of YAML or JSON, written where it belongs, with everything else of the text as it was. */
import { isAlias, isMap, isScalar, type Node, type YAMLMap } from 'yaml';
import { canonicalJson } from '../release/spec-hash';
import { isMap as isPlainMap, type Fields } from './fields';
import { isMergeKey, keyName } from './node';
import { plainValue } from './plain';
import { readTree } from './tree';

export type Edit = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: string };

const MAX_DEPTH = 64;

class CanNotEdit extends Error {}

/**
 * Comments, order, quotes and indentation stay. What stands there by an alias, an anchor or a merge key is not touched:
 * it would change elsewhere, too.
 * @param path keys of maps, from the root; those that are missing are added
 */
export function putNumber(text: string, path: readonly string[], value: number): Edit {
  try {
    const edited = write(text, path, value);
    const wanted = canonicalJson(withNumber(plain(text), path, value));
    if (canonicalJson(plain(edited)) !== wanted)
      throw new CanNotEdit(`${path.join('.')} can not be changed without changing more than that`);
    return { ok: true, text: edited };
  } catch (error) {
    if (error instanceof CanNotEdit) return { ok: false, problem: error.message };
    throw error;
  }
}

function plain(text: string): unknown {
  const { tree, problems } = readTree(text, MAX_DEPTH);
  const [problem] = problems;
  const read = tree && plainValue(tree);
  if (problem !== undefined || read?.ok !== true) throw new CanNotEdit(problem?.message ?? 'it can not be read');
  return read.value;
}

function withNumber(around: unknown, [key, ...rest]: readonly string[], value: number): unknown {
  if (key === undefined) return value;
  const fields: Fields = isPlainMap(around) ? around : {};
  return { ...fields, [key]: withNumber(fields[key], rest, value) };
}

function write(text: string, path: readonly string[], value: number): string {
  let map = readTree(text, MAX_DEPTH).tree?.root ?? null;
  for (const [depth, key] of path.entries()) {
    const here = path.slice(0, depth).join('.') || 'the document';
    if (!isMap(map)) throw new CanNotEdit(`${here} is no map`);
    const rest = path.slice(depth + 1);
    const own = map.items.findLast((pair) => isScalar(pair.key) && !isMergeKey(pair.key) && keyName(pair.key) === key);
    if (own === undefined) {
      // Of a map that is merged in, only a whole value can be overruled.
      if (rest.length > 0 && isMerged(map, text, path.slice(0, depth + 1)))
        throw new CanNotEdit(`${[...path.slice(0, depth), key].join('.')} comes by a merge key (<<)`);
      return insert(text, map, [key, ...rest], value);
    }
    const found = own.value as Node | null;
    const there = path.slice(0, depth + 1).join('.');
    if (isAlias(found)) throw new CanNotEdit(`${there} is an alias (*${found.source})`);
    if (found?.anchor !== undefined) throw new CanNotEdit(`${there} has an anchor (&${found.anchor})`);
    if (rest.length === 0)
      return isScalar(found) ? replace(text, found, String(value)) : refuse(`${there} is no number`);
    if (isScalar(found) && found.value === null) return replace(text, found, flow(rest, value, isJson(map)));
    map = found;
  }
  throw new CanNotEdit('there is nothing to change');
}

function refuse(problem: string): never {
  throw new CanNotEdit(problem);
}

/** @param path of a key that the map itself has not */
function isMerged(map: YAMLMap, text: string, path: readonly string[]): boolean {
  if (!map.items.some(({ key }) => isMergeKey(key))) return false;
  return path.reduce<unknown>((value, key) => (isPlainMap(value) ? value[key] : undefined), plain(text)) !== undefined;
}

function replace(text: string, node: Node, by: string): string {
  const [start, end] = node.range!;
  // Nothing stands there yet: "deploy:".
  const gap = start === end && /\S/.test(text[start - 1] ?? '') ? ' ' : '';
  return text.slice(0, start) + gap + by + text.slice(end);
}

/** As JSON and flow maps have it: { replicas: 3 } */
function flow([key, ...rest]: readonly string[], value: number, isQuoted: boolean): string {
  if (key === undefined) return String(value);
  const entry = `${isQuoted ? JSON.stringify(key) : key}: ${flow(rest, value, isQuoted)}`;
  return isQuoted ? `{${entry}}` : `{ ${entry} }`;
}

function isJson(map: YAMLMap): boolean {
  const [first] = map.items;
  return isScalar(first?.key) && first.key.type === 'QUOTE_DOUBLE';
}

function insert(text: string, map: YAMLMap, path: readonly string[], value: number): string {
  return map.flow === true ? insertInFlow(text, map, path, value) : insertInBlock(text, map, path, value);
}

function insertInFlow(text: string, map: YAMLMap, path: readonly string[], value: number): string {
  const open = map.range![0] + 1;
  const isQuoted = map.items.length === 0 ? /^\s*\{\s*"/.test(text) : isJson(map);
  const entry = flow(path, value, isQuoted).slice(1, -1).trim();
  if (map.items.length === 0) return `${text.slice(0, open)}${isQuoted ? entry : ` ${entry} `}${text.slice(open)}`;
  // As the entry that is the first now begins: after a blank, or on a line of its own.
  const gap = /^\s*/.exec(text.slice(open))![0];
  return `${text.slice(0, open)}${gap}${entry},${gap === '' ? ' ' : ''}${text.slice(open)}`;
}

/** After the last entry and its comment: what stands above an entry is about that one. */
function insertInBlock(text: string, map: YAMLMap, path: readonly string[], value: number): string {
  const [first] = map.items;
  const start = (first?.key as Node | undefined)?.range?.[0] ?? refuse('it can not be read');
  const indent = start - (text.lastIndexOf('\n', start - 1) + 1);
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = path.map((key, depth) => `${' '.repeat(indent + 2 * depth)}${key}:`).join(newline);
  const end = map.range![1];
  // A block of text ends with its line.
  if (text[end - 1] === '\n') return `${text.slice(0, end)}${lines} ${value}${newline}${text.slice(end)}`;
  const lineEnd = text.indexOf('\n', end);
  const at = lineEnd < 0 ? text.length : text[lineEnd - 1] === '\r' ? lineEnd - 1 : lineEnd;
  return `${text.slice(0, at)}${newline}${lines} ${value}${text.slice(at)}`;
}
