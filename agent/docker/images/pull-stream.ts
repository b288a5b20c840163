/**
 * Reads Docker's progress stream (POST /images/create): JSON lines, with errors inside a stream of status 200.
 * Docker Engine API, "Create an image".
 */
import type { Clock } from '../../../lib/clock';
import { EngineError } from '../engine';
import { LineReader } from '../lines';
import { brokenOff, cancelled, pullError, silent } from './pull-errors';
import { PullProgress, type ProgressLine } from './pull-progress';

const MAX_QUOTED_CHARACTERS = 200;
/** Each is a write to etcd: a fleet that pulls at once must not flood it. */
const PROGRESS_EVERY_MS = 2000;

export interface PullStream {
  readonly stream: NodeJS.ReadableStream;
  readonly clock: Clock;
  /** A registry that sends nothing for so long is given up. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: string) => void;
}

/**
 * Settles when the stream is over. The connection is ended with it, and Docker gives up a pull that nobody waits for.
 * @throws EngineError 'pull-failed', 'no-such-image', 'unauthorized' or 'no-space'
 */
export function followPull({ stream, clock, silenceMs, signal, onProgress }: PullStream): Promise<void> {
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
    const tell = tellNowAndThen(clock, onProgress);
    const lines = new LineReader((text) => {
      const line = readLine(text);
      if (line instanceof EngineError) failure = line;
      else if (typeof line.error === 'string') failure = pullError(line.error);
      else tell(line);
    });
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

function readLine(text: string): ProgressLine | EngineError {
  try {
    return (JSON.parse(text) as ProgressLine | null) ?? {};
  } catch {
    const quoted = text.slice(0, MAX_QUOTED_CHARACTERS);
    return new EngineError('pull-failed', `Docker sent a progress line that is no JSON: ${quoted}`);
  }
}

/** Tells what has changed, every now and then: of a pull that is quick, nothing. */
function tellNowAndThen(clock: Clock, onProgress: (progress: string) => void): (line: ProgressLine) => void {
  const progress = new PullProgress();
  let [told, toldMs] = ['', clock.monotonicMs()];
  return (line) => {
    progress.take(line);
    const nowMs = clock.monotonicMs();
    if (nowMs - toldMs < PROGRESS_EVERY_MS) return;
    const text = progress.toString();
    if (text === told) return;
    [told, toldMs] = [text, nowMs];
    onProgress(text);
  };
}
