/** The targets of Prometheus in a file, for its file_sd: where Prometheus does not reach the coordinator over HTTP. */
import type { Clock } from '../../lib/clock';
import type { Logger } from '../../lib/log';

/** What changes all the time is written no more often: Prometheus reads the file after every change. */
const BETWEEN_WRITES_MS = 1000;
/** A disk that is full, or a folder that is not there, is tried again. */
const RETRY_MS = 10_000;

export interface TargetFileOptions {
  readonly path: string;
  /** Undefined before etcd was read: the file of the last run is better than an empty one. */
  readonly targets: () => Promise<string | undefined>;
  /** Replaces the file whole. */
  readonly write: (path: string, text: string) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

export class TargetFile {
  /** What the file says, as far as this one wrote it. */
  private written: string | undefined;
  private isOwed = false;
  private isBusy = false;
  private isTrouble = false;
  private notBeforeMs = -Infinity;
  private cancelTimer: () => void = () => undefined;
  private isClosed = false;

  constructor(private readonly options: TargetFileOptions) {}

  /** The targets may be others. */
  changed(): void {
    if (this.isOwed || this.isClosed) return;
    this.isOwed = true;
    if (!this.isBusy) this.later();
  }

  close(): void {
    this.isClosed = true;
    this.cancelTimer();
  }

  private later(): void {
    const { clock } = this.options;
    this.cancelTimer();
    this.cancelTimer = clock.after(Math.max(0, this.notBeforeMs - clock.monotonicMs()), () => void this.write());
  }

  private async write(): Promise<void> {
    const { path, targets, write, clock, log } = this.options;
    this.isBusy = true;
    this.isOwed = false;
    try {
      const text = await targets();
      if (text !== undefined && text !== this.written) {
        await write(path, text);
        this.written = text;
      }
      if (this.isTrouble) log.info('the file with the targets of Prometheus can be written again', { path });
      this.isTrouble = false;
      this.notBeforeMs = clock.monotonicMs() + BETWEEN_WRITES_MS;
    } catch (error) {
      // Whatever the file system has to say, the coordinator has other work.
      const reason = error instanceof Error ? error.message : String(error);
      if (!this.isTrouble) log.error('the file with the targets of Prometheus can not be written', { path, reason });
      this.isTrouble = true;
      this.isOwed = true;
      this.notBeforeMs = clock.monotonicMs() + RETRY_MS;
    }
    this.isBusy = false;
    if (this.isOwed && !this.isClosed) this.later();
  }
}
