/**
 * Reads Docker's progress stream (POST /images/create): JSON lines, with errors inside a stream of status 200.
 * Docker Engine API, "Create an image".
 */
import { EngineError } from './engine';
import { asEngineError } from './errors';

/** A line longer than this is no progress line. */
const MAX_LINE_CHARACTERS = 1024 * 1024;

/**
 * Settles when the stream is over.
 * @param silenceMs a registry that sends nothing for so long is given up
 * @throws EngineError 'pull-failed', 'no-such-image', or 'timeout'
 */
export function followPull(stream: NodeJS.ReadableStream, silenceMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let rest = '';
    let failure: string | undefined;
    let timer: NodeJS.Timeout;
    const finish = (error?: EngineError): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      stream.removeAllListeners();
      stream.on('error', () => undefined);
      (stream as { destroy?: () => void }).destroy?.();
      if (error === undefined) resolve();
      else reject(error);
    };
    const onAbort = (): void => finish(new EngineError('pull-failed', 'the pull was cancelled'));
    const watchSilence = (): void => {
      clearTimeout(timer);
      timer = setTimeout(
        () => finish(new EngineError('timeout', `the registry sent nothing for ${silenceMs / 1000} s`)),
        silenceMs,
      );
    };
    const readLine = (line: string): void => {
      if (line.trim() === '') return;
      try {
        const { error } = JSON.parse(line) as { error?: string };
        if (typeof error === 'string') failure = error;
      } catch {
        failure ??= `Docker sent a progress line that is no JSON: ${line.slice(0, 200)}`;
      }
    };
    signal.addEventListener('abort', onAbort);
    watchSilence();
    stream.on('data', (chunk: Buffer) => {
      watchSilence();
      const lines = (rest + chunk.toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > MAX_LINE_CHARACTERS)
        return finish(new EngineError('pull-failed', 'Docker sent an endless progress line'));
      lines.forEach(readLine);
    });
    stream.on('error', (error: Error) => finish(new EngineError('pull-failed', error.message)));
    stream.on('end', () => {
      readLine(rest);
      finish(failure === undefined ? undefined : pullError(failure));
    });
  });
}

function pullError(message: string): EngineError {
  const known = asEngineError({ statusCode: 404, message });
  return known.code === 'no-such-image' ? known : new EngineError('pull-failed', message);
}
