/** Where something stands in a file, and how to show it. */
import { isNode, type Document, type LineCounter } from 'yaml';

export type Path = readonly (string | number)[];

export class ComposeFileError extends Error {
  constructor(readonly troubles: readonly string[]) {
    super(troubles.join('\n\n'));
    this.name = 'ComposeFileError';
  }
}

export class Source {
  constructor(
    readonly name: string,
    private readonly text: string,
    private readonly document: Document,
    private readonly lines: LineCounter,
  ) {}

  /** "compose.yaml:3:5: what", with the line and a caret under it. */
  show(path: Path, what: string): string {
    for (let length = path.length; length >= 0; length--) {
      const node = this.document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return this.showAt(node.range[0], what);
    }
    return `${this.name}: ${what}`;
  }

  showAt(offset: number, what: string): string {
    const { line, col } = this.lines.linePos(offset);
    const text = this.text.split('\n')[line - 1] ?? '';
    const number = String(line);
    const gutter = ' '.repeat(number.length);
    return `${this.name}:${line}:${col}: ${what}\n  ${number} | ${text}\n  ${gutter} | ${' '.repeat(col - 1)}^`;
  }
}

/** "ports[0].published" → ["ports", 0, "published"], as coordinators write paths. */
export function parsePath(path: string): Path {
  return [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, key]) =>
    index === undefined ? key! : Number(index),
  );
}
