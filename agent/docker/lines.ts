import { StringDecoder } from 'node:string_decoder';

/** No line of Docker's JSON streams is nearly as long; without a bound, one without an end would fill the memory. */
const MAX_LINE_CHARACTERS = 1024 * 1024;

/** Cuts a stream of bytes into lines, also in the middle of a character. Empty lines are left out. */
export class LineReader {
  private readonly decoder = new StringDecoder('utf8');
  private rest = '';

  constructor(private readonly onLine: (line: string) => void) {}

  /** @returns false when the line goes on for too long: stop reading then */
  push(chunk: Buffer): boolean {
    const lines = (this.rest + this.decoder.write(chunk)).split('\n');
    this.rest = lines.pop() ?? '';
    lines.forEach((line) => this.tell(line));
    return this.rest.length <= MAX_LINE_CHARACTERS;
  }

  /** The stream is over: what is left is a line too. */
  end(): void {
    this.tell(this.rest + this.decoder.end());
    this.rest = '';
  }

  private tell(line: string): void {
    if (line.trim() !== '') this.onLine(line);
  }
}
