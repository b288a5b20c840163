/**
 * Pure: a text → a tree of YAML as Berth reads it, or what of it is none. Berth reads YAML 1.2 with merge keys and
 * without tags: one document, keys that are text, numbers as they are written. What yaml lets pass is refused here.
 */
import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  parseDocument,
  Parser,
  visit,
  type Alias,
  type Document,
  type Node,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { isMergeKey, keyName, offsetOf, type Targets } from './node';

/** The kinds let a caller add what to do, or decide that it goes on. */
export interface YamlProblem {
  readonly kind: 'syntax' | 'second-document' | 'tag' | 'key-twice' | 'too-large';
  /** In UTF-16 units. */
  readonly offset: number;
  readonly message: string;
}

export interface YamlTree {
  readonly root: Node | null;
  readonly targets: Targets;
  /** Of texts that are values, and no keys. */
  readonly texts: readonly Scalar[];
  readonly maxDepth: number;
}

export interface Reading {
  readonly problems: readonly YamlProblem[];
  /** Undefined when something else is wrong than keys that are there twice; of those, the last counts. */
  readonly tree: YamlTree | undefined;
}

/** Of YAML's core schema, which is JSON's. */
const TAGS = ['!', ...['map', 'seq', 'str', 'int', 'float', 'bool', 'null'].map((name) => `tag:yaml.org,2002:${name}`)];
const WANTED_BY_MERGE = '<< merges maps: *name, or a list of such';
const TOO_DEEP = 'nested too deeply';
/**
 * yaml reads in recursion. Near the end of the stack V8 can't compile a regular expression, and ends the process instead
 * of throwing; so a text beyond this never gets there. Far over any depth that a caller allows.
 */
const MAX_OPEN = 1000;

/**
 * Never throws, whatever the text; takes time in proportion to it.
 * @param maxDepth parts around a part; a map within a map counts as two
 */
export function readTree(text: string, maxDepth: number): Reading {
  const deepAt = whereTooDeep(text);
  if (deepAt !== undefined) return { problems: [tooDeep(deepAt)], tree: undefined };
  // yaml's own check for keys that are there twice compares each with each: minutes for a large map.
  const document = parseDocument(text, { merge: true, prettyErrors: false, uniqueKeys: false });
  const problems = syntaxProblems(document);
  if (problems.length > 0) return { problems, tree: undefined };
  const inspection = new Inspection(maxDepth);
  inspection.inspect(document);
  const isWhole = inspection.problems.every(({ kind }) => kind === 'key-twice');
  const { targets, texts } = inspection;
  const tree = isWhole ? { root: document.contents, targets, texts, maxDepth } : undefined;
  return { problems: inspection.problems, tree };
}

/** Changes the texts that are values: in the tree and never in its source, so that no text can change the structure. */
export function replaceTexts({ texts }: YamlTree, replace: (text: string, offset: number) => string): void {
  for (const scalar of texts) scalar.value = replace(scalar.value as string, offsetOf(scalar));
}

export function tooDeep(offset: number): YamlProblem {
  return { kind: 'syntax', offset, message: TOO_DEEP };
}

/** @returns where more than MAX_OPEN parts are open; yaml's parser, below its composer, needs no recursion for that */
function whereTooDeep(text: string): number | undefined {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    // To its end: it reads as it is asked.
    Array.from(parser.next(lexeme));
    if (parser.stack.length > MAX_OPEN) return parser.offset;
  }
  return undefined;
}

function syntaxProblems({ errors, warnings, directives }: Document.Parsed): readonly YamlProblem[] {
  // An unknown tag is refused with its place later on.
  const found = [...errors, ...warnings.filter(({ code }) => code !== 'TAG_RESOLVE_FAILED')];
  const problems = found.map(({ code, pos: [offset], message }): YamlProblem => {
    if (code === 'MULTIPLE_DOCS') return { kind: 'second-document', offset, message: 'a second document begins here' };
    // yaml reads in recursion, and says so when the stack ends.
    return /call stack/.test(message) ? tooDeep(offset) : { kind: 'syntax', offset, message: `not YAML: ${message}` };
  });
  if (directives.yaml.version !== '1.1') return problems;
  const message = 'YAML 1.1 reads "yes" and 22:22 as something else; leave out the %YAML line';
  return [...problems, { kind: 'syntax', offset: 0, message }];
}

/** Finds what yaml takes and Berth does not, and makes of numbers what was written. */
class Inspection {
  readonly problems: YamlProblem[] = [];
  readonly targets = new Map<Alias, Node>();
  readonly texts: Scalar[] = [];
  private readonly anchors = new Map<string, Node>();

  constructor(private readonly maxDepth: number) {}

  inspect(document: Document.Parsed): void {
    visit(document, (key, node, ancestors) => {
      if (ancestors.length > this.maxDepth) {
        this.problems.push(tooDeep(isNode(node) ? offsetOf(node) : 0));
        return visit.BREAK;
      }
      if (isAlias(node)) this.resolve(node, ancestors);
      else if (isNode(node)) this.check(node, key === 'key');
      return undefined;
    });
  }

  private resolve(alias: Alias, ancestors: readonly unknown[]): void {
    const target = this.anchors.get(alias.source);
    if (target === undefined)
      this.refuse(alias, `*${alias.source} stands for nothing: no &${alias.source} is before it`);
    else if (ancestors.includes(target)) this.refuse(alias, `*${alias.source} is inside of what it stands for`);
    else if (isMerged(ancestors) && !isMap(target)) this.refuse(alias, WANTED_BY_MERGE);
    else this.targets.set(alias, target);
  }

  private check(node: Node, isKey: boolean): void {
    if (node.anchor !== undefined) this.anchors.set(node.anchor, node);
    if (node.tag !== undefined && !TAGS.includes(node.tag))
      this.refuse(node, `the tag ${node.tag} means nothing here`, 'tag');
    if (isMap(node)) this.checkKeys(node);
    if (!isScalar(node)) return;
    keepAsWritten(node);
    if (!isKey && typeof node.value === 'string') this.texts.push(node);
  }

  private checkKeys(map: YAMLMap): void {
    const seen = new Set<string>();
    for (const { key, value } of map.items as { key: Node; value: Node | null }[])
      if (isMergeKey(key)) {
        for (const merged of isSeq(value) ? (value.items as Node[]) : [value])
          if (!isMap(merged) && !isAlias(merged)) this.refuse(merged ?? key, WANTED_BY_MERGE);
      } else if (!isScalar(key)) this.refuse(key, 'a key is text, no list, map or alias');
      else {
        const name = keyName(key);
        if (seen.has(name)) this.refuse(key, `the key "${name}" is there twice`, 'key-twice');
        seen.add(name);
      }
  }

  private refuse(node: Node, message: string, kind: YamlProblem['kind'] = 'syntax'): void {
    this.problems.push({ kind, offset: offsetOf(node), message });
  }
}

/** Whether what has these ancestors is what a merge key merges, or one of a list of such. */
function isMerged(ancestors: readonly unknown[]): boolean {
  const pair = isSeq(ancestors.at(-1)) ? ancestors.at(-2) : ancestors.at(-1);
  return isPair(pair) && isMergeKey(pair.key);
}

/** 1.10 stays 1.10, and is not 1.1, where text is wanted: versions, and numbers that a double can not hold. */
function keepAsWritten(scalar: Scalar): void {
  if (typeof scalar.value === 'number' && scalar.source !== undefined && scalar.source !== String(scalar.value))
    scalar.value = scalar.source;
}
