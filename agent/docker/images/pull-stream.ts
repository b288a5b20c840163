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
/** One that waits for other downloads is given up after so many times the silence, whatever comes of the others. */
const MAX_QUEUED = 10;

/** When anything came from any registry last, for pulls that share a Docker Engine. Monotonic. */
export interface LastHeard {
  atMs: number;
}

export interface PullStream {
  readonly stream: NodeJS.ReadableStream;
  readonly clock: Clock;
  /** A registry that sends nothing for so long is given up. */
  readonly silenceMs: number;
  /** Of all pulls together: while something comes, those that wait for other downloads are not given up. */
  readonly heard: LastHeard;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: string) => void;
}

/**
 * Settles when the stream is over. The connection is ended with it, and Docker gives up a pull that nobody waits for.
 * @throws EngineError 'pull-failed', 'no-such-image', 'unauthorized' or 'no-space'
 */
export function followPull({ stream, clock, silenceMs, heard, signal, onProgress }: PullStream): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: EngineError | undefined;
    let cancelTimer: () => void = () => undefined;
    const progress = new PullProgress();
    const telling = tellNowAndThen(clock, () => String(progress), onProgress);
    const finish = (error?: EngineError): void => {
      cancelTimer();
      telling.end();
      signal.removeEventListener('abort', onAbort);
      // The listeners stay: an error without one would end the process.
      (stream as { destroy?: () => void }).destroy?.();
      if (error === undefined) resolve();
      else reject(error);
    };
    const onAbort = (): void => finish(cancelled());
    const watchSilence = (times = 1): void => {
      cancelTimer();
      cancelTimer = clock.after(silenceMs, () => {
        const othersCome = clock.monotonicMs() - heard.atMs < silenceMs;
        if (progress.isQueued && othersCome && times < MAX_QUEUED) watchSilence(times + 1);
        else finish(silent(silenceMs * times));
      });
    };
    const lines = new LineReader((text) => {
      const line = readLine(text);
      if (line instanceof EngineError) failure = line;
      else if (typeof line.error === 'string') failure = pullError(line.error);
      else {
        progress.take(line);
        telling.changed();
      }
    });
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) return onAbort();
    watchSilence();
    stream.on('data', (chunk: Buffer) => {
      heard.atMs = clock.monotonicMs();
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
function tellNowAndThen(
  clock: Clock,
  read: () => string,
  onProgress: (progress: string) => void,
): { readonly changed: () => void; readonly end: () => void } {
  let told = '';
  let cancel: (() => void) | undefined;
  const tell = (): void => {
    cancel = undefined;
    const text = read();
    if (text === told) return;
    told = text;
    onProgress(text);
  };
  return { changed: () => void (cancel ??= clock.after(PROGRESS_EVERY_MS, tell)), end: () => cancel?.() };
}
