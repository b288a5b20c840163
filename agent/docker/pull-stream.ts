/**
 * Reads Docker's progress stream (POST /images/create): JSON lines, with errors inside a stream of status 200.
 * Docker Engine API, "Create an image".
 */
import type { Clock } from '../../lib/clock';
import { EngineError } from './engine';
import { asEngineError } from './errors';
import { LineReader } from './lines';

const MAX_QUOTED_CHARACTERS = 200;

export interface PullStream {
  readonly stream: NodeJS.ReadableStream;
  readonly clock: Clock;
  /** A registry that sends nothing for so long is given up. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

/**
 * Settles when the stream is over. The connection is ended with it, and Docker gives up a pull that nobody waits for.
 * @throws EngineError 'pull-failed' or 'no-such-image'
 */
export function followPull({ stream, clock, silenceMs, signal }: PullStream): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: EngineError | undefined;
    let cancelTimer: () => void = () => undefined;
    const finish = (error?: EngineError): void => {
      cancelTimer();
      signal.removeEventListener('abort', onAbort);
      // The listeners stay: an error without one would end the process.
      (stream as { destroy?: () => void }).destroy?.();
      if (error === undefined) resolve();
      else reject(error);
    };
    const onAbort = (): void => finish(cancelled());
    const watchSilence = (): void => {
      cancelTimer();
      cancelTimer = clock.after(silenceMs, () => finish(silent(silenceMs)));
    };
    const lines = new LineReader((line) => (failure = readProgress(line) ?? failure));
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) return onAbort();
    watchSilence();
    stream.on('data', (chunk: Buffer) => {
      watchSilence();
      if (!lines.push(chunk)) finish(new EngineError('pull-failed', 'Docker sent a progress line without an end'));
    });
    stream.on('error', (error: Error) => finish(brokenOff(error.message)));
    stream.on('end', () => {
      lines.end();
      finish(failure);
    });
    stream.on('close', () => finish(brokenOff('closed')));
  });
}

/** @returns the failure that the line tells of; Docker's own word counts more than a line that can't be read */
function readProgress(line: string): EngineError | undefined {
  let progress: { error?: unknown } | null;
  try {
    progress = JSON.parse(line) as { error?: unknown } | null;
  } catch {
    return new EngineError(
      'pull-failed',
      `Docker sent a progress line that is no JSON: ${line.slice(0, MAX_QUOTED_CHARACTERS)}`,
    );
  }
  return typeof progress?.error === 'string' ? pullError(progress.error) : undefined;
}

/** A failure that Docker tells in words, of a pull. */
export function pullError(message: string): EngineError {
  const known = asEngineError({ statusCode: 404, message });
  return known.code === 'no-such-image' ? known : new EngineError('pull-failed', known.message);
}

export function cancelled(): EngineError {
  return new EngineError('pull-failed', 'the pull was cancelled');
}

function silent(silenceMs: number): EngineError {
  // Not 'timeout': the registry is the trouble here, not the engine.
  return new EngineError('pull-failed', `nothing came from the registry for ${silenceMs / 1000} s`);
}

function brokenOff(reason: string): EngineError {
  return new EngineError('pull-failed', `the connection to Docker broke during the pull (${reason})`);
}
