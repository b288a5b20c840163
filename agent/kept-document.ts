/**
 * Keeps one document of this host in etcd as it should be: written when it changed, coalesced, retried, and
 * written again when somebody else removed or changed it. A cluster at rest writes nothing.
 */
import { backoffMs } from '../lib/backoff';
import type { Clock } from '../lib/clock';
import { startMirror, type Mirror } from '../lib/etcd/mirror';
import type { Store } from '../lib/etcd/store';
import type { Logger } from '../lib/log';

/** Changes within this time become one write. */
export const COALESCE_MS = 200;
const RETRY = { baseMs: 200, capMs: 5000 };

export interface KeptDocumentOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly key: string;
  readonly random: () => number;
}

export class KeptDocument {
  private wanted: string | undefined;
  private readonly mirror: Mirror;
  private lastWriteMs = -Infinity;
  /** Revision of our last confirmed write: an older picture in the mirror is no news. */
  private confirmedRevision = 0;
  private isWriting = false;
  private failures = 0;
  private cancelTimer: (() => void) | undefined;
  private isClosed = false;

  constructor(private readonly options: KeptDocumentOptions) {
    this.mirror = startMirror({
      store: options.store,
      range: { key: options.key },
      clock: options.clock,
      log: options.log,
      random: options.random,
      onChange: () => this.settle(),
    });
  }

  /** The text that the key should have from now on. */
  want(text: string): void {
    this.wanted = text;
    this.settle();
  }

  /** Writes at once what is wanted. @returns false when etcd does not take it; it is then retried. */
  async flush(): Promise<boolean> {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    return this.write();
  }

  close(): void {
    this.isClosed = true;
    this.cancelTimer?.();
    this.mirror.close();
  }

  private get isSettled(): boolean {
    return this.wanted === undefined || this.mirror.entries().get(this.options.key)?.value === this.wanted;
  }

  private settle(): void {
    if (this.isClosed || this.isWriting || this.cancelTimer !== undefined || this.isSettled) return;
    // Without a full list, or behind our own write, the mirror can't say what the store holds.
    if (!this.mirror.isComplete || !this.mirror.connected) return;
    const sinceMs = this.options.clock.monotonicMs() - this.lastWriteMs;
    this.later(Math.max(0, COALESCE_MS - sinceMs));
  }

  private later(delayMs: number): void {
    this.cancelTimer = this.options.clock.after(delayMs, () => {
      this.cancelTimer = undefined;
      if (!this.isSettled) void this.write();
    });
  }

  private async write(): Promise<boolean> {
    if (this.isWriting || this.wanted === undefined || this.isClosed) return false;
    this.isWriting = true;
    this.lastWriteMs = this.options.clock.monotonicMs();
    const text = this.wanted;
    try {
      const result = await this.options.store.txn({
        compares: [],
        writes: [{ op: 'put', key: this.options.key, value: text }],
      });
      this.confirmedRevision = result.revision;
      this.failures = 0;
      return true;
    } catch (error) {
      this.failures++;
      this.options.log.warn('could not write to etcd; will try again', {
        key: this.options.key,
        reason: String(error),
      });
      return false;
    } finally {
      this.isWriting = false;
      this.afterWrite();
    }
  }

  private afterWrite(): void {
    if (this.isClosed || this.cancelTimer !== undefined) return;
    if (this.failures > 0) this.later(backoffMs(this.failures, RETRY, this.options.random));
    // Until the mirror has caught up with our own write, its next change calls settle().
    else if (this.mirror.revision >= this.confirmedRevision) this.settle();
  }
}
