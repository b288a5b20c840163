/** A discovery over a store that can fail, on a clock that stands still, and the hosts of a cluster that publish. */
import { FollowedDiscovery } from '../../agent/discovery/followed-discovery';
import { ASK_MS, UnknownYet, type KnownService } from '../../agent/discovery/discovery';
import { encodeDocument, emptyDocument } from '../../lib/documents/codec';
import { keysUnder } from '../../lib/documents/keys';
import { createMemoryStore, type MemoryStore } from '../../lib/etcd/memory-store';
import type { KeyRange } from '../../lib/etcd/store';
import { silentLogger } from '../../lib/log';
import { createFakeClock } from './fake-clock';
import { delegateStore } from './store-delegate';

export const TTL_MS = 5000;
export const keys = keysUnder('/berth');

export class DiscoveryWorld {
  readonly clock = createFakeClock();
  /** Of everybody else. */
  readonly store: MemoryStore = createMemoryStore(this.clock);
  /** Of the discovery alone. */
  readonly link = this.store.connect();
  /** Ranges that are watched. */
  watched: readonly KeyRange[] = [];
  /** Addresses, "10.0.0.1", that accept no connection. */
  readonly refusing = new Set<string>();
  /** What a read of the discovery waits for before etcd gets it, and before the answer of etcd arrives. */
  requestsWait: Promise<void> | undefined;
  answersWait: Promise<void> | undefined;
  /** The same of each try of a connection. */
  connectionsWait: Promise<void> | undefined;
  readonly discovery: FollowedDiscovery;
  private readonly leases = new Map<string, string>();

  constructor() {
    const followed = delegateStore(this.link);
    followed.watch = (range, ...rest) => {
      this.watched = [...this.watched, range];
      const watch = this.link.watch(range, ...rest);
      const close = (): void => {
        this.watched = this.watched.filter((one) => one !== range);
        watch.close();
      };
      return { close };
    };
    followed.range = async (range) => {
      await this.requestsWait;
      const found = await this.link.range(range);
      await this.answersWait;
      return found;
    };
    this.discovery = new FollowedDiscovery({
      ...{ store: followed, keys, clock: this.clock, log: silentLogger, random: () => 0.5, leaseTtlMs: TTL_MS },
      host: { name: 'h9', address: '10.0.0.9' },
      accepts: async ({ host }) => {
        await this.connectionsWait;
        return !this.refusing.has(host);
      },
    });
  }

  /** A host's agent: its alive key and these instances of web, on one lease. */
  async hostUp(number: number, ...instances: readonly string[]): Promise<void> {
    const { id: lease } = await this.store.grantLease(60_000);
    this.leases.set(`h${number}`, lease);
    const value = endpoint(number);
    await this.store.txn({
      compares: [],
      writes: [
        { op: 'put', key: keys.hostAlive(`h${number}`), value: '{}', lease },
        ...instances.map((one) => ({ op: 'put' as const, key: keys.endpoint('web', one), value, lease })),
      ],
    });
    await this.clock.advance(0);
  }

  async expire(...hosts: readonly number[]): Promise<void> {
    for (const host of hosts) this.store.faults.expireLease(this.leases.get(`h${host}`)!);
    await this.clock.advance(0);
  }

  async put(key: string, value = '{}'): Promise<void> {
    await this.store.txn({ compares: [], writes: [{ op: 'put', key, value }] });
    await this.clock.advance(0);
  }

  async drop(key: string): Promise<void> {
    await this.store.txn({ compares: [], writes: [{ op: 'delete', key }] });
    await this.clock.advance(0);
  }

  /** @returns instances that are answered, stale ones with a "?" */
  async asked(name = 'web'): Promise<readonly string[] | 'absent' | 'unknown'> {
    let answer: KnownService | 'unknown' | undefined;
    const asking = Promise.resolve().then(() => this.discovery.service(name));
    asking.then(
      (known) => (answer = known),
      (error: unknown) => {
        if (!(error instanceof UnknownYet)) throw error;
        answer = 'unknown';
      },
    );
    for (let waitedMs = 0; answer === undefined && waitedMs <= ASK_MS; waitedMs += 100)
      await this.clock.advance(waitedMs === 0 ? 0 : 100);
    if (answer === undefined || answer === 'unknown') return 'unknown';
    return answer.exists
      ? answer.endpoints.map(({ instance, isStale }) => (isStale ? `${instance}?` : instance))
      : 'absent';
  }
}

/** Document of one on host "h<number>". */
export function endpoint(number: number): string {
  return encodeDocument('Endpoint', {
    ...{ ...emptyDocument('Endpoint'), host: `10.0.0.${number}`, hostName: `h${number}`, port: 8080 },
    ports: { http: 8080 },
  });
}
