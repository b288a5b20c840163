/** What every `--wait` does: looks again and again, says what changed, and ends when it is done or the time is up. */
import { RpcError } from '../lib/rpc/types';
import { shortReason } from './coordinator-trouble';
import { CommandError, EXIT } from './exit-codes';
import { clean } from './output/clean';

const POLL_MS = 500;
/** Nobody is to wonder for longer whether a wait still waits. */
const QUIET_MS = 30_000;
/** Of many that are waited for, the first tell enough. */
const MAX_STILL = 3;
export const DEFAULT_TIMEOUT = '300';
/** Longer than a setTimeout can wait, and than anybody does. */
const MAX_TIMEOUT_MS = 30 * 24 * 3_600_000;

export interface Trouble {
  /** In one line. */
  readonly what: string;
  /** Lines of a log. */
  readonly more?: readonly string[];
}

export interface Seen {
  /** How far it is, a line for each thing that is waited for. */
  readonly progress: readonly string[];
  /** Why it is not further. */
  readonly troubles: readonly Trouble[];
  /** What is still waited for, said again when nothing has changed for long; the progress unless given. */
  readonly still?: readonly string[];
  readonly isDone: boolean;
}

export interface Following<S extends Seen> {
  /** May throw CommandError to end the wait. */
  readonly look: () => Promise<S>;
  readonly timeoutMs: number;
  /** Takes a line of progress. */
  readonly say: (line: string) => void;
  /** For people, when the time is up. @param seen the last look; undefined when no coordinator answered it */
  readonly describeTimeout: (seen: S | undefined, progress: readonly string[]) => string;
  /** What is true when Ctrl-C ends the waiting. */
  readonly onInterrupt: string;
  readonly pollMs?: number;
  /** Without news for so long, what is waited for is said again. */
  readonly quietMs?: number;
}

/**
 * Says each change and each new trouble once. A coordinator that goes away meanwhile may come back.
 * @throws CommandError with exit code 4 when it took too long
 */
export async function follow<S extends Seen>(following: Following<S>): Promise<S> {
  const startedMs = performance.now();
  let saidMs = startedMs;
  const teller = new Teller((line) => {
    saidMs = performance.now();
    following.say(`  ${((saidMs - startedMs) / 1000).toFixed(1)} s: ${line}`);
  });
  const forgetInterrupt = sayOnInterrupt(following.onInterrupt);
  try {
    for (;;) {
      const seen = await lookOnce(following.look);
      const { progress, troubles } = typeof seen === 'string' ? { progress: [seen], troubles: [] } : seen;
      teller.tell(progress, troubles);
      if (performance.now() - saidMs >= (following.quietMs ?? QUIET_MS))
        teller.repeat((typeof seen === 'string' ? undefined : seen.still) ?? progress);
      if (typeof seen !== 'string' && seen.isDone) return seen;
      if (performance.now() - startedMs > following.timeoutMs) {
        const known = typeof seen === 'string' ? undefined : seen;
        throw new CommandError(following.describeTimeout(known, progress), EXIT.timedOut);
      }
      await new Promise((wake) => setTimeout(wake, following.pollMs ?? POLL_MS));
    }
  } finally {
    forgetInterrupt();
  }
}

/** Says what is new. What goes away and comes back is said again, without the log that was shown with it. */
class Teller {
  private progress: readonly string[] = [];
  private troubles: readonly string[] = [];
  private readonly shown = new Set<string>();

  constructor(private readonly say: (line: string) => void) {}

  tell(progress: readonly string[], troubles: readonly Trouble[]): void {
    for (const line of progress) if (!this.progress.includes(line)) this.say(line);
    for (const { what, more = [] } of troubles) {
      if (this.troubles.includes(what)) continue;
      const isNew = !this.shown.has(more.join('\n'));
      this.say([what, ...(isNew ? logLines(more) : [])].join('\n'));
      this.shown.add(more.join('\n'));
    }
    this.progress = progress;
    this.troubles = troubles.map(({ what }) => what);
  }

  repeat(lines: readonly string[]): void {
    const more = lines.length - MAX_STILL;
    for (const line of lines.slice(0, MAX_STILL)) this.say(`still: ${line}`);
    if (more > 0) this.say(`still: ${more} more`);
  }
}

/** As they stand under the line that they belong to. */
export function logLines(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `    | ${clean(line)}`);
}

/** @returns what was seen, or why nobody answered */
async function lookOnce<S>(look: () => Promise<S>): Promise<S | string> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof RpcError && error.temporary)) throw error;
    return `no answer (${shortReason(error)}); asking again`;
  }
}

/** @returns a function that gives Ctrl-C its usual meaning back */
function sayOnInterrupt(what: string): () => void {
  const stop = (): never => {
    process.stderr.write(`\nWaiting no longer; ${what}\n`);
    process.exit(EXIT.interrupted);
  };
  process.once('SIGINT', stop);
  return () => void process.off('SIGINT', stop);
}

/** @param text seconds, or a duration: "90", "5m" */
export async function readTimeout(text: string): Promise<number> {
  const { asDurationMs } = await import('../lib/config/parse.js');
  const seconds = Number(text);
  if (seconds > 0 && seconds * 1000 <= MAX_TIMEOUT_MS) return seconds * 1000;
  try {
    return asDurationMs(1, MAX_TIMEOUT_MS)(text);
  } catch {
    throw new CommandError(`"${text}" is no number of seconds, and no time like 5m, up to 30d`, EXIT.usage);
  }
}
