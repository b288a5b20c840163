import type { Engine } from '../docker/engine';
import type { Crash } from './runs';

/** Of the log of a run that ended. */
const LINES = 10;
/** Docker stamps lines as it takes them, which on a busy host is after the process has ended. */
const LATE_MS = 2000;
/** Logs that are read at once; of more crashes at one time, the log stays unread. */
const MAX_READS = 8;

/** Reads what runs wrote last before they ended. */
export class CrashLogs {
  private reads = 0;

  constructor(
    private readonly engine: Engine,
    private readonly onRead: (crash: Crash, lines: readonly string[]) => void,
  ) {}

  /** Settles when it was told, or can't be had: nothing may wait for that without bound. */
  async read(crash: Crash): Promise<void> {
    if (this.reads < MAX_READS) await this.readNow(crash);
  }

  private async readNow(crash: Crash): Promise<void> {
    const { container, exit, sinceMs } = crash;
    const request = { lines: LINES, sinceMs, untilMs: exit.atMs + LATE_MS };
    this.reads++;
    const tail = (): Promise<readonly string[]> =>
      this.engine.logTail(container.id, request).catch((): readonly string[] => []);
    const first = await tail();
    // On a busy host Docker may still have the last lines in its hands when it tells of the exit.
    const lines = first.length > 0 || exit.code === 0 ? first : await tail();
    this.reads--;
    if (lines.length > 0) this.onRead(crash, lines);
  }
}
