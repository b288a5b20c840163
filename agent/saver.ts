import type { Clock } from '../lib/clock';

/** What could not be written, the disk being full for one, is tried again so often. */
const RETRY_MS = 30_000;

export interface SaverOptions {
  readonly clock: Clock;
  /** Writes what is to be on disk by now. @throws Error */
  readonly write: () => Promise<void>;
  /** Told after every write: why it failed, or undefined. */
  readonly onWritten: (failure: string | undefined) => void;
}

/** Keeps something on disk as it should be: one write at a time, changes meanwhile become one more, a failed one is tried again. */
export class Saver {
  private isOwed = false;
  private readonly waiting: ((failure: string | undefined) => void)[] = [];
  private isSaving = false;
  private isClosed = false;
  private cancelRetry: () => void = () => undefined;

  constructor(private readonly options: SaverOptions) {}

  /** What is to be on disk has changed. */
  save(): void {
    this.isOwed = true;
    if (!this.isSaving && !this.isClosed) void this.saveWhileOwed();
  }

  /** Settles when what is to be on disk now is there. @returns why it is not; undefined when it is */
  saveNow(): Promise<string | undefined> {
    if (this.isClosed) return Promise.resolve('the agent stops');
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.save();
    });
  }

  close(): void {
    this.isClosed = true;
    this.cancelRetry();
  }

  private async saveWhileOwed(): Promise<void> {
    const { clock, write, onWritten } = this.options;
    this.isSaving = true;
    this.cancelRetry();
    while (this.isOwed) {
      this.isOwed = false;
      const waiting = this.waiting.splice(0);
      const failure = await write().then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      onWritten(failure);
      for (const tell of waiting) tell(failure);
      if (failure !== undefined && !this.isClosed) this.cancelRetry = clock.after(RETRY_MS, () => this.save());
    }
    this.isSaving = false;
  }
}
