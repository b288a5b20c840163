/**
 * The releases that this host runs or is soon to run, as last read for good.
 *
 * INVARIANTS
 * - What was read stays until it is not wanted any more, or another release of its number was read: that etcd is away,
 *   was emptied, or holds garbage takes none away (G3).
 * - A release is read once for each hash that assignments give it: numbers begin anew after etcd was emptied.
 */
import { backoffMs } from '../../lib/backoff';
import type { Clock } from '../../lib/clock';
import { decodeDocument, DocumentError } from '../../lib/documents/codec';
import type { Keys } from '../../lib/documents/keys';
import type { Assignment, Release } from '../../lib/documents/types';
import { StoreError, type Store } from '../../lib/etcd/store';
import type { Logger } from '../../lib/log';
import { releaseHash } from '../../lib/release/release-hash';

const RETRY = { baseMs: 200, capMs: 10_000 };
/** A release that is missing or unreadable is asked for again so often. */
const MISSING_RETRY_MS = 10_000;
/** Releases read from etcd at once. */
const MAX_READS = 16;

interface Entry {
  readonly release: Release;
  /** The hash that it was read for; it answers that one whatever its own is. */
  readonly readFor: string;
}

export interface ReleaseCacheOptions {
  readonly store: Store;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** @param wasRead a release is there that was not; false when only the problems changed */
  readonly onChange: (wasRead: boolean) => void;
}

export class ReleaseCache {
  private readonly entries = new Map<string, Entry>();
  private readonly troubles = new Map<string, string>();
  /** Hash by name, "web@7". */
  private wanted: ReadonlyMap<string, string> = new Map();
  /** Names of those that instances are of. */
  private run: ReadonlySet<string> = new Set();
  private failures = 0;
  private isReading = false;
  private isClosed = false;
  private cancelRetry: () => void = () => undefined;

  constructor(private readonly options: ReleaseCacheOptions) {}

  /** From the copy on disk, which holds them as its assignment wants them. */
  restore(assignment: Assignment, releases: ReadonlyMap<string, Release>): void {
    this.note(assignment);
    for (const [name, release] of releases) this.keep(name, release, this.wanted.get(name) ?? '');
  }

  /** From now on these are needed, and no others. Reads what is not here. */
  want(assignment: Assignment): void {
    this.note(assignment);
    for (const name of this.entries.keys()) if (!this.wanted.has(name)) this.entries.delete(name);
    for (const name of this.troubles.keys()) if (!this.wanted.has(name)) this.troubles.delete(name);
    this.read();
  }

  /** @returns the problem, for people, when it is not the one that is wanted */
  get(name: string): Release | string {
    const entry = this.entries.get(name);
    if (entry !== undefined && this.isRight(name, entry)) return entry.release;
    const other = `release ${name} is not the one that is known by this number; it is read anew`;
    return this.troubles.get(name) ?? (entry === undefined ? `release ${name} is not read yet` : other);
  }

  /** Those of instances that are as wanted, by name. */
  get whole(): ReadonlyMap<string, Release> {
    const right = [...this.entries].filter(([name, entry]) => this.run.has(name) && this.isRight(name, entry));
    return new Map(right.map(([name, { release }]) => [name, release]));
  }

  /** Why releases can't be had, by key in etcd. */
  get problems(): ReadonlyMap<string, string> {
    return new Map([...this.troubles].map(([name, text]) => [this.keyOf(name), text]));
  }

  close(): void {
    this.isClosed = true;
    this.cancelRetry();
  }

  private note(assignment: Assignment): void {
    const run = hashesOf(assignment);
    this.run = new Set(run.keys());
    this.wanted = new Map([...assignment.prefetch.map((name) => [name, ''] as const), ...run]);
  }

  private isRight(name: string, { release, readFor }: Entry): boolean {
    const hash = this.wanted.get(name) ?? '';
    return hash === '' || hash === readFor || hash === releaseHash(release);
  }

  private keep(name: string, release: Release, readFor: string): void {
    this.entries.set(name, { release, readFor });
  }

  /** Hash by name. */
  private missing(): ReadonlyMap<string, string> {
    const isMissing = (name: string): boolean => {
      const entry = this.entries.get(name);
      return entry === undefined || !this.isRight(name, entry);
    };
    return new Map([...this.wanted].filter(([name]) => isMissing(name)));
  }

  private read(): void {
    if (this.isReading || this.isClosed || this.missing().size === 0) return;
    this.isReading = true;
    this.cancelRetry();
    void this.readAll().then((hasFailed) => {
      this.isReading = false;
      this.failures = hasFailed ? this.failures + 1 : 0;
      if (this.missing().size > 0 && !this.isClosed) this.readLater();
    });
  }

  /** Asks once for each that is missing, those that become so meanwhile included. @returns whether etcd failed to answer */
  private async readAll(): Promise<boolean> {
    const asked = new Set<string>();
    for (;;) {
      const left = [...this.missing()].filter((one) => !asked.has(one.join(' ')));
      const batch = left.slice(0, MAX_READS);
      if (batch.length === 0 || this.isClosed) return false;
      for (const one of batch) asked.add(one.join(' '));
      const outcomes = await Promise.all(batch.map(([name, hash]) => this.readOne(name, hash)));
      if (this.isClosed) return false;
      this.options.onChange(outcomes.includes('read'));
      if (outcomes.includes('failed')) return true;
    }
  }

  private readLater(): void {
    const { clock, random } = this.options;
    const waitMs = this.failures > 0 ? backoffMs(this.failures, RETRY, random) : MISSING_RETRY_MS;
    this.cancelRetry = clock.after(waitMs, () => this.read());
  }

  private async readOne(name: string, hash: string): Promise<'read' | 'refused' | 'failed'> {
    const key = this.keyOf(name);
    try {
      const kv = (await this.options.store.range({ key })).kvs[0];
      if (kv === undefined) return this.refuse(name, `release ${name} is not in etcd`);
      const release = decodeDocument('Release', kv.value);
      if (`${release.service}@${release.number}` !== name)
        return this.refuse(name, `release ${name}: what stands there is ${release.service}@${release.number}`);
      this.keep(name, release, hash);
      this.troubles.delete(name);
      return 'read';
    } catch (error) {
      if (error instanceof StoreError) return 'failed';
      if (!(error instanceof DocumentError)) throw error;
      return this.refuse(name, `release ${name} is unreadable: ${error.message}`);
    }
  }

  /** What is not wanted any more by the time that etcd answers is nobody's trouble. */
  private refuse(name: string, text: string): 'refused' {
    if (!this.wanted.has(name)) return 'refused';
    if (this.troubles.get(name) !== text)
      this.options.log.error('a release can not be had', { key: this.keyOf(name), release: name, reason: text });
    this.troubles.set(name, text);
    return 'refused';
  }

  private keyOf(name: string): string {
    const at = name.lastIndexOf('@');
    return this.options.keys.release(name.slice(0, at), Number(name.slice(at + 1)));
  }
}

/** Of the releases of its instances, by name. */
function hashesOf(assignment: Assignment): ReadonlyMap<string, string> {
  return new Map(
    Object.values(assignment.instances).map(({ service, release, hash }) => [`${service}@${release}`, hash]),
  );
}
