/** Pure: where the lines of a text begin. */

/** Both count from 1; columns in UTF-16 units. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export class Lines {
  private readonly starts: number[] = [];

  constructor(text: string) {
    for (let start = 0, end = 0; end >= 0; start = end + 1) {
      this.starts.push(start);
      end = text.indexOf('\n', start);
    }
  }

  at(offset: number): Place {
    let [line, after] = [0, this.starts.length];
    while (after - line > 1) {
      const middle = (line + after) >> 1;
      if (this.starts[middle]! <= offset) line = middle;
      else after = middle;
    }
    return { line: line + 1, column: offset - this.starts[line]! + 1 };
  }
}
