import type { Clock } from '../clock';
import type { Logger } from '../log';
import { follow, type Follower } from './follower';
import type { KeyRange, KeyValue, RangeResult, Store, WatchEvent } from './store';

const NO_KEYS: ReadonlySet<string> = new Set();

/**
 * A copy of a key range that follows the store.
 *
 * INVARIANTS
 * - The content is always what the store held at one revision: it changes by whole revisions or by a full list.
 * - No break empties it. Only a list that succeeded, or an event, takes a key away.
 */
export interface Mirror extends Follower {
  /** A live view, also once it is closed: read it at once, or copy it. */
  entries(): ReadonlyMap<string, KeyValue>;
  /** A full list was read at least once. Stays true while disconnected, when the content is the last known one. */
  readonly isComplete: boolean;
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
  readonly random?: () => number;
}

export function startMirror(options: MirrorOptions): Mirror {
  return new StoreMirror(options);
}

class StoreMirror implements Mirror {
  isComplete = false;
  private content = new Map<string, KeyValue>();
  private readonly follower: Follower;

  constructor(private readonly options: MirrorOptions) {
    this.follower = follow({
      ...options,
      onList: (list) => this.applyList(list),
      onEvents: (events) => this.applyEvents(events),
      onConnected: () => options.onChange(NO_KEYS),
    });
  }

  entries(): ReadonlyMap<string, KeyValue> {
    return this.content;
  }

  get connected(): boolean {
    return this.follower.connected;
  }

  get lastHeardMs(): number {
    return this.follower.lastHeardMs;
  }

  get revision(): number {
    return this.follower.revision;
  }

  relist(): void {
    this.follower.relist();
  }

  close(): void {
    this.follower.close();
  }

  private applyList({ kvs }: RangeResult): void {
    const wasComplete = this.isComplete;
    const next = new Map<string, KeyValue>();
    const changed = new Set<string>();
    for (const kv of kvs) {
      if (this.options.ignore?.(kv.key) === true) continue;
      const before = this.content.get(kv.key);
      const isKnown = before !== undefined && isSame(before, kv);
      if (!isKnown) changed.add(kv.key);
      next.set(kv.key, isKnown ? before : kv);
    }
    for (const key of this.content.keys()) if (!next.has(key)) changed.add(key);
    this.content = next;
    this.isComplete = true;
    if (changed.size > 0 || !wasComplete) this.options.onChange(changed);
  }

  private applyEvents(events: readonly WatchEvent[]): void {
    const changed = new Set<string>();
    for (const event of events) {
      const key = event.type === 'put' ? event.kv.key : event.key;
      if (this.options.ignore?.(key) === true) continue;
      if (event.type === 'put') this.content.set(key, event.kv);
      else this.content.delete(key);
      changed.add(key);
    }
    if (changed.size > 0) this.options.onChange(changed);
  }
}

/** A restored store may hold another value under the same revision. */
function isSame(a: KeyValue, b: KeyValue): boolean {
  return a.modRevision === b.modRevision && a.createRevision === b.createRevision && a.value === b.value;
}
