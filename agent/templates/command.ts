import { spawn, type ChildProcess } from 'node:child_process';

/** A check or a reload that hangs is ended. Longer than a `systemctl reload` of a proxy with thousands of backends takes. */
export const COMMAND_TIMEOUT_MS = 30_000;
/** Of what a command prints, the end is kept: that is where programs say what is wrong. */
export const MAX_OUTPUT = 2000;
/** What it printed last may arrive after its exit. A daemon that it left behind may hold its output open for ever. */
const OUTPUT_GRACE_MS = 100;

export interface CommandOptions {
  readonly command: string;
  /** Besides the agent's own. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Ends it, and all that it started. */
  readonly signal: AbortSignal;
}

/**
 * Runs a command by /bin/sh -c, in a group of its own. Never throws.
 * @returns why it failed, with the end of what it printed; undefined when it exited with 0
 */
export function runCommand({
  command,
  env,
  timeoutMs = COMMAND_TIMEOUT_MS,
  signal,
}: CommandOptions): Promise<string | undefined> {
  if (signal.aborted) return Promise.resolve('the agent stops');
  return new Promise((resolve) => {
    let child: ChildProcess;
    try {
      // Where there are no files left for its output, it comes without streams, and its error comes later.
      child = spawn('/bin/sh', ['-c', command], {
        ...{ cwd: '/', env: { ...process.env, ...env }, detached: true },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    } catch (error) {
      // Where there is no memory left, or the command is longer than the kernel takes.
      return resolve(cannotRun(error as Error));
    }
    let printed = '';
    let ended: string | undefined;
    const end = (why: string): void => {
      ended ??= why;
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It is gone.
      }
    };
    const timer = setTimeout(() => end(`did not end within ${timeoutMs / 1000} s`), timeoutMs);
    const stop = (): void => end('was ended, since the agent stops');
    signal.addEventListener('abort', stop);
    const keep = (chunk: Buffer): void => void (printed = (printed + chunk.toString()).slice(-MAX_OUTPUT));
    const settle = (why: string | undefined): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      child.stdout?.destroy();
      child.stderr?.destroy();
      const output = printed.trim();
      resolve(why === undefined ? undefined : output === '' ? why : `${why}: ${output}`);
    };
    child.on('error', (error) => settle(cannotRun(error)));
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('exit', (code, killedBy) => {
      const why =
        ended ?? (code === 0 ? undefined : code === null ? `was ended by ${killedBy}` : `exited with ${code}`);
      const late = setTimeout(() => settle(why), OUTPUT_GRACE_MS);
      child.on('close', () => {
        clearTimeout(late);
        settle(why);
      });
    });
  });
}

const cannotRun = ({ message }: Error): string => `can't be run: ${message}`;
