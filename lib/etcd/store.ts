/**
 * What Berth asks of etcd, and nothing more. Two implementations, etcd3-store.ts (the real one) and
 * memory-store.ts (tests and the simulator), answer the same contract suite, test/contract/store.test.ts.
 */
export interface KeyValue {
  readonly key: string;
  /** UTF-8 text. */
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  /** Id of the lease that the key hangs on, or undefined. */
  readonly lease?: string;
}

/** One key, or every key that starts with a prefix. */
export type KeyRange = { readonly key: string } | { readonly prefix: string };

export interface RangeResult {
  /** Revision of the store when it answered. */
  readonly revision: number;
  /** Sorted by key. */
  readonly kvs: readonly KeyValue[];
}

/** Holds when the key's revision is as given; 0 means that the key is not there. */
export type Compare =
  { readonly key: string; readonly modRevision: number } | { readonly key: string; readonly createRevision: number };

/** What else can be wanted of a transaction: of many keys, or of one whose revision is of no interest. */
export type Guard =
  /** Holds when no key that starts with the prefix was written after this revision. Of keys that were deleted it says nothing. */
  | { readonly prefix: string; readonly unchangedSince: number }
  /** Holds when the key is there. */
  | { readonly key: string; readonly exists: true };

export type Write =
  | { readonly op: 'put'; readonly key: string; readonly value: string; readonly lease?: string }
  | { readonly op: 'delete'; readonly key: string };

export interface Txn {
  /** With the guards, at most MAX_TXN_WRITES. */
  readonly compares: readonly Compare[];
  readonly guards?: readonly Guard[];
  /** At most MAX_TXN_WRITES, at most one for each key. */
  readonly writes: readonly Write[];
}

/** etcd refuses more operations in one transaction (--max-txn-ops). */
export const MAX_TXN_WRITES = 128;
/** etcd refuses larger requests (--max-request-bytes). */
export const MAX_REQUEST_BYTES = 1.5 * 1024 * 1024;

export interface TxnResult {
  readonly succeeded: boolean;
  readonly revision: number;
}

export type WatchEvent =
  | { readonly type: 'put'; readonly kv: KeyValue }
  | { readonly type: 'delete'; readonly key: string; readonly modRevision: number };

export interface WatchHandlers {
  /** The store accepted the watch and is at this revision. */
  onCreated(revision: number): void;
  /** All events of one or more whole revisions, in order. */
  onEvents(events: readonly WatchEvent[], revision: number): void;
  /** The watch is over and nothing more will come: the reason, compacted or otherwise. Called exactly once, unless closed by us. */
  onEnd(reason: StoreError): void;
}

export interface Watch {
  /** Ends the watch. No handler is called afterwards. */
  close(): void;
}

export interface Lease {
  readonly id: string;
  /** What the store granted, which may be more than what was asked for. */
  readonly ttlMs: number;
}

/**
 * Every call settles within `callTimeoutMs` of the implementation, with a StoreError when it fails.
 * No call is retried here: the caller knows whether it may be. A range of many keys is read in pages, all at one
 * revision, and the timeout is that of each page.
 */
export interface Store {
  range(range: KeyRange): Promise<RangeResult>;
  txn(txn: Txn): Promise<TxnResult>;
  /** Events from `startRevision` on, it included. */
  watch(range: KeyRange, startRevision: number, handlers: WatchHandlers): Watch;
  grantLease(ttlMs: number): Promise<Lease>;
  /** @returns milliseconds that the lease has left; 0 when it is gone. */
  keepLeaseAlive(id: string): Promise<number>;
  /** @returns the keys that hang on the lease, sorted; none when it is gone */
  leaseKeys(id: string): Promise<readonly string[]>;
  revokeLease(id: string): Promise<void>;
  /** Closes every watch and connection. */
  close(): void;
}

export type StoreErrorCode =
  /** Not reachable, no quorum, or no answer in time. A write may or may not have happened. */
  | 'unavailable'
  /** The wanted revision is gone: list again. */
  | 'compacted'
  /** The request is over a limit of the store. */
  | 'too-large'
  /** etcd is out of space and read-only. */
  | 'no-space'
  /** Not allowed, or not authenticated. */
  | 'denied'
  /** The lease that a put names is gone. */
  | 'lease-gone'
  | 'other';

export class StoreError extends Error {
  constructor(
    readonly code: StoreErrorCode,
    message: string,
  ) {
    super(message);
    this.name = 'StoreError';
  }

  /** Whether the same call may succeed later. */
  get temporary(): boolean {
    return this.code === 'unavailable' || this.code === 'no-space';
  }
}
