/** Pure: the text of a document → its plain value, with the places of its parts, or what of it is not YAML as Berth reads it. */
import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Alias,
  type Document,
  type Node,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { isMergeKey, keyName, Places } from './places';
import { Problems } from './problems';

/** Aliases of one anchor that are expanded: a few nested ones could otherwise fill the memory. */
const MAX_ALIASES = 100;
/** A map within a map counts as two. No service nests deeper than a dozen. */
const MAX_ANCESTORS = 64;
/** Of YAML's core schema, which is JSON's. */
const TAGS = ['!', ...['map', 'seq', 'str', 'int', 'float', 'bool', 'null'].map((name) => `tag:yaml.org,2002:${name}`)];

export interface Parsing {
  readonly problems: Problems;
  /** False when the value is not what the author wrote; the problems say why. */
  readonly isReadable: boolean;
  readonly value: unknown;
}

export function parseText(text: string): Parsing {
  const lines = new LineCounter();
  // yaml's own check for keys that are there twice compares each with each: seconds for a large map.
  const options = { lineCounter: lines, merge: true, prettyErrors: false, uniqueKeys: false };
  const document = parseDocument(text, options);
  const problems = new Problems(new Places(lines));
  const unreadable = { problems, isReadable: false, value: undefined };
  const { errors, warnings } = document;
  for (const { pos, message } of [...errors, ...warnings.filter(({ code }) => code !== 'TAG_RESOLVE_FAILED')])
    problems.addAt('yaml-syntax', pos[0], `not YAML: ${/call stack/.test(message) ? 'nested too deeply' : message}`);
  if (document.directives?.yaml.version === '1.1')
    problems.addAt('yaml-syntax', 0, 'YAML 1.1 reads "yes" and 22:22 as something else; leave out the %YAML line');
  if (!problems.isEmpty) return unreadable;
  const inspection = inspect(document, problems);
  if (!inspection.isReadable) return unreadable;
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    const placed = new Problems(new Places(lines, document.contents ?? undefined, inspection.targets));
    for (const { offset, message } of inspection.twice) placed.addAt('yaml-syntax', offset, message);
    return { problems: placed, isReadable: true, value };
  } catch (error) {
    problems.addAt('yaml-syntax', 0, `the aliases can not be expanded: ${(error as Error).message}`);
    return unreadable;
  }
}

interface Inspection {
  readonly isReadable: boolean;
  /** Keys that are there twice: a problem, with which the rest can still be read. */
  readonly twice: readonly { readonly offset: number; readonly message: string }[];
  readonly targets: ReadonlyMap<Alias, Node>;
}

/** Finds what yaml takes and Berth does not, and makes of numbers what was written. */
function inspect(document: Document, problems: Problems): Inspection {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  const twice: { offset: number; message: string }[] = [];
  const refuse = (node: unknown, message: string): void =>
    problems.addAt('yaml-syntax', isNode(node) ? (node.range?.[0] ?? 0) : 0, message);
  visit(document, (_, node, ancestors) => {
    if (ancestors.length > MAX_ANCESTORS) {
      refuse(node, 'not YAML: nested too deeply');
      return visit.BREAK;
    }
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target === undefined) refuse(node, `*${node.source} stands for nothing: no &${node.source} is before it`);
      else if (ancestors.includes(target)) refuse(node, `*${node.source} is inside of what it stands for`);
      else targets.set(node, target);
      return undefined;
    }
    if (!isNode(node)) return undefined;
    if (node.anchor !== undefined) anchors.set(node.anchor, node);
    if (node.tag !== undefined && !TAGS.includes(node.tag))
      refuse(node, `the tag ${node.tag} means nothing here; "docker compose config" resolves !reset and !override`);
    if (isMap(node)) twice.push(...checkKeys(node, refuse));
    if (isScalar(node)) keepAsWritten(node);
    return undefined;
  });
  return { isReadable: problems.isEmpty, twice, targets };
}

function checkKeys(
  map: YAMLMap,
  refuse: (node: unknown, message: string) => void,
): readonly { offset: number; message: string }[] {
  const seen = new Set<string>();
  const twice: { offset: number; message: string }[] = [];
  for (const { key, value } of map.items) {
    if (isMergeKey(key)) {
      for (const source of isSeq(value) ? value.items : [value])
        if (!isMap(source) && !isAlias(source)) refuse(source ?? key, '<< merges maps: *name, or a list of such');
    } else if (!isScalar(key)) refuse(key, 'a key is text, no list, map or alias');
    else {
      const name = keyName(key);
      if (seen.has(name)) twice.push({ offset: key.range?.[0] ?? 0, message: `the key "${name}" is there twice` });
      seen.add(name);
    }
  }
  return twice;
}

/** 1.10 stays 1.10, and is not 1.1, where text is wanted: versions, and numbers that a double can not hold. */
function keepAsWritten(scalar: Scalar): void {
  if (typeof scalar.value === 'number' && scalar.source !== undefined && scalar.source !== String(scalar.value))
    scalar.value = scalar.source;
}
