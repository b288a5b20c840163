/**
 * Addresses of hosts, as their records in etcd say: they hardly ever change, so that what was read a moment ago will do.
 *
 * INVARIANTS
 * - Whoever asks for whatever: questions to etcd and names that nobody has are bounded, and take no known host away.
 */
import type { Clock } from '../../lib/clock';
import { decodeDocument, DocumentError } from '../../lib/documents/codec';
import type { Keys } from '../../lib/documents/keys';
import { StoreError, type Store } from '../../lib/etcd/store';
import { ASK_MS, UnknownYet } from './discovery';

/** What is older is read again, and answered meanwhile. */
const FRESH_MS = 10_000;
/** That there is none of a name is asked again sooner. */
const FRESH_ABSENCE_MS = 1000;
const MAX_HOSTS = 10_000;
/** Names that there is no host of; with more all of them are asked for anew. */
const MAX_ABSENT = 1000;
/** Hosts about which etcd is asked at once. */
const MAX_QUESTIONS = 256;

interface ReadHost {
  readonly address: string;
  readonly readMs: number;
}

export class FollowedHosts {
  private readonly known = new Map<string, ReadHost>();
  /** Since when, monotonic. */
  private readonly absentMs = new Map<string, number>();
  private readonly asked = new Map<string, Promise<string | undefined>>();

  constructor(private readonly options: { readonly store: Store; readonly keys: Keys; readonly clock: Clock }) {}

  /** @param mayWait false: etcd is not asked. @returns its address; undefined when there is none of the name. @throws UnknownYet, also as a rejection */
  address(name: string, mayWait = true): string | undefined | Promise<string | undefined> {
    const nowMs = this.options.clock.monotonicMs();
    const known = this.known.get(name);
    if (known !== undefined) {
      if (nowMs - known.readMs >= FRESH_MS) void this.ask(name).catch(() => undefined);
      return known.address;
    }
    if (nowMs - (this.absentMs.get(name) ?? -Infinity) < FRESH_ABSENCE_MS) return undefined;
    if (!mayWait) throw new UnknownYet(`a host "${name}"`);
    return this.ask(name);
  }

  private ask(name: string): Promise<string | undefined> {
    const begun = this.asked.get(name);
    if (begun !== undefined) return begun;
    const unknown = new UnknownYet(`a host "${name}"`);
    if (this.asked.size >= MAX_QUESTIONS) return Promise.reject(unknown);
    let cancel = (): void => undefined;
    const late = new Promise<never>((_, reject) => {
      cancel = this.options.clock.after(ASK_MS, () => reject(unknown));
    });
    // It counts until etcd has answered, or will not: also when nobody waits any more.
    const read = this.read(name).finally(() => this.asked.delete(name));
    const asking = Promise.race([read, late]).finally(() => cancel());
    this.asked.set(name, asking);
    return asking;
  }

  private async read(name: string): Promise<string | undefined> {
    const { store, keys } = this.options;
    try {
      const [kv] = (await store.range({ key: keys.hostRecord(name) })).kvs;
      this.note(name, kv === undefined ? undefined : decodeDocument('HostRecord', kv.value).address);
    } catch (error) {
      if (!(error instanceof StoreError) && !(error instanceof DocumentError)) throw error;
      // What was known stays.
      if (!this.known.has(name)) throw new UnknownYet(`a host "${name}"`);
    }
    return this.known.get(name)?.address;
  }

  private note(name: string, address: string | undefined): void {
    const readMs = this.options.clock.monotonicMs();
    if (address === undefined) {
      this.known.delete(name);
      if (this.absentMs.size >= MAX_ABSENT) this.absentMs.clear();
      this.absentMs.set(name, readMs);
    } else {
      this.absentMs.delete(name);
      if (this.known.size >= MAX_HOSTS) this.known.clear();
      this.known.set(name, { address, readMs });
    }
  }
}
