/**
 * Keeps one document of this host in etcd as it should be: written when it changed, coalesced unless it is urgent, retried, and
 * written again when somebody else removed or changed it. A cluster at rest writes nothing.
 */
import { backoffMs } from '../lib/backoff';
import type { Clock } from '../lib/clock';
import { startMirror, type Mirror } from '../lib/etcd/mirror';
import { StoreError, type Store } from '../lib/etcd/store';
import type { Logger } from '../lib/log';

/** Changes within this time become one write. */
export const COALESCE_MS = 200;
const RETRY = { baseMs: 200, capMs: 5000 };

/** A write of ours that the watch has not shown for so long was made in a store that is gone: emptied, or restored. */
const CATCH_UP_MS = 10_000;

export interface KeptDocumentOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly key: string;
  readonly random: () => number;
  /** Asked before every write. When the answer turns to true, `check` has to be called. */
  readonly mayWrite: () => boolean;
  /** Told before every write, and when it is done. */
  readonly onWrite?: (when: 'before' | 'after') => void;
}

export class KeptDocument {
  private wanted: string | undefined;
  private readonly mirror: Mirror;
  private lastWriteMs = -Infinity;
  /** Revision of our last confirmed write: an older picture in the mirror is no news. */
  private confirmedRevision = 0;
  /** Revision of the mirror when it last changed. */
  private seenRevision = 0;
  private isWriting = false;
  private isUrgent = false;
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
      onChange: () => this.mirrorChanged(),
    });
  }

  /**
   * The text that the key should have from now on.
   * @param isUrgent somebody waits for it: it is not made to wait for other changes
   */
  want(text: string, { isUrgent = false } = {}): void {
    this.wanted = text;
    this.isUrgent ||= isUrgent;
    // The one that waits is not yet due; one that failed is tried again in its time.
    if (isUrgent && this.failures === 0) this.cancel();
    this.check();
  }

  /** Writes soon what is wanted, if it may and if it has to. */
  check(): void {
    if (this.cancelTimer !== undefined || !this.isDue) return;
    this.later(this.isUrgent ? 0 : Math.max(0, COALESCE_MS - this.sinceWriteMs));
  }

  close(): void {
    this.isClosed = true;
    this.cancel();
    this.mirror.close();
  }

  private get sinceWriteMs(): number {
    return this.options.clock.monotonicMs() - this.lastWriteMs;
  }

  /** Without a full list, or behind our own write, the mirror can't say what the store holds. */
  private get isDue(): boolean {
    const { mirror, wanted } = this;
    if (this.isClosed || this.isWriting || wanted === undefined || !this.options.mayWrite()) return false;
    if (!mirror.isComplete || !mirror.connected) return false;
    if (mirror.revision < this.confirmedRevision && this.sinceWriteMs < CATCH_UP_MS) return false;
    return mirror.entries().get(this.options.key)?.value !== wanted;
  }

  private mirrorChanged(): void {
    // Emptied or restored: revisions from before say nothing any more.
    if (this.mirror.revision < this.seenRevision) this.confirmedRevision = 0;
    this.seenRevision = this.mirror.revision;
    this.check();
  }

  private cancel(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
  }

  private later(delayMs: number): void {
    this.cancelTimer = this.options.clock.after(delayMs, () => {
      this.cancelTimer = undefined;
      if (this.isDue) void this.write(this.wanted ?? '');
    });
  }

  private async write(text: string): Promise<void> {
    const { store, key, log, random } = this.options;
    this.isWriting = true;
    this.isUrgent = false;
    this.lastWriteMs = this.options.clock.monotonicMs();
    this.options.onWrite?.('before');
    try {
      const result = await store.txn({ compares: [], writes: [{ op: 'put', key, value: text }] });
      this.options.onWrite?.('after');
      this.confirmedRevision = result.revision;
      this.failures = 0;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.failures++;
      if (this.failures === 1)
        log.warn('could not write to etcd; will try again', { key, reason: error.message, code: error.code });
    } finally {
      this.isWriting = false;
    }
    if (this.isClosed) return;
    // Whether it was written after all, the mirror will say.
    if (this.failures > 0) this.later(backoffMs(this.failures, RETRY, random));
    else this.check();
  }
}
