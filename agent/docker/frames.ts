/**
 * Reads what Docker sends of a container's output: frames of one byte for the stream, three zero bytes, four bytes of
 * length, and the text; or, with a terminal, the bare text. Docker Engine API, "Attach to a container", Stream format.
 */
const HEADER_BYTES = 8;

/** Keeps the end of the output, both streams in one. */
export class FrameReader {
  private pending: Buffer = Buffer.alloc(0);
  private kept: Buffer[] = [];
  private keptBytes = 0;
  private isFramed: boolean | undefined;
  /** Bytes of the present frame that are still to come. */
  private left = 0;

  constructor(private readonly maxBytes: number) {}

  push(chunk: Buffer): void {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    this.isFramed ??= isHeader(this.pending);
    if (!this.isFramed) return this.take(this.pending.length);
    while (this.pending.length > 0) {
      if (this.left > 0) {
        const size = Math.min(this.left, this.pending.length);
        this.left -= size;
        this.take(size);
        continue;
      }
      if (this.pending.length < HEADER_BYTES) return;
      this.left = this.pending.readUInt32BE(4);
      this.pending = this.pending.subarray(HEADER_BYTES);
    }
  }

  get text(): string {
    return Buffer.concat(this.kept).subarray(-this.maxBytes).toString('utf8');
  }

  private take(size: number): void {
    this.kept.push(this.pending.subarray(0, size));
    this.keptBytes += size;
    this.pending = this.pending.subarray(size);
    if (this.keptBytes <= 2 * this.maxBytes) return;
    this.kept = [Buffer.concat(this.kept).subarray(-this.maxBytes)];
    this.keptBytes = this.maxBytes;
  }
}

function isHeader(bytes: Buffer): boolean {
  return bytes[0]! <= 2 && bytes.subarray(1, 4).every((byte) => byte === 0);
}
