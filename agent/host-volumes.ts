/**
 * The names of the host's volumes: read when the agent starts, when Docker says that one came or went, and now and then,
 * since events get lost. Never in a pass of the loop.
 */
import type { Clock } from '../lib/clock';
import type { Logger } from '../lib/log';
import { EngineError, type Engine } from './docker/engine';

/** HostStatus.volumes has so many at most: etcd takes 1.5 MB for all that a host says. */
const MAX_NAMES = 1000;
/** The safety net under lost events. Jittered, so that hosts do not ask together. */
const READ_AGAIN_MS = 60_000;
const RETRY_MS = 10_000;
/** Between two readings: volumes may come by the hundred. */
const PAUSE_MS = 1000;

export interface HostVolumesOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** `names` are other ones, or known for the first time. */
  readonly onChange: () => void;
}

export class HostVolumes {
  /** Sorted; those of the last list that Docker gave. */
  names: readonly string[] = [];
  /** Docker has answered once, or is up and does not answer this: what is not known yet must not be told as not there. */
  isRead = false;
  private readonly stopping = new AbortController();
  private isReading = false;
  private isOwed = false;
  private hasTooMany = false;
  private cancelTimer: () => void = () => undefined;

  constructor(private readonly options: HostVolumesOptions) {}

  start(): void {
    this.options.engine.watchVolumes(() => this.wake(), this.stopping.signal);
    this.wake();
  }

  stop(): void {
    this.stopping.abort();
    this.cancelTimer();
  }

  private wake(): void {
    this.isOwed = true;
    if (!this.isReading) void this.read();
  }

  private async read(): Promise<void> {
    const { clock, random } = this.options;
    this.isReading = true;
    this.isOwed = false;
    this.cancelTimer();
    const isRead = await this.readOnce();
    if (this.stopping.signal.aborted) return;
    this.cancelTimer = clock.after(PAUSE_MS, () => {
      this.isReading = false;
      if (this.isOwed) return void this.read();
      const waitMs = (isRead ? READ_AGAIN_MS : RETRY_MS) * (0.75 + random() / 2);
      this.cancelTimer = clock.after(waitMs, () => this.wake());
    });
  }

  private async readOnce(): Promise<boolean> {
    try {
      const names = await this.options.engine.volumes();
      if (!this.stopping.signal.aborted) this.take(names);
      return true;
    } catch (error) {
      // The loop says that Docker does not answer.
      if (!(error instanceof EngineError)) throw error;
      this.options.log.debug('no list of volumes from Docker', { reason: error.message });
      if (!this.stopping.signal.aborted && error.code !== 'unavailable') this.take(this.names);
      return false;
    }
  }

  private take(all: readonly string[]): void {
    const names = all.slice(0, MAX_NAMES);
    const hasTooMany = all.length > MAX_NAMES;
    if (hasTooMany && !this.hasTooMany)
      this.options.log.warn(
        'this host has more named volumes than its status tells: of the others, Berth knows nothing',
        {
          ...{ volumes: all.length, told: MAX_NAMES },
        },
      );
    this.hasTooMany = hasTooMany;
    const isSame = this.isRead && names.join('\n') === this.names.join('\n');
    this.names = names;
    this.isRead = true;
    if (!isSame) this.options.onChange();
  }
}
