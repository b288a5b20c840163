import type { Clock } from '../../lib/clock';
import type { Logger } from '../../lib/log';
import type { OnBoundary } from '../boundaries';
import { EngineError } from '../docker/engine';
import type { ExecutorTools } from '../executor';
import { Saver } from '../saver';
import type { AgentMemory } from './memory';
import type { KeptInstance, MemoryCopy } from './memory-copy';

const MAX_WAIT_MS = 1000;

export interface MemorySaverOptions {
  readonly copy: MemoryCopy;
  readonly memory: AgentMemory;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onBoundary: OnBoundary;
}

/** Keeps the copy of the agent's memory on disk as the memory is. */
export class MemorySaver {
  private saved = '{}';
  private isFailing = false;
  private readonly saver: Saver;

  constructor(private readonly options: MemorySaverOptions) {
    const write = (): Promise<void> => this.write();
    this.saver = new Saver({ clock: options.clock, write, onWritten: (failure) => this.tell(failure) });
  }

  async load(): Promise<void> {
    const kept = await this.options.copy.load();
    const { memory, clock } = this.options;
    memory.restore(kept, clock.monotonicMs(), clock.wallMs());
    this.saved = textOf(kept);
  }

  /** Saves soon what has changed; costs nothing to speak of when nothing has. */
  save(): void {
    if (textOf(this.options.memory.kept) !== this.saved) this.saver.save();
  }

  /** Settles when what is remembered now is on disk or can't be; a disk that hangs is waited for a moment only. */
  async saveSoon(): Promise<void> {
    const { clock } = this.options;
    await Promise.race([this.saver.saveNow(), new Promise<void>((done) => void clock.after(MAX_WAIT_MS, done))]);
  }

  readonly jobs: ExecutorTools['jobs'] = {
    begin: async (instance) => {
      const { memory, clock } = this.options;
      memory.beginJob(instance, clock.monotonicMs());
      const failure = await this.saver.saveNow();
      if (failure === undefined) return;
      memory.forgetJob(instance);
      throw new EngineError('other', `that it is begun can't be noted on disk, so that it is not run: ${failure}`);
    },
    forget: (instance) => this.options.memory.forgetJob(instance),
  };

  close(): void {
    this.saver.close();
  }

  private async write(): Promise<void> {
    const { copy, memory, onBoundary } = this.options;
    const { kept } = memory;
    const text = textOf(kept);
    if (text === this.saved) return;
    onBoundary('memory-copy.before');
    await copy.save(kept);
    onBoundary('memory-copy.after');
    this.saved = text;
  }

  private tell(failure: string | undefined): void {
    const isNew = failure !== undefined && !this.isFailing;
    if (isNew)
      this.options.log.error('what the agent remembers of restarts can not be written to disk', { reason: failure });
    this.isFailing = failure !== undefined;
  }
}

function textOf(kept: ReadonlyMap<string, KeptInstance>): string {
  return JSON.stringify(Object.fromEntries(kept));
}
