import type { Engine } from '../docker/engine';
import type { Crash } from './runs';

/** Of the log of a run that ended. */
const LINES = 10;
/** Docker stamps lines as it takes them, which on a busy host is after the process has ended. */
const LATE_MS = 2000;
/** Logs that are read at once; of more crashes at one time, the log stays unread. */
const MAX_READS = 8;

/** Reads what runs wrote last before they ended. Nothing waits for it. */
export class CrashLogs {
  private reads = 0;

  constructor(
    private readonly engine: Engine,
    private readonly onRead: (crash: Crash, lines: readonly string[]) => void,
  ) {}

  read(crash: Crash): void {
    if (this.reads < MAX_READS) void this.readNow(crash);
  }

  private async readNow(crash: Crash): Promise<void> {
    const { container, exit, sinceMs } = crash;
    const request = { lines: LINES, sinceMs, untilMs: exit.atMs + LATE_MS };
    this.reads++;
    const lines = await this.engine.logTail(container.id, request).catch((): readonly string[] => []);
    this.reads--;
    if (lines.length > 0) this.onRead(crash, lines);
  }
}
