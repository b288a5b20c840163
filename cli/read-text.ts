/** Reads files of an operator, whole and with a bound. */
import { closeSync, openSync, readSync } from 'node:fs';

/** No Compose file that a cluster could take is larger: its transactions are far smaller. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
const STANDARD_INPUT = 0;
const RETRY_MS = 10;

/**
 * A file, a pipe as of `-f <(command)`, or "-" for standard input.
 * @throws Error for people: it can't be read, is too large, or is not UTF-8 text
 */
export function readText(file: string): string {
  const bytes = readBytes(file);
  if (bytes.length >= 2 && ['fffe', 'feff'].includes(bytes.toString('hex', 0, 2)))
    throw new Error('it is UTF-16 text; save it as UTF-8');
  try {
    // Leaves out a byte order mark.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error('it is not UTF-8 text');
  }
}

/** The same, and undefined for a file that is not there. */
export function readTextIfThere(file: string): string | undefined {
  try {
    return readText(file);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function readBytes(file: string): Buffer {
  const descriptor = file === '-' ? STANDARD_INPUT : openSync(file, 'r');
  try {
    const chunks: Buffer[] = [];
    for (let size = 0; ;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const read = readOrWait(descriptor, chunk);
      if (read === 0) return Buffer.concat(chunks);
      size += read;
      if (size > MAX_FILE_BYTES) throw new Error(`it has more than ${MAX_FILE_BYTES} bytes`);
      chunks.push(chunk.subarray(0, read));
    }
  } finally {
    if (descriptor !== STANDARD_INPUT) closeSync(descriptor);
  }
}

/** A pipe that another program made non-blocking says EAGAIN while it is empty. */
function readOrWait(descriptor: number, chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(descriptor, chunk);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}
