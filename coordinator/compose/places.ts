/** Where in its text each part of a document stands, by line and column. */
import { Places as Offsets, type Path } from '../../lib/yaml/places';
import type { YamlTree } from '../../lib/yaml/tree';

export type { Path };

/** Both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export class Places {
  private readonly lineStarts: number[] = [];
  private readonly offsets: Offsets | undefined;

  /** @param tree undefined for a text that is no document: then every path stands at its beginning */
  constructor(text: string, tree?: YamlTree) {
    for (let start = 0, end = 0; end >= 0; start = end + 1) {
      this.lineStarts.push(start);
      end = text.indexOf('\n', start);
    }
    this.offsets = tree && new Offsets(tree);
  }

  at(offset: number): Place {
    let [line, after] = [0, this.lineStarts.length];
    while (after - line > 1) {
      const middle = (line + after) >> 1;
      if (this.lineStarts[middle]! <= offset) line = middle;
      else after = middle;
    }
    return { line: line + 1, column: offset - this.lineStarts[line]! + 1 };
  }

  /** Of the value at the path; where there is none, of the nearest thing around it. */
  ofValue(path: Path): Place {
    return this.at(this.offsets?.ofValue(path) ?? 0);
  }

  /** Of the key at the path rather than its value. */
  ofKey(path: Path): Place {
    return this.at(this.offsets?.ofKey(path) ?? 0);
  }
}
