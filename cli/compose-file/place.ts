/** Where something stands in a file, and how to show it. */
import { isAlias, isMap, isScalar, isSeq, type Alias, type Node, type YAMLMap } from 'yaml';

export type Path = readonly (string | number)[];

export interface NamedText {
  /** For messages: "compose.yaml", or "standard input". */
  readonly name: string;
  readonly text: string;
}

/** Written only when it is shown: a large file may have very many. */
export type Trouble = () => string;

/** More than anybody mends in one go. */
export const MAX_TROUBLES = 20;
/** Of a longer line only what is around the place is shown. */
const MAX_LINE_CHARACTERS = 160;

/** What is wrong with a file of an operator, for people, each trouble with its place. */
export class ComposeFileError extends Error {
  constructor(readonly troubles: readonly Trouble[]) {
    const more = troubles.length - MAX_TROUBLES;
    const shown = troubles.slice(0, MAX_TROUBLES).map((trouble) => trouble());
    super([...shown, ...(more > 0 ? [`… and ${more} more.`] : [])].join('\n\n'));
    this.name = 'ComposeFileError';
  }
}

/** "compose.yaml:3:5: what", with the line and a caret under it. */
export function showPlace({ name, text }: NamedText, offset: number, what: string): string {
  const start = offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
  const end = text.indexOf('\n', offset);
  const column = offset - start;
  const number = String(lineOf(text, offset));
  const from = column < MAX_LINE_CHARACTERS ? 0 : column - MAX_LINE_CHARACTERS / 2;
  const line = text.slice(start, end < 0 ? undefined : end).replace(/\r$/, '');
  const cut = line.slice(from, from + MAX_LINE_CHARACTERS);
  const shown = `${from > 0 ? '…' : ''}${printable(cut)}${from + cut.length < line.length ? '…' : ''}`;
  const caret = ' '.repeat(column - from + (from > 0 ? 1 : 0));
  return `${name}:${number}:${column + 1}: ${what}\n  ${number} | ${shown}\n  ${' '.repeat(number.length)} | ${caret}^`;
}

/** Counts from 1. */
export function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

/** Without what a terminal would obey, and as many characters as before, so that a caret under it fits. */
function printable(text: string): string {
  return text.replace(/\t/g, ' ').replace(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}

/** A YAML file of an operator, with the places of its parts, also of those that came by an alias or a merge key. */
export class Source {
  /** @param targets what each alias stands for */
  constructor(
    readonly file: NamedText,
    private readonly root: Node | null,
    private readonly targets: ReadonlyMap<Alias, Node>,
  ) {}

  /** At the value at the path; where there is none, at the nearest thing around it. */
  show(path: Path, what: string): string {
    return this.showNode(this.walk(path), what);
  }

  /** At the key at the path rather than its value. */
  showKey(path: Path, what: string): string {
    const map = this.target(this.walk(path.slice(0, -1)));
    const key = isMap(map) ? this.entry(map, String(path.at(-1)))?.key : undefined;
    return key === undefined ? this.show(path, what) : this.showNode(key, what);
  }

  /**
   * At what a coordinator calls "ports[0].published" inside of the thing at the path.
   * @param isKey at the key there rather than its value
   */
  showWithin(path: Path, inner: string, isKey: boolean, what: string): string {
    return this.showNode(this.walkText(this.walk(path), inner, isKey), what);
  }

  private showNode(node: Node | undefined, what: string): string {
    return showPlace(this.file, node?.range?.[0] ?? 0, what);
  }

  private walk(path: Path): Node | undefined {
    let node = this.root ?? undefined;
    for (const part of path) {
      const inner = this.child(node, part);
      if (inner === undefined) return node;
      node = inner;
    }
    return node;
  }

  /** Keys may hold dots and brackets themselves: the longest key that fits is meant. */
  private walkText(node: Node | undefined, rest: string, isKey: boolean): Node | undefined {
    if (rest === '') return node;
    const within = this.target(node);
    if (isSeq(within)) {
      const [all, index] = /^\[(\d+)\]\.?/.exec(rest) ?? [];
      // A list of NAME=value is a map to the coordinator.
      const item = index === undefined ? within.items.find((one) => isNamed(one, rest)) : within.items[Number(index)];
      return this.walkText(item as Node | undefined, rest.slice(all?.length ?? rest.length), isKey) ?? node;
    }
    if (!isMap(within)) return node;
    const found = this.names(within)
      .filter((name) => rest === name || rest.startsWith(`${name}.`) || rest.startsWith(`${name}[`))
      .sort((a, b) => b.length - a.length)[0];
    const entry = found === undefined ? undefined : this.entry(within, found);
    if (entry === undefined) return node;
    const after = rest.slice(found!.length).replace(/^\./, '');
    if (after === '' && (isKey || entry.value === undefined)) return entry.key;
    return this.walkText(entry.value, after, isKey);
  }

  private target(node: Node | undefined): Node | undefined {
    return isAlias(node) ? this.targets.get(node) : node;
  }

  private child(node: Node | undefined, part: string | number): Node | undefined {
    const within = this.target(node);
    if (isSeq(within)) return within.items[Number(part)] as Node | undefined;
    const entry = isMap(within) ? this.entry(within, String(part)) : undefined;
    return entry?.value ?? entry?.key;
  }

  private entry(map: YAMLMap, name: string): { key: Node; value: Node | undefined } | undefined {
    const pair = map.items.findLast(({ key }) => isScalar(key) && !isMergeKey(key) && keyName(key.value) === name);
    if (pair !== undefined) return { key: pair.key as Node, value: (pair.value as Node | null) ?? undefined };
    for (const merged of this.merged(map)) {
      const found = this.entry(merged, name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private names(map: YAMLMap): readonly string[] {
    const own = map.items.flatMap(({ key }) => (isScalar(key) && !isMergeKey(key) ? [keyName(key.value)] : []));
    return [...own, ...this.merged(map).flatMap((merged) => this.names(merged))];
  }

  private merged(map: YAMLMap): readonly YAMLMap[] {
    return map.items
      .filter(({ key }) => isMergeKey(key))
      .flatMap(({ value }) => (isSeq(value) ? value.items : [value]))
      .map((value) => this.target(value as Node))
      .filter(isMap);
  }
}

function isNamed(item: unknown, path: string): boolean {
  if (!isScalar(item) || typeof item.value !== 'string') return false;
  return item.value.split('=', 1)[0] === path;
}

/** A key as it will be in the plain value. */
export function keyName(key: unknown): string {
  return typeof key === 'string' || typeof key === 'number' || typeof key === 'boolean' ? String(key) : '';
}

/** The unquoted key <<, which yaml gives a symbol as its value. */
export function isMergeKey(key: unknown): boolean {
  return isScalar(key) && typeof key.value === 'symbol';
}
