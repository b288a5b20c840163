/** The text of a Compose file → its plain value with the variables filled in, or everything that is not YAML as Berth reads it. */
import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
  visit,
  type Alias,
  type Document,
  type Node,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { interpolate, InterpolationError, type Variables } from './interpolate';
import { MAX_DEPTH, MAX_EXPANDED, toPlain, tooLarge, type Targets } from './plain';
import { ComposeFileError, isMergeKey, keyName, showPlace, Source, type NamedText, type Trouble } from './place';

/** Of YAML's core schema, which is JSON's. */
const TAGS = ['!', ...['map', 'seq', 'str', 'int', 'float', 'bool', 'null'].map((name) => `tag:yaml.org,2002:${name}`)];

export interface YamlFile {
  readonly value: unknown;
  readonly source: Source;
}

/**
 * @param onUnset called for each variable that has neither a value nor a default, with where it stands
 * @throws ComposeFileError and nothing else, whatever the text
 */
export function readYaml(
  file: NamedText,
  variables: Variables,
  onUnset: (name: string, offset: number) => void,
): YamlFile {
  // yaml's own check for keys that are there twice compares each with each: minutes for a large map.
  const document = parseDocument(file.text, { merge: true, prettyErrors: false, uniqueKeys: false });
  const { errors, warnings } = document;
  const troubles = [...errors, ...warnings.filter(({ code }) => code !== 'TAG_RESOLVE_FAILED')].map(
    ({ code, pos, message }): Trouble =>
      () =>
        showPlace(file, pos[0], `${syntaxTrouble(code, message)} [yaml-syntax]`),
  );
  if (document.directives?.yaml.version === '1.1')
    troubles.push(() =>
      showPlace(file, 0, 'YAML 1.1 reads "yes" and 22:22 as something else; leave out the %YAML line [yaml-syntax]'),
    );
  if (troubles.length > 0) throw new ComposeFileError(troubles);
  const { targets, scalars } = inspect(document, file);
  fillIn(scalars, file, variables, onUnset);
  const { contents } = document;
  return { value: toPlain(contents, file, targets), source: new Source(file, contents, targets) };
}

function syntaxTrouble(code: string, message: string): string {
  if (code === 'MULTIPLE_DOCS')
    return 'a second document begins here; "docker compose config | berth apply -f -" merges several';
  return `not YAML: ${/call stack/.test(message) ? 'nested too deeply' : message}`;
}

interface Inspection {
  readonly targets: Targets;
  /** Values with a "$" in them. */
  readonly scalars: readonly Scalar[];
}

/** Finds what yaml takes and Berth does not, and makes of numbers what was written. */
function inspect(document: Document, file: NamedText): Inspection {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  const scalars: Scalar[] = [];
  const troubles: Trouble[] = [];
  const refuse = (node: unknown, what: string): void =>
    void troubles.push(() => showPlace(file, isNode(node) ? (node.range?.[0] ?? 0) : 0, `${what} [yaml-syntax]`));
  visit(document, (key, node, ancestors) => {
    if (ancestors.length > MAX_DEPTH) {
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
      refuse(
        node,
        `the tag ${node.tag} means nothing here; "docker compose config | berth apply -f -" resolves !reset and !override`,
      );
    if (isMap(node)) checkKeys(node, refuse);
    if (isScalar(node)) {
      keepAsWritten(node);
      if (key !== 'key' && typeof node.value === 'string' && node.value.includes('$')) scalars.push(node);
    }
    return undefined;
  });
  if (troubles.length > 0) throw new ComposeFileError(troubles);
  return { targets, scalars };
}

function checkKeys(map: YAMLMap, refuse: (node: unknown, what: string) => void): void {
  const seen = new Set<string>();
  for (const { key, value } of map.items) {
    if (isMergeKey(key)) {
      for (const source of isSeq(value) ? value.items : [value])
        if (!isMap(source) && !isAlias(source)) refuse(source ?? key, '<< merges maps: *name, or a list of such');
    } else if (!isScalar(key)) refuse(key, 'a key is text, no list, map or alias');
    else {
      keepAsWritten(key);
      const name = keyName(key.value);
      if (seen.has(name)) refuse(key, `the key "${name}" is there twice`);
      seen.add(name);
    }
  }
}

/** 1.10 stays 1.10, and is not 1.1, where text is wanted: versions, and numbers that a double can not hold. */
function keepAsWritten(scalar: Scalar): void {
  if (typeof scalar.value === 'number' && scalar.source !== undefined && scalar.source !== String(scalar.value))
    scalar.value = scalar.source;
}

/** In the tree and never in the text: no value can change the structure. Keys are left as they are. */
function fillIn(
  scalars: readonly Scalar[],
  file: NamedText,
  variables: Variables,
  onUnset: (name: string, offset: number) => void,
): void {
  const troubles: Trouble[] = [];
  let size = 0;
  for (const scalar of scalars) {
    const offset = scalar.range?.[0] ?? 0;
    try {
      scalar.value = interpolate(scalar.value as string, variables, (name) => onUnset(name, offset));
      size += (scalar.value as string).length;
    } catch (error) {
      if (!(error instanceof InterpolationError)) throw error;
      troubles.push(() => showPlace(file, offset, `${error.message} [interpolation]`));
    }
    if (size > MAX_EXPANDED) throw tooLarge(file, offset);
  }
  if (troubles.length > 0) throw new ComposeFileError(troubles);
}
