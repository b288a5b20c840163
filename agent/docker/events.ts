/** Follows Docker's event stream, which ends without a word when the daemon restarts. */
import type Docker from 'dockerode';
import { backoffMs } from '../../lib/backoff';
import type { Logger } from '../../lib/log';
import { withDeadline } from './deadline';

const RETRY = { baseMs: 100, capMs: 5000 };
const CONNECT_DEADLINE_MS = 10_000;

export interface EventFollower {
  readonly docker: Docker;
  readonly labels: readonly string[];
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Id of the container that something happened to; undefined after each (re)connection, when anything may have. */
  readonly onEvent: (containerId?: string) => void;
}

/** Returns at once and goes on until the signal aborts. */
export function followEvents(follower: EventFollower): void {
  void run(follower);
}

async function run({ docker, labels, log, signal, onEvent }: EventFollower): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    try {
      const filters = { type: ['container' as const], label: [...labels] };
      const stream = await withDeadline('events', CONNECT_DEADLINE_MS, docker.getEvents({ filters }));
      failures = 0;
      onEvent();
      await read(stream, signal, onEvent);
    } catch (error) {
      log.debug('the event stream of Docker is away', { reason: String(error) });
    }
    failures++;
    await pause(backoffMs(failures, RETRY, Math.random), signal);
  }
}

/** Settles when the stream is over, however it ends. */
function read(
  stream: NodeJS.ReadableStream,
  signal: AbortSignal,
  onEvent: (containerId?: string) => void,
): Promise<void> {
  return new Promise((resolve) => {
    let rest = '';
    const end = (): void => {
      signal.removeEventListener('abort', end);
      (stream as { destroy?: () => void }).destroy?.();
      resolve();
    };
    signal.addEventListener('abort', end);
    stream.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') onEvent(idOf(line));
    });
    stream.on('error', end);
    stream.on('end', end);
    stream.on('close', end);
  });
}

/** An event only wakes: one that can't be read wakes all the same. */
function idOf(line: string): string | undefined {
  try {
    return (JSON.parse(line) as { Actor?: { ID?: string } }).Actor?.ID;
  } catch {
    return undefined;
  }
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal.addEventListener('abort', done);
  });
}
