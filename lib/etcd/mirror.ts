import { backoffMs } from '../backoff';
import type { Clock } from '../clock';
import { silentLogger } from '../log';
import type { Logger } from '../log';
import { StoreError } from './store';
import type { KeyRange, KeyValue, Store, Watch, WatchEvent } from './store';

/** The first try after a break is almost at once; jitter keeps a thousand agents apart. */
const RETRY_LIMITS = { baseMs: 100, capMs: 5000 };
/** A watch that lived so long was a good one: the next break starts the backoff anew. */
const STEADY_MS = 10_000;
/** A full list now and then, since etcd before 3.4.36 and 3.5.18 can lose events without a sign. */
const RELIST_MIN_MS = 5 * 60_000;
const RELIST_MAX_MS = 10 * 60_000;

const NO_KEYS: ReadonlySet<string> = new Set();

/**
 * A copy of a key range that follows the store.
 *
 * INVARIANTS
 * - The content is always what the store held at one revision: it changes by whole revisions or by a full list.
 * - No break empties it. Only a list that succeeded, or an event, takes a key away.
 */
export interface Mirror {
  /** A live view: read it at once, or copy it. */
  entries(): ReadonlyMap<string, KeyValue>;
  /** A full list was read at least once. Stays true while disconnected, when the content is the last known one. */
  readonly isComplete: boolean;
  /** The watch is live, as far as is known: a dead peer is noticed within 9 s. */
  readonly connected: boolean;
  /** Monotonic time of the last word from the store. In a quiet store that may be minutes ago. */
  readonly lastHeardMs: number;
  /** Revision that the content is at; 0 before the first list. */
  readonly revision: number;
  /** Reads a full list soon, whatever the watch says. */
  relist(): void;
  /** Nothing is called afterwards. The content stays readable. */
  close(): void;
}

export interface MirrorOptions {
  readonly store: Store;
  readonly range: KeyRange;
  readonly clock: Clock;
  readonly log?: Logger;
  /** Keys that are left out, as if they were not there. */
  readonly ignore?: (key: string) => boolean;
  /**
   * Called after a change of content with its keys, and with no keys when `connected` flips or the first list
   * turns out empty. Wakes; does not inform.
   */
  readonly onChange: (changedKeys: ReadonlySet<string>) => void;
  /**
   * What is kept of an entry once `onChange` has told of it, when it is told no other way than by that call; the whole of it
   * unless given. Entries whose values differ have to differ in what is kept of them.
   */
  readonly slim?: (kv: KeyValue) => KeyValue;
  readonly random?: () => number;
}

export function startMirror(options: MirrorOptions): Mirror {
  const mirror = new StoreMirror(options);
  mirror.start();
  return mirror;
}

class StoreMirror implements Mirror {
  isComplete = false;
  connected = false;
  lastHeardMs: number;
  revision = 0;
  private content = new Map<string, KeyValue>();
  private watch: Watch | undefined;
  private watchedSinceMs = 0;
  private attempt = 0;
  /** Each list and watch belongs to one round; what comes from an older one is dropped. */
  private round = 0;
  private cancelTimer = (): void => undefined;
  private isClosed = false;
  private readonly log: Logger;
  private readonly random: () => number;

  constructor(private readonly options: MirrorOptions) {
    this.log = options.log ?? silentLogger;
    this.random = options.random ?? Math.random;
    this.lastHeardMs = options.clock.monotonicMs();
  }

  entries(): ReadonlyMap<string, KeyValue> {
    return this.content;
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
        this.applyList(list.revision, list.kvs);
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
        this.applyEvents(events, revision);
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

  private applyList(revision: number, kvs: readonly KeyValue[]): void {
    const wasComplete = this.isComplete;
    if (revision < this.revision)
      this.log.warn('etcd is at an older revision than before: it was restored or emptied', {
        revision,
        before: this.revision,
      });
    const next = new Map<string, KeyValue>();
    const changed = new Set<string>();
    for (const kv of kvs) {
      if (this.options.ignore?.(kv.key) === true) continue;
      const before = this.content.get(kv.key);
      const isKnown = before !== undefined && isSame(before, this.slimmed(kv));
      if (!isKnown) changed.add(kv.key);
      next.set(kv.key, isKnown ? before : kv);
    }
    for (const key of this.content.keys()) if (!next.has(key)) changed.add(key);
    this.content = next;
    this.revision = revision;
    this.isComplete = true;
    if (changed.size > 0 || !wasComplete) this.tell(changed);
  }

  private applyEvents(events: readonly WatchEvent[], revision: number): void {
    const changed = new Set<string>();
    for (const event of events) {
      const key = event.type === 'put' ? event.kv.key : event.key;
      if (this.options.ignore?.(key) === true) continue;
      if (event.type === 'put') this.content.set(key, event.kv);
      else this.content.delete(key);
      changed.add(key);
    }
    this.revision = revision;
    if (changed.size > 0) this.tell(changed);
  }

  private tell(changed: ReadonlySet<string>): void {
    this.options.onChange(changed);
    if (this.options.slim === undefined) return;
    for (const key of changed) {
      const kv = this.content.get(key);
      if (kv !== undefined) this.content.set(key, this.slimmed(kv));
    }
  }

  private slimmed(kv: KeyValue): KeyValue {
    return this.options.slim?.(kv) ?? kv;
  }

  private setConnected(connected: boolean): void {
    if (this.connected === connected) return;
    this.connected = connected;
    this.options.onChange(NO_KEYS);
  }
}

/** A restored store may hold another value under the same revision. */
function isSame(a: KeyValue, b: KeyValue): boolean {
  return a.modRevision === b.modRevision && a.createRevision === b.createRevision && a.value === b.value;
}
