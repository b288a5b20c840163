import type { Clock } from '../../lib/clock';
import { EngineError } from './engine';

/**
 * dockerode has no timeouts, and a connection that dies in mid-body never settles: every call is raced with ours.
 * @param ask is given a signal that aborts at the deadline, so that a call that is given up holds no socket
 * @throws EngineError 'timeout' after `deadlineMs`; else whatever `ask` throws
 */
export function withDeadline<T>(
  clock: Clock,
  what: string,
  deadlineMs: number,
  ask: (abortSignal: AbortSignal) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborting = new AbortController();
    const cancel = clock.after(deadlineMs, () => {
      // First the answer, then the abort: the abort makes the call fail too, with words that say less.
      reject(new EngineError('timeout', `Docker did not answer "${what}" within ${deadlineMs / 1000} s`));
      aborting.abort();
    });
    ask(aborting.signal).then(resolve, reject).finally(cancel);
  });
}
