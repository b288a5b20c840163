import { EngineError } from './engine';
import { asEngineError } from './errors';

/**
 * dockerode has no timeouts, and a connection that dies in mid-body never settles: every call is raced with ours.
 * @throws EngineError, 'timeout' after `deadlineMs`
 */
export function withDeadline<T>(what: string, deadlineMs: number, call: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new EngineError('timeout', `Docker did not answer "${what}" within ${deadlineMs / 1000} s`)),
      deadlineMs,
    );
    call.then(resolve, (error: unknown) => reject(asEngineError(error))).finally(() => clearTimeout(timer));
  });
}
