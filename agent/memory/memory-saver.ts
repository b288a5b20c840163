import type { Clock } from '../../lib/clock';
import type { Logger } from '../../lib/log';
import type { OnBoundary } from '../boundaries';
import type { AgentMemory } from './memory';
import type { MemoryCopy } from './memory-copy';

/** A copy that could not be written, the disk being full for one, is tried again so often. */
const RETRY_MS = 30_000;

export interface MemorySaverOptions {
  readonly copy: MemoryCopy;
  readonly memory: AgentMemory;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onBoundary: OnBoundary;
}

/** Keeps the copy of the agent's memory on disk as the memory is. One save at a time; changes meanwhile become one more. */
export class MemorySaver {
  private saved = '{}';
  private isSaving = false;
  private isFailing = false;
  private isClosed = false;
  private cancelRetry: () => void = () => undefined;

  constructor(private readonly options: MemorySaverOptions) {}

  async load(): Promise<void> {
    const kept = await this.options.copy.load();
    const { memory, clock } = this.options;
    memory.restore(kept, clock.monotonicMs(), clock.wallMs());
    this.saved = textOf(kept);
  }

  /** Saves soon what has changed; costs nothing to speak of when nothing has. */
  save(): void {
    if (!this.isSaving && !this.isClosed) void this.saveWhileChanged();
  }

  close(): void {
    this.isClosed = true;
    this.cancelRetry();
  }

  private async saveWhileChanged(): Promise<void> {
    const { copy, memory, log, onBoundary, clock } = this.options;
    this.isSaving = true;
    this.cancelRetry();
    for (let { kept } = memory; textOf(kept) !== this.saved && !this.isClosed; { kept } = memory) {
      try {
        onBoundary('memory-copy.before');
        await copy.save(kept);
        onBoundary('memory-copy.after');
        this.saved = textOf(kept);
        this.isFailing = false;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (!this.isFailing) log.error('what the agent remembers of restarts can not be written to disk', { reason });
        this.isFailing = true;
        if (!this.isClosed) this.cancelRetry = clock.after(RETRY_MS, () => this.save());
        break;
      }
    }
    this.isSaving = false;
  }
}

function textOf(kept: ReturnType<MemoryCopy['load']> extends Promise<infer Kept> ? Kept : never): string {
  return JSON.stringify(Object.fromEntries(kept));
}
