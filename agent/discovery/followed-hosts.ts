/** Addresses of hosts, as their records in etcd say: they hardly ever change, so that what was read a moment ago will do. */
import type { Clock } from '../../lib/clock';
import { decodeDocument, DocumentError } from '../../lib/documents/codec';
import type { Keys } from '../../lib/documents/keys';
import { StoreError, type Store } from '../../lib/etcd/store';
import { UnknownYet } from './discovery';

/** What is older is read again, and answered meanwhile. */
const FRESH_MS = 10_000;
/** That there is none of a name is asked again sooner. */
const FRESH_ABSENCE_MS = 1000;
const MAX_HOSTS = 10_000;

interface ReadHost {
  /** Undefined: there is none of the name. */
  readonly address: string | undefined;
  readonly readMs: number;
}

export class FollowedHosts {
  private readonly read = new Map<string, ReadHost>();
  private readonly reading = new Map<string, Promise<string | undefined>>();

  constructor(private readonly options: { readonly store: Store; readonly keys: Keys; readonly clock: Clock }) {}

  /** @returns its address; undefined when there is none of the name. @throws UnknownYet, as a rejection */
  address(name: string): string | undefined | Promise<string | undefined> {
    const known = this.read.get(name);
    if (known === undefined) return this.ask(name);
    const ageMs = this.options.clock.monotonicMs() - known.readMs;
    if (known.address === undefined && ageMs >= FRESH_ABSENCE_MS) return this.ask(name);
    if (ageMs >= FRESH_MS) void this.ask(name).catch(() => undefined);
    return known.address;
  }

  private ask(name: string): Promise<string | undefined> {
    const asked = this.reading.get(name);
    if (asked !== undefined) return asked;
    const asking = this.readOne(name).finally(() => this.reading.delete(name));
    this.reading.set(name, asking);
    return asking;
  }

  private async readOne(name: string): Promise<string | undefined> {
    const { store, keys, clock } = this.options;
    try {
      const [kv] = (await store.range({ key: keys.hostRecord(name) })).kvs;
      const address = kv === undefined ? undefined : decodeDocument('HostRecord', kv.value).address;
      if (this.read.size >= MAX_HOSTS) this.read.clear();
      this.read.set(name, { address, readMs: clock.monotonicMs() });
      return address;
    } catch (error) {
      if (!(error instanceof StoreError) && !(error instanceof DocumentError)) throw error;
      // What was known stays.
      const known = this.read.get(name);
      if (known?.address !== undefined) return known.address;
      throw new UnknownYet(`a host "${name}"`);
    }
  }
}
