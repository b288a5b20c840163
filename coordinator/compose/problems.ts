import { isMap, isNode, isScalar, type Document, type LineCounter } from 'yaml';
import type { Problem } from '../../lib/documents/types';
import type { Rule } from './rules';

export type Path = readonly (string | number)[];

/** More than anybody mends in one go, and a bound on the status document. */
const MAX_PROBLEMS = 50;
/** A message quotes documents; this much of one. */
const MAX_MESSAGE_CHARACTERS = 600;

/** Collects everything that is wrong with one document, with the place of each. */
export class Problems {
  private readonly list: Problem[] = [];

  constructor(
    private readonly document: Document | undefined,
    private readonly lines: LineCounter,
  ) {}

  add(rule: Rule, path: Path, message: string): void {
    const { line, column } = this.positionOf(path);
    this.addAt(rule, line, column, message, path);
  }

  /** About the key at the path rather than its value. */
  addKey(rule: Rule, path: Path, message: string): void {
    const parent = this.document?.getIn(path.slice(0, -1), true);
    const pair = isMap(parent)
      ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === path.at(-1))
      : undefined;
    if (!isScalar(pair?.key) || !pair.key.range) return this.add(rule, path, message);
    const { line, col } = this.lines.linePos(pair.key.range[0]);
    this.addAt(rule, line, col, message, path);
  }

  get isEmpty(): boolean {
    return this.list.length === 0;
  }

  /** In the order in which they stand in the document. */
  get sorted(): readonly Problem[] {
    return [...this.list].sort((a, b) => a.line - b.line || a.column - b.column);
  }

  addAt(rule: Rule, line: number, column: number, message: string, path: Path = []): void {
    if (this.list.length >= MAX_PROBLEMS) return;
    const text = message.length > MAX_MESSAGE_CHARACTERS ? `${message.slice(0, MAX_MESSAGE_CHARACTERS)}…` : message;
    this.list.push({ rule, path: formatPath(path), line, column, message: text, key: '' });
  }

  /** Of the value at the path or, where it came by an alias or is missing, of the nearest thing around it. */
  private positionOf(path: Path): { line: number; column: number } {
    for (let length = path.length; length >= 0; length--) {
      const node = this.document?.getIn(path.slice(0, length), true);
      if (!isNode(node) || !node.range) continue;
      const { line, col } = this.lines.linePos(node.range[0]);
      return { line, column: col };
    }
    return { line: 1, column: 1 };
  }
}

/** ["ports", 0, "published"] → "ports[0].published" */
export function formatPath(path: Path): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
}
