import type { Clock } from '../clock';
import { silentLogger } from '../log';
import type { Logger } from '../log';
import type { Fence } from './fenced-txn';
import { startLeaseSession } from './lease-session';
import type { LeaseSession } from './lease-session';
import { startMirror } from './mirror';
import type { Mirror } from './mirror';
import type { KeyValue, Store } from './store';

export interface ElectionOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** How long after its death a leader is replaced, at most; etcd takes 2 s at least. */
  readonly ttlMs: number;
  /** Each candidate has one key under it, named by its lease. */
  readonly leaderPrefix: string;
  /** Who this is, for people. */
  readonly identity: string;
  /** Of the key; the identity unless given. */
  readonly value?: string;
  readonly onElected: (fence: Fence) => void;
  /** Called once for each `onElected`, as soon as leadership is lost or can no longer be proven; not by `close`. */
  readonly onDeposed: (reason: string) => void;
  /** The leader changed, or is not known. */
  readonly onLeaderChange?: (identity: string | undefined) => void;
  /** What `candidates` gives is another. */
  readonly onCandidates?: () => void;
  readonly log?: Logger;
  readonly random?: () => number;
}

export interface Election {
  /** Asks the clock too: false from the lease's deadline on, even before `onDeposed` could be called. */
  readonly isLeader: boolean;
  /** What each write of the leader has to compare; undefined for everybody else. */
  readonly fence: Fence | undefined;
  /** Identity of the candidate that leads, as far as is known here. */
  readonly leaderIdentity: string | undefined;
  /** Values of the keys of all that take part, this one among them, sorted by key. The last known ones while the store is away. */
  readonly candidates: readonly string[];
  /** Resigns, or leaves the queue, at once. Calls nothing afterwards. */
  close(): Promise<void>;
}

/**
 * Takes part in an election until closed: after a loss it queues again by itself.
 *
 * The candidate whose key has the lowest create revision leads. Two processes may believe so for a moment (the
 * clock of one may lie); only one of them can commit, since `commitFenced` compares that revision.
 */
export function startElection(options: ElectionOptions): Election {
  return new QueueElection(options);
}

class QueueElection implements Election {
  private held: Fence | undefined;
  /** Lease whose key was seen in the store: when it is no longer there, somebody deleted it. */
  private seenLease: string | undefined;
  private knownLeader: string | undefined;
  private isClosed = false;
  private cancelTick = (): void => undefined;
  private readonly prefix: string;
  private readonly log: Logger;
  private readonly mirror: Mirror;
  private readonly session: LeaseSession;

  constructor(private readonly options: ElectionOptions) {
    const { store, clock, random } = options;
    this.prefix = options.leaderPrefix.endsWith('/') ? options.leaderPrefix : `${options.leaderPrefix}/`;
    this.log = options.log ?? silentLogger;
    const chance = random === undefined ? {} : { random };
    this.mirror = startMirror({
      store,
      clock,
      log: this.log,
      range: { prefix: this.prefix },
      onChange: (keys) => {
        if (keys.size > 0) options.onCandidates?.();
        this.evaluate();
      },
      ...chance,
    });
    this.session = startLeaseSession({
      store,
      clock,
      log: this.log,
      ttlMs: options.ttlMs,
      puts: (leaseId) => [{ key: this.prefix + leaseId, value: options.value ?? options.identity }],
      onState: () => this.evaluate(),
      ...chance,
    });
    this.tick();
  }

  get isLeader(): boolean {
    return this.fence !== undefined;
  }

  get fence(): Fence | undefined {
    return this.session.isHeld ? this.held : undefined;
  }

  get leaderIdentity(): string | undefined {
    return this.first()?.value;
  }

  get candidates(): readonly string[] {
    const entries = [...this.mirror.entries().values()];
    return entries.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ value }) => value);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.held = undefined;
    this.cancelTick();
    this.mirror.close();
    await this.session.close({ revoke: true });
  }

  /** A safety net: our key may have been deleted before the mirror ever saw it. */
  private tick(): void {
    this.cancelTick = this.options.clock.after(this.options.ttlMs, () => {
      const { leaseId } = this.session;
      if (leaseId !== undefined && this.mirror.connected && !this.mirror.entries().has(this.prefix + leaseId))
        void this.session.refresh();
      this.evaluate();
      this.tick();
    });
  }

  private evaluate(): void {
    if (this.isClosed) return;
    this.tellLeader();
    const { leaseId } = this.session;
    if (leaseId === undefined) return this.depose('the lease is lost');
    const own = this.mirror.entries().get(this.prefix + leaseId);
    if (own === undefined) {
      this.depose('the leader key is gone');
      if (this.seenLease === leaseId) void this.session.refresh(); // back into the queue, at its end
      this.seenLease = undefined;
      return;
    }
    this.seenLease = leaseId;
    if (this.first()?.key !== own.key) return this.depose('somebody else is ahead in the queue');
    this.elect(own);
  }

  private elect(own: KeyValue): void {
    const fence: Fence = { compare: { key: own.key, createRevision: own.createRevision } };
    if (this.held !== undefined && isSame(this.held, fence)) return;
    this.depose('the leader key was made anew');
    this.held = fence;
    this.log.info('elected', { identity: this.options.identity });
    this.options.onElected(fence);
  }

  private depose(reason: string): void {
    if (this.held === undefined) return;
    this.held = undefined;
    this.log.warn('deposed', { identity: this.options.identity, reason });
    this.options.onDeposed(reason);
  }

  private first(): KeyValue | undefined {
    let first: KeyValue | undefined;
    for (const kv of this.mirror.entries().values()) {
      if (first === undefined || kv.createRevision < first.createRevision) first = kv;
    }
    return first;
  }

  private tellLeader(): void {
    const identity = this.leaderIdentity;
    if (identity === this.knownLeader) return;
    this.knownLeader = identity;
    this.options.onLeaderChange?.(identity);
  }
}

function isSame(a: Fence, b: Fence): boolean {
  return JSON.stringify(a.compare) === JSON.stringify(b.compare);
}
