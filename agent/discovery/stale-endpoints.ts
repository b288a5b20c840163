/**
 * The brake on mass expiry, for one service: endpoints that vanished together with most of the others, and not because their
 * hosts' agents took them back, count as long as they accept connections.
 *
 * What vanished is explicit where the host's alive key was there all the time: it hangs on the same lease as the endpoints, so
 * that etcd takes both away at once. That it is there again by now says nothing: the agent was granted another lease.
 */
import type { Clock } from '../../lib/clock';
import type { KnownEndpoint } from './discovery';

/** Hosts renew at different moments: their leases end within one TTL of each other. */
const WINDOW_MS = 10_000;
/** What accepts now is asked again so often. */
export const CHECK_AGAIN_MS = 1000;
/**
 * Whatever accepts connections at an address that nobody vouches for may be somebody else's by then. Long enough for an
 * operator to find out why no agent reaches etcd.
 */
const MAX_STALE_MS = 60 * 60_000;

export interface StaleTools {
  readonly clock: Clock;
  /** Whether it accepts a TCP connection. Settles soon, and never rejects. */
  readonly accepts: (endpoint: KnownEndpoint) => Promise<boolean>;
  /**
   * Revision of etcd since which the host's alive key has been there; undefined when it is not, or etcd does not say. Settles
   * soon, and never rejects.
   */
  readonly aliveSince: (hostName: string) => Promise<number | undefined>;
  /** The answer of `current` or `isSettling` is another one. */
  readonly onChange: () => void;
}

interface Vanished {
  readonly endpoint: KnownEndpoint;
  readonly atMs: number;
  /** Revision of etcd at which it was there last. */
  readonly thereAt: number;
}

export class StaleEndpoints {
  /** Of the last WINDOW_MS, by instance; those that the brake has looked at are not among them any more. */
  private readonly recent = new Map<string, Vanished>();
  private readonly stale = new Map<string, Vanished>();
  /** Endpoints that the service had when the brake was put on: with as many again, it needs none that are stale. */
  private wanted = 0;
  /** How many it is being found out about. */
  private settling = 0;
  /** Hosts of stale ones whose agents are back: since when, monotonic. */
  private readonly backSinceMs = new Map<string, number>();
  private cancelCheck: () => void = () => undefined;
  private isChecking = false;
  private isClosed = false;

  constructor(private readonly tools: StaleTools) {}

  /** What accepted a connection when it was last asked. */
  get current(): readonly KnownEndpoint[] {
    return [...this.stale.values()].map(({ endpoint }) => endpoint);
  }

  /** It is being found out which of those that have just vanished still accept connections. */
  get isSettling(): boolean {
    return this.settling > 0;
  }

  /**
   * @param left how many of the service etcd has now
   * @param thereAt revision of etcd at which they were there last
   */
  vanished(endpoints: readonly KnownEndpoint[], left: number, thereAt: number): void {
    const atMs = this.tools.clock.monotonicMs();
    for (const [instance, one] of this.recent) if (atMs - one.atMs > WINDOW_MS) this.recent.delete(instance);
    for (const endpoint of endpoints) this.recent.set(endpoint.instance, { endpoint, atMs, thereAt });
    const gone = this.recent.size + this.stale.size + this.settling;
    if (gone <= left || this.recent.size === 0) return;
    this.wanted = Math.max(this.wanted, gone + left);
    const found = [...this.recent.values()];
    this.recent.clear();
    void this.settle(found);
  }

  /** Etcd has these: they are not gone. */
  present(instances: ReadonlyMap<string, unknown>): void {
    for (const instance of instances.keys()) {
      this.recent.delete(instance);
      this.stale.delete(instance);
    }
    if (instances.size >= this.wanted) this.release();
  }

  close(): void {
    this.isClosed = true;
    this.cancelCheck();
  }

  private release(): void {
    this.wanted = 0;
    this.stale.clear();
    this.backSinceMs.clear();
    this.cancelCheck();
  }

  private async settle(found: readonly Vanished[]): Promise<void> {
    this.settling += found.length;
    const { aliveSince } = this.tools;
    const hosts = [...new Set(found.map(({ endpoint }) => endpoint.hostName))];
    const [alive, accepting] = await Promise.all([
      Promise.all(hosts.map(async (host) => [host, await aliveSince(host)] as const)),
      this.acceptingOf(found),
    ]);
    const since = new Map(alive);
    const isTakenBack = ({ endpoint, thereAt }: Vanished): boolean =>
      (since.get(endpoint.hostName) ?? Infinity) <= thereAt;
    const expired = accepting.filter((one) => !isTakenBack(one));
    this.settling -= found.length;
    if (this.isClosed) return;
    // Released meanwhile: enough are back.
    if (this.wanted > 0) for (const one of expired) this.stale.set(one.endpoint.instance, toStale(one));
    if (this.stale.size === 0 && this.settling === 0) this.wanted = 0;
    this.tools.onChange();
    this.checkLater();
  }

  private async acceptingOf(ones: readonly Vanished[]): Promise<readonly Vanished[]> {
    const answers = await Promise.all(ones.map(({ endpoint }) => this.tools.accepts(endpoint)));
    return ones.filter((_, index) => answers[index]);
  }

  private checkLater(): void {
    if (this.isChecking || this.stale.size === 0) return;
    this.cancelCheck();
    this.cancelCheck = this.tools.clock.after(CHECK_AGAIN_MS, () => void this.check());
  }

  private async check(): Promise<void> {
    this.isChecking = true;
    const nowMs = this.tools.clock.monotonicMs();
    const ones = [...this.stale.values()];
    const [asked] = await Promise.all([
      this.acceptingOf(ones.filter(({ atMs }) => nowMs - atMs < MAX_STALE_MS)),
      this.noteBack(ones, nowMs),
    ]);
    const accepting = new Set(asked);
    this.isChecking = false;
    if (this.isClosed) return;
    const isGone = (one: Vanished): boolean => !accepting.has(one) || this.isDisowned(one, nowMs);
    const gone = ones.filter((one) => isGone(one) && this.stale.get(one.endpoint.instance) === one);
    for (const { endpoint } of gone) this.stale.delete(endpoint.instance);
    if (gone.length > 0) this.tools.onChange();
    this.checkLater();
  }

  private async noteBack(ones: readonly Vanished[], nowMs: number): Promise<void> {
    const hosts = [...new Set(ones.map(({ endpoint }) => endpoint.hostName))];
    const alive = await Promise.all(hosts.map((host) => this.tools.aliveSince(host)));
    hosts.forEach((host, index) => {
      if (alive[index] === undefined) this.backSinceMs.delete(host);
      else if (!this.backSinceMs.has(host)) this.backSinceMs.set(host, nowMs);
    });
  }

  /** Its agent has been back for long enough to have asked its probe, and does not publish it. */
  private isDisowned({ endpoint }: Vanished, nowMs: number): boolean {
    return nowMs - (this.backSinceMs.get(endpoint.hostName) ?? nowMs) > WINDOW_MS;
  }
}

function toStale(one: Vanished): Vanished {
  return { ...one, endpoint: { ...one.endpoint, isStale: true } };
}
