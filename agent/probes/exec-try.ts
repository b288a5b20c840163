import type { Hook } from '../../lib/documents/types';
import { EngineError, type Engine } from '../docker/engine';
import { SUCCESS, type Outcome, type Target } from './outcome';

/** Docker has no way to end a command: it is waited for as long as it runs, which a restart of the container ends. */
const MAX_RUN_MS = 24 * 60 * 60_000;

export type TryExec = (command: readonly string[], target: Target, signal: AbortSignal) => Promise<Outcome>;

/**
 * Success is exit code 0. One command at a time in a container: while one runs on after its timeout, no other is begun,
 * and that is a failure too.
 */
export function createExecTry({ exec }: Pick<Engine, 'exec'>): TryExec {
  /** By container; whether Docker has begun the command. */
  const running = new Map<string, { isBegun: boolean }>();
  const run = (command: readonly string[], id: string, one: { isBegun: boolean }): Promise<Outcome> => {
    const hook: Hook = { command, user: '', privileged: false, workingDir: '', environment: {} };
    return exec(id, hook, MAX_RUN_MS, () => (one.isBegun = true)).then(
      ({ exitCode, output }): Outcome =>
        exitCode === 0
          ? SUCCESS
          : { result: 'failure', reason: `exit code ${exitCode}${output === '' ? '' : `: ${output}`}` },
      whyNot,
    );
  };
  return (command, { containerId }, signal) =>
    new Promise((resolve) => {
      const earlier = running.get(containerId);
      if (earlier !== undefined) return resolve(stillRuns(earlier));
      const one = { isBegun: false };
      running.set(containerId, one);
      void run(command, containerId, one).then((outcome) => {
        running.delete(containerId);
        resolve(outcome);
      });
      const giveUp = (): void => resolve(one.isBegun ? { result: 'timeout', reason: 'it did not end' } : NOT_BEGUN);
      signal.addEventListener('abort', giveUp, { once: true });
    });
}

const NOT_BEGUN: Outcome = { result: 'untried', reason: 'Docker has not begun the command' };

function stillRuns({ isBegun }: { readonly isBegun: boolean }): Outcome {
  return isBegun ? { result: 'failure', reason: 'the command of an earlier try still runs' } : NOT_BEGUN;
}

/** A command that can't be run is a failure; a Docker that can't run any, or a container that is down, is not. */
function whyNot(error: unknown): Outcome {
  if (!(error instanceof EngineError)) throw error;
  const isNoFault =
    error.engineDown ||
    error.code === 'no-such-container' ||
    / is (not running|paused|restarting)/i.test(error.message);
  return { result: isNoFault ? 'untried' : 'failure', reason: error.message };
}
