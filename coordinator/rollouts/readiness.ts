/** Pure: what a host's report says of an instance, as rollouts see it. */
import type { InstanceStatus } from '../../lib/documents/types';

/** Runs, and passes its health check if it has one. */
export function isReady(report: InstanceStatus | undefined): boolean {
  return report?.phase === 'RUNNING' && (report.health === 'none' || report.health === 'healthy');
}

/** Ended well, and its restart policy leaves it at that: nothing more is to be waited for. */
export function isDone(report: InstanceStatus | undefined): boolean {
  return report?.phase === 'STOPPED' && report.lastExit?.code === 0;
}

const LASTING_TRIES = 3;

/** @returns why a new instance has failed, for people; undefined when it has not, or not yet */
export function whyFailed(report: InstanceStatus | undefined): string | undefined {
  if (report === undefined || isDone(report)) return undefined;
  const { phase, health, restarts, reason, lastRestartReason, failedTries } = report;
  if (phase === 'FAILED') return isLasting(failedTries) ? reason || 'it can not be made or started' : undefined;
  if (phase === 'BACKOFF' || phase === 'STOPPED') return textOfExit(report) + lastWords(report);
  if (restarts > 0) return (lastRestartReason || 'it had to be restarted') + lastWords(report);
  return phase === 'RUNNING' && health === 'unhealthy' ? reason || 'unhealthy' : undefined;
}

/**
 * What fails once may be over with the next try: an engine that was busy, a port that what is leaving still holds.
 * @param tries that failed in a row; 0 when the agent does not say
 */
function isLasting(tries: number): boolean {
  return tries === 0 || tries >= LASTING_TRIES;
}

/** Of these lines, so many characters from the end: a rollout keeps them when the instance is gone. */
const WORDS = { lines: 3, characters: 300 };

function lastWords({ lastExit }: InstanceStatus): string {
  const said = (lastExit?.log ?? []).filter((line) => line.trim() !== '').slice(-WORDS.lines);
  return said.length === 0 ? '' : `, after it said: ${said.join(' / ').slice(-WORDS.characters)}`;
}

export function textOfExit({ lastExit, reason }: InstanceStatus): string {
  if (lastExit === undefined) return reason || 'exited';
  const { code, oomKilled, signal } = lastExit;
  if (oomKilled) return 'killed: it used more memory than its limit allows';
  return signal === '' ? `exited with code ${code}` : `ended by ${signal}`;
}
