/** A parsed YAML document → its plain value, with aliases and merge keys written out. */
import { isAlias, isMap, isNode, isPair, isScalar, isSeq, type Alias, type Node, type YAMLMap } from 'yaml';
import { ComposeFileError, isMergeKey, keyName, showPlace, type NamedText } from './place';

/** Both as the coordinator has them for one service, and a few levels for the file around it. */
export const MAX_DEPTH = 80;
/** Characters and 16 for each part, with every alias written out. A service is refused from 256 KiB on. */
export const MAX_EXPANDED = 16 * 1024 * 1024;
const SIZE_OF_PART = 16;

export type Targets = ReadonlyMap<Alias, Node>;

/**
 * As yaml's own toJS(), which looks for each alias through the whole document.
 * @param targets what each alias stands for; no alias stands for something that holds it, or for what comes after it
 * @throws ComposeFileError when it would be too large, or nested too deeply
 */
export function toPlain(root: Node | null, file: NamedText, targets: Targets): unknown {
  measure(root, file, targets);
  const known = new Map<Node, unknown>();
  const plain = (node: unknown): unknown => {
    if (isAlias(node)) return known.get(targets.get(node)!);
    const value = isMap(node)
      ? plainMap(node)
      : isSeq(node)
        ? node.items.map(plain)
        : isScalar(node)
          ? node.value
          : null;
    if (isNode(node) && 'anchor' in node && node.anchor !== undefined) known.set(node, value);
    return value;
  };
  const plainSource = (source: unknown): object => {
    const value = plain(source);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
    const offset = isNode(source) ? (source.range?.[0] ?? 0) : 0;
    const what = '<< merges maps: *name, or a list of such [yaml-syntax]';
    throw new ComposeFileError([() => showPlace(file, offset, what)]);
  };
  const plainMap = (map: YAMLMap): unknown => {
    const entries = new Map<string, unknown>();
    for (const { key, value } of map.items)
      if (!isMergeKey(key)) entries.set(keyName((key as { value?: unknown }).value), plain(value));
      else
        for (const source of isSeq(value) ? value.items : [value])
          for (const [name, merged] of Object.entries(plainSource(source)))
            if (!entries.has(name)) entries.set(name, merged);
    return Object.fromEntries(entries);
  };
  return plain(root);
}

interface Measure {
  readonly size: number;
  readonly depth: number;
}

/** Before aliases are written out: a few nested ones could fill the memory. */
function measure(root: Node | null, file: NamedText, targets: Targets): void {
  const known = new Map<unknown, Measure>();
  const of = (node: unknown): Measure => {
    if (isAlias(node)) return known.get(targets.get(node)) ?? { size: SIZE_OF_PART, depth: 1 };
    const inner = isMap(node) || isSeq(node) ? (node.items as unknown[]) : isPair(node) ? [node.key, node.value] : [];
    const text = isScalar(node) && typeof node.value === 'string' ? node.value.length : 0;
    let [size, depth] = [SIZE_OF_PART + text, 0];
    for (const part of inner) {
      const measured = of(part);
      size += measured.size;
      depth = Math.max(depth, measured.depth);
    }
    const offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
    if (size > MAX_EXPANDED) throw tooLarge(file, offset);
    if (depth >= MAX_DEPTH)
      throw new ComposeFileError([() => showPlace(file, offset, 'nested too deeply [yaml-syntax]')]);
    if (isNode(node) && node.anchor !== undefined) known.set(node, { size, depth: depth + 1 });
    return { size, depth: depth + 1 };
  };
  of(root);
}

export function tooLarge(file: NamedText, offset: number): ComposeFileError {
  const what = 'written out, with its aliases and variables, this is too large for any cluster [too-large]';
  return new ComposeFileError([() => showPlace(file, offset, what)]);
}
