/** Follows Docker's event stream, which ends without a word when the daemon restarts. */
import { backoffMs } from '../../lib/backoff';
import type { Clock } from '../../lib/clock';
import type { Logger } from '../../lib/log';
import type { DockerConnection } from './connection';
import { LineReader } from './lines';

const RETRY = { baseMs: 100, capMs: 5000 };
const CONNECT_DEADLINE_MS = 10_000;
/** A stream that lived so long was a good one: its end is no failure to back off from. */
const GOOD_STREAM_MS = 10_000;
/** Docker answers before it listens for events: what happened in between is asked for, from so long ago. */
const OVERLAP_S = 1;

/**
 * What changes a container for the planner. Not among them: those of `exec`, three for each health check that
 * Docker runs.
 */
const CONTAINER_ACTIONS = [
  ...['create', 'start', 'restart', 'die', 'stop', 'oom', 'pause', 'unpause'],
  ...['update', 'rename', 'destroy', 'health_status'],
];

/** @param labels that a container has to have */
export function containerEvents(labels: readonly string[]): EventFollower['filters'] {
  return { type: ['container'], label: labels, event: CONTAINER_ACTIONS };
}

/** Not among them: that one is mounted or unmounted, with every start of a container. */
export const VOLUME_EVENTS: EventFollower['filters'] = { type: ['volume'], event: ['create', 'destroy', 'prune'] };

/** What Docker tells, as far as it can be read. */
export interface DockerEvent {
  /** Of what something happened to. */
  readonly id: string | undefined;
  readonly action: string;
  /** Docker's wall clock. */
  readonly atMs: number;
}

export interface EventFollower {
  readonly connection: DockerConnection;
  /** Which events. */
  readonly filters: Readonly<Record<string, readonly string[]>>;
  readonly log: Logger;
  /** For jitter; a number in [0, 1). */
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly onEvent: (event: DockerEvent) => void;
  /** Whether events are told from now on. Before the first call they are not. */
  readonly onConnected: (isConnected: boolean) => void;
}

/** Returns at once and goes on until the signal aborts. */
export function followEvents(follower: EventFollower): void {
  void run(follower);
}

async function run(follower: EventFollower): Promise<void> {
  const { connection, log, random, signal, onConnected } = follower;
  const { clock } = connection;
  let failures = 0;
  while (!signal.aborted) {
    const startedMs = clock.monotonicMs();
    try {
      const stream = await open(follower);
      log.debug('following the events of Docker');
      onConnected(true);
      await read(stream, follower);
      if (!signal.aborted) log.warn('the event stream of Docker ended; following it again');
    } catch (error) {
      log.debug('no event stream of Docker', { reason: (error as Error).message });
    }
    if (signal.aborted) return;
    onConnected(false);
    // Who ended the stream may be a daemon that starts again as another version.
    connection.forgetVersion();
    failures = clock.monotonicMs() - startedMs >= GOOD_STREAM_MS ? 1 : failures + 1;
    await pause(clock, backoffMs(failures, RETRY, random), signal);
  }
}

function open({ connection, filters, signal }: EventFollower): Promise<NodeJS.ReadableStream> {
  const since = (connection.clock.wallMs() / 1000 - OVERLAP_S).toFixed(3);
  return connection.openStream('events', CONNECT_DEADLINE_MS, signal, (docker, abortSignal) =>
    docker.getEvents({ filters: JSON.stringify(filters), since, abortSignal } as object),
  );
}

/** Settles when the stream is over, however it ends. */
function read(stream: NodeJS.ReadableStream, { signal, onEvent }: EventFollower): Promise<void> {
  return new Promise((resolve) => {
    const lines = new LineReader((line) => onEvent(readEvent(line)));
    const end = (): void => {
      signal.removeEventListener('abort', end);
      (stream as { destroy?: () => void }).destroy?.();
      resolve();
    };
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    // A line without an end is no event stream: begin anew.
    stream.on('data', (chunk: Buffer) => lines.push(chunk) || end());
    stream.on('error', end);
    stream.on('end', end);
    stream.on('close', end);
  });
}

/** An event wakes whatever it says: one that can't be read as well. */
function readEvent(line: string): DockerEvent {
  try {
    const { Action = '', Actor, timeNano = 0 } = (JSON.parse(line) ?? {}) as EventLine;
    return { id: Actor?.ID, action: Action, atMs: timeNano / 1e6 };
  } catch {
    return { id: undefined, action: '', atMs: 0 };
  }
}

/** From GET /events. */
interface EventLine {
  readonly Action?: string;
  readonly Actor?: { readonly ID?: string };
  readonly timeNano?: number;
}

function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(delayMs, done);
    signal.addEventListener('abort', done);
  });
}
