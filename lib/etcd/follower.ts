/**
 * A key range as the store tells it: whole lists, and what changes after each of them, for as long as it takes. It keeps
 * nothing of it.
 */
import { backoffMs } from '../backoff';
import type { Clock } from '../clock';
import { silentLogger } from '../log';
import type { Logger } from '../log';
import { StoreError } from './store';
import type { KeyRange, RangeResult, Store, Watch, WatchEvent } from './store';

/** The first try after a break is almost at once; jitter keeps a thousand agents apart. */
const RETRY_LIMITS = { baseMs: 100, capMs: 5000 };
/** A watch that lived so long was a good one: the next break starts the backoff anew. */
const STEADY_MS = 10_000;
/** A full list now and then, since etcd before 3.4.36 and 3.5.18 can lose events without a sign. */
const RELIST_MIN_MS = 5 * 60_000;
const RELIST_MAX_MS = 10 * 60_000;

export interface Follower {
  /** The watch is live, as far as is known: a dead peer is noticed within 9 s. */
  readonly connected: boolean;
  /** Monotonic time of the last word from the store. In a quiet store that may be minutes ago. */
  readonly lastHeardMs: number;
  /** That of the last list, or of the last events; 0 before the first list. */
  readonly revision: number;
  /** Reads a full list soon, whatever the watch says. */
  relist(): void;
  /** Nothing is called afterwards. */
  close(): void;
}

export interface FollowerOptions {
  readonly store: Store;
  readonly range: KeyRange;
  readonly clock: Clock;
  readonly log?: Logger;
  readonly random?: () => number;
  /** All that there is, at one revision: at first, after each break, and every few minutes. */
  readonly onList: (list: RangeResult) => void;
  /** What happened to it since, in whole revisions. */
  readonly onEvents: (events: readonly WatchEvent[], revision: number) => void;
  readonly onConnected: (isConnected: boolean) => void;
}

export function follow(options: FollowerOptions): Follower {
  const follower = new StoreFollower(options);
  follower.start();
  return follower;
}

class StoreFollower implements Follower {
  connected = false;
  lastHeardMs: number;
  revision = 0;
  private watch: Watch | undefined;
  private watchedSinceMs = 0;
  private attempt = 0;
  /** Each list and watch belongs to one round; what comes from an older one is dropped. */
  private round = 0;
  private cancelTimer = (): void => undefined;
  private isClosed = false;
  private readonly log: Logger;
  private readonly random: () => number;

  constructor(private readonly options: FollowerOptions) {
    this.log = options.log ?? silentLogger;
    this.random = options.random ?? Math.random;
    this.lastHeardMs = options.clock.monotonicMs();
  }

  start(): void {
    const round = ++this.round;
    this.cancelTimer();
    this.watch?.close();
    this.watch = undefined;
    this.options.store.range(this.options.range).then(
      (list) => {
        if (round !== this.round) return;
        this.lastHeardMs = this.options.clock.monotonicMs();
        this.follow(round, list.revision + 1);
        this.takeList(list);
      },
      (error: unknown) => this.fail(round, error),
    );
  }

  relist(): void {
    if (!this.isClosed) this.start();
  }

  close(): void {
    this.isClosed = true;
    this.connected = false;
    this.round++;
    this.cancelTimer();
    this.watch?.close();
  }

  private follow(round: number, startRevision: number): void {
    const { clock } = this.options;
    this.watch = this.options.store.watch(this.options.range, startRevision, {
      onCreated: (revision) => {
        if (round !== this.round) return;
        // A watch from a revision that is still to come would stay silent: a restored or emptied store, or a late member.
        if (revision < startRevision - 1)
          return this.fail(round, new StoreError('unavailable', `the store is back at revision ${revision}`));
        this.watchedSinceMs = clock.monotonicMs();
        this.lastHeardMs = this.watchedSinceMs;
        this.setConnected(true);
      },
      onEvents: (events, revision) => {
        if (round !== this.round) return;
        this.lastHeardMs = clock.monotonicMs();
        this.revision = revision;
        this.options.onEvents(events, revision);
      },
      onEnd: (reason) => this.fail(round, reason),
    });
    this.cancelTimer = clock.after(RELIST_MIN_MS + this.random() * (RELIST_MAX_MS - RELIST_MIN_MS), () => this.start());
  }

  private fail(round: number, error: unknown): void {
    if (round !== this.round) return;
    if (!(error instanceof StoreError)) throw error;
    this.round++;
    this.cancelTimer();
    this.watch?.close();
    this.watch = undefined;
    if (this.connected && this.options.clock.monotonicMs() - this.watchedSinceMs >= STEADY_MS) this.attempt = 0;
    this.attempt++;
    const delayMs = backoffMs(this.attempt, RETRY_LIMITS, this.random);
    this.cancelTimer = this.options.clock.after(delayMs, () => this.start());
    if (this.attempt === 1 || this.connected)
      this.log.warn('lost touch with etcd; keeping what is known', { reason: error.message, code: error.code });
    this.setConnected(false);
  }

  private takeList(list: RangeResult): void {
    const { revision } = list;
    if (revision < this.revision)
      this.log.warn('etcd is at an older revision than before: it was restored or emptied', {
        revision,
        before: this.revision,
      });
    this.revision = revision;
    this.options.onList(list);
  }

  private setConnected(connected: boolean): void {
    if (this.connected === connected) return;
    this.connected = connected;
    this.options.onConnected(connected);
  }
}
