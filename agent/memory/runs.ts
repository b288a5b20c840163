/** What the agent makes of a container's runs: which exits are new, how long the next start waits. */
import { backoffMs } from '../../lib/backoff';
import type { LastExit } from '../../lib/documents/types';
import { wasForMemory } from '../plan/out-of-memory';
import { REASONS } from '../plan/reasons';
import { runOf, type ActualContainer, type DesiredInstance } from '../plan/types';
import { attemptsOf, type Entry } from './entry';

/** An instance that keeps exiting is started again at most so often; the first restart waits only for the operator's delay. */
const RESTART_BACKOFF = { baseMs: 1000, capMs: 60_000 };
/** A window of nothing would make every start a success, and restarts would never slow down. */
const MIN_WINDOW_MS = 1000;

/** A run that ended: whose log is worth reading. */
export interface Crash {
  readonly container: ActualContainer;
  readonly exit: LastExit;
  /** What was written before is of another run; wall clock. */
  readonly sinceMs: number;
}

/** @returns the run, when it has ended since the last pass */
export function observeRun(
  container: ActualContainer,
  entry: Entry,
  { spec }: DesiredInstance,
  { nowMs, random }: { readonly nowMs: number; readonly random: () => number },
): Crash | undefined {
  const { windowMs = 0, delayMs = 0 } = spec?.deploy.restartPolicy ?? {};
  const run = runOf(container);
  const isRunning = container.state === 'running';
  noteMemory(container, entry);
  if (isRunning) noteRunning(container, entry);
  if (isRunning && (container.health === 'healthy' || container.health === 'none')) entry.goodRun = run;
  // What nobody saw running, a run between two passes or before this agent, is judged by its length alone.
  const wasGood = entry.goodRun === run || (!isRunning && spec?.deploy.probe === undefined);
  const ended = container.state === 'exited' ? newsOfExit(container, entry) : undefined;
  const isTurn = isRunning && container.health === 'unhealthy' && entry.seenUnhealthy !== run;
  const ranWell = wasGood && container.ranForMs >= Math.max(windowMs, MIN_WINDOW_MS);
  if (ranWell && (isRunning || ended !== undefined)) entry.restarts = 0;
  const crash = ended === undefined ? undefined : takeExit(container, entry);
  // It ended since we stopped it, and comes back when it may.
  if (ended !== undefined && entry.cutRun === run) return undefined;
  if (isTurn) entry.seenUnhealthy = run;
  if (isTurn || ended === 'new') {
    const attempts = attemptsOf(entry);
    const backoff = attempts === 0 ? 0 : backoffMs(attempts, RESTART_BACKOFF, random);
    entry.restartDelayMs = Math.max(delayMs, backoff);
    entry.restartNotBeforeMs = nowMs + entry.restartDelayMs;
  }
  return crash;
}

/** The exit was seen before, and perhaps the container was started again since. */
function noteMemory({ outOfMemoryMs }: ActualContainer, entry: Entry): void {
  const { lastExit } = entry;
  if (outOfMemoryMs === undefined || lastExit === undefined || lastExit.oomKilled) return;
  if (!wasForMemory(lastExit, outOfMemoryMs)) return;
  const { code, signal } = lastExit;
  if (entry.lastRestartReason === REASONS.exited(code, false, signal))
    entry.lastRestartReason = REASONS.exited(code, true, signal);
  entry.lastExit = { ...lastExit, oomKilled: true };
}

function noteRunning({ previousExitMs }: ActualContainer, entry: Entry): void {
  entry.hasRunSince = true;
  entry.logSinceMs = Math.max(entry.logSinceMs, previousExitMs + 1);
}

/**
 * Docker may not say when it was (ContainerList): then it is the exit that is known already, unless the container has run
 * since; and the time may come later.
 * @returns 'told': only its time is news
 */
function newsOfExit(container: ActualContainer, { seenExit, hasRunSince }: Entry): 'new' | 'told' | undefined {
  const key = exitKey(container);
  const timeless = exitKey({ id: container.id });
  if (hasRunSince || seenExit === undefined) return key === seenExit && key !== timeless ? undefined : 'new';
  if (key === seenExit || (key === timeless && seenExit.startsWith(`${container.id} `))) return undefined;
  return seenExit === timeless ? 'told' : 'new';
}

function takeExit(container: ActualContainer, entry: Entry): Crash | undefined {
  const { exit, startedAtMs } = container;
  entry.seenExit = exitKey(container);
  entry.hasRunSince = false;
  const previousExitMs = entry.lastExit?.atMs ?? 0;
  entry.lastExit = exit;
  if (exit === undefined || exit.atMs === 0) return undefined;
  // The clock of Docker may be behind the agent's.
  const sinceMs = Math.max(previousExitMs + 1, Math.min(entry.logSinceMs, startedAtMs));
  return { container, exit, sinceMs };
}

function exitKey({ id, exit }: Pick<ActualContainer, 'id' | 'exit'>): string {
  return `${id} ${exit?.atMs ?? 0}`;
}
