import { backoffMs } from '../backoff';
import type { Clock } from '../clock';
import { silentLogger } from '../log';
import type { Logger } from '../log';
import { LeaseKeys, type KeysCheck, type Wish } from './lease-keys';
import { StoreError } from './store';
import type { Compare, Store } from './store';

/** Renewals per TTL: two may fail before the lease is in danger. */
const RENEWALS_PER_TTL = 3;
/** A renewal without an answer for this part of the TTL is followed by another, over another connection. */
const PATIENCE_PER_TTL = 5;
/** Part of the TTL by which we hold the lease for lost before etcd can: time to act, and clocks that drift. */
const MARGIN_PER_TTL = 10;
/** Renewals on the way at once. */
const MAX_RENEWALS_IN_FLIGHT = 3;
/** Leases left at once: of more, the oldest run out by themselves. */
const MAX_LEFT = 16;
const RETRY_LIMITS = { baseMs: 100, capMs: 2000 };

/**
 * - `held`: the lease lives and all keys of the session are in the store.
 * - `lost`: they may be gone, or will be soon. The session grants itself a new lease as soon as it can.
 * - `conflict`: the store answers, and a compare forbids the keys. The session tries again.
 */
export type LeaseState = 'held' | 'lost' | 'conflict';

export interface LeaseSessionOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** etcd takes 2 s at least, and rounds up to whole seconds. */
  readonly ttlMs: number;
  readonly log?: Logger;
  /** Keys that go in one transaction with each new lease: fewer than 128. */
  readonly puts: (leaseId: string) => readonly { readonly key: string; readonly value: string }[];
  /** What must hold for them. Asked anew for each try; may read the store. */
  readonly compares?: () => readonly Compare[] | Promise<readonly Compare[]>;
  readonly onState: (state: LeaseState, detail: string) => void;
  readonly random?: () => number;
}

export interface LeaseSession {
  /** Asks the clock too: false from the deadline on, even when a stopped process has not been told yet. */
  readonly isHeld: boolean;
  readonly state: LeaseState;
  /**
   * When the last request was sent that kept the lease alive while all keys were in the store: monotonic, and kept when the
   * lease is lost. Undefined before the first.
   */
  readonly aliveMs: number | undefined;
  /** Undefined unless held. */
  readonly leaseId: string | undefined;
  /**
   * Keeps these keys in the store, or out of it, as long as the session lives: in one transaction, as far as one takes them.
   * @returns true when the store has taken all; false when it does not answer or the lease is lost: the session then
   * goes on trying by itself. Never rejects.
   */
  want(wishes: readonly Wish[]): Promise<boolean>;
  /**
   * Whether the keys that `want` has put are as they were written: somebody may have deleted or edited one while the lease
   * lives. Costs the store no write. Never rejects.
   */
  check(): Promise<KeysCheck>;
  /** Writes all keys again, with the same promise: for when somebody deleted one while the lease lives. */
  refresh(): Promise<boolean>;
  /** Ends the session without a call of `onState`. With `revoke` the keys are gone at once if the store answers, otherwise after the TTL. */
  close(options: { readonly revoke: boolean }): Promise<void>;
}

export function startLeaseSession(options: LeaseSessionOptions): LeaseSession {
  const session = new StoreLeaseSession(options);
  session.start();
  return session;
}

interface HeldLease {
  readonly id: string;
  /** Monotonic. From here on nobody may rely on the lease. */
  deadlineMs: number;
  /** Monotonic. Of the last request that renewed it. */
  sentMs: number;
}

/**
 * INVARIANTS
 * - The deadline counts from the moment when a request was sent, never from its reply: etcd's own counting starts later.
 * - Nothing that arrives is believed before the clock was asked: the process may have been stopped for long.
 * - One lease at a time; whatever belongs to an older one is dropped.
 * - A lease on which keys may hang is not revoked before they are known to hang on the next one: they would all be gone at once.
 */
class StoreLeaseSession implements LeaseSession {
  state: LeaseState = 'lost';
  aliveMs: number | undefined;
  private lease: HeldLease | undefined;
  private isClosed = false;
  /** Leases given up while nobody could tell whether the keys had come to hang on them. */
  private left: string[] = [];
  private attempt = 0;
  private inFlight = 0;
  private cancelRenewal = (): void => undefined;
  private cancelDeadline = (): void => undefined;
  private cancelRetry = (): void => undefined;
  private readonly keys: LeaseKeys;
  private readonly log: Logger;
  private readonly random: () => number;

  constructor(private readonly options: LeaseSessionOptions) {
    this.log = options.log ?? silentLogger;
    this.random = options.random ?? Math.random;
    this.keys = new LeaseKeys({
      store: options.store,
      clock: options.clock,
      puts: options.puts,
      compares: options.compares ?? (() => []),
      leaseId: () => this.leaseId,
      onLeaseGone: (id) => this.lose(id, 'etcd says that the lease is gone'),
      onConflict: (id) => this.conflict(id),
      random: this.random,
    });
  }

  get isHeld(): boolean {
    return this.state === 'held' && this.isAlive(this.lease);
  }

  get leaseId(): string | undefined {
    return this.isHeld ? this.lease?.id : undefined;
  }

  start(): void {
    this.acquire().catch((error: unknown) => {
      if (!(error instanceof StoreError)) throw error;
      this.enter('lost', error.message);
      this.retry(error.message);
    });
  }

  want(wishes: readonly Wish[]): Promise<boolean> {
    return this.keys.want(wishes);
  }

  check(): Promise<KeysCheck> {
    return this.keys.check();
  }

  refresh(): Promise<boolean> {
    return this.keys.writeAgain();
  }

  async close(options: { readonly revoke: boolean }): Promise<void> {
    const lease = this.lease;
    this.isClosed = true;
    this.state = 'lost';
    this.lease = undefined;
    this.keys.close();
    for (const cancel of [this.cancelRenewal, this.cancelDeadline, this.cancelRetry]) cancel();
    if (!options.revoke) return;
    await Promise.all([...(lease === undefined ? [] : [this.revoke(lease.id)]), this.revokeLeft()]);
  }

  private async acquire(): Promise<void> {
    const { store, clock } = this.options;
    const sentMs = clock.monotonicMs();
    const granted = await store.grantLease(this.options.ttlMs);
    if (this.isClosed) return this.revoke(granted.id);
    const lease: HeldLease = { id: granted.id, deadlineMs: deadlineOf(sentMs, granted.ttlMs), sentMs };
    this.lease = lease;
    this.renewLater(lease, granted.ttlMs / RENEWALS_PER_TTL);
    this.watchDeadline(lease);
    const outcome = await this.keys.attach(lease.id).catch((error: unknown) => {
      if (!(error instanceof StoreError)) throw error;
      return error;
    });
    if (this.isClosed) return this.revoke(lease.id);
    if (outcome instanceof StoreError || this.lease !== lease) this.leave(lease.id);
    // The next one is on its way: it is not to be asked for twice.
    if (this.lease !== lease) return;
    if (outcome instanceof StoreError) {
      this.drop();
      throw outcome;
    }
    if (outcome === 'conflict') return this.conflict(lease.id);
    if (!this.isAlive(lease)) return this.lose(lease.id, 'the lease ran out before its keys were written');
    this.attempt = 0;
    this.aliveMs = lease.sentMs;
    this.enter('held', `lease ${lease.id}`);
    this.keys.resume();
    void this.revokeLeft();
  }

  private renewLater(lease: HeldLease, delayMs: number): void {
    this.cancelRenewal();
    this.cancelRenewal = this.options.clock.after(delayMs, () => this.renew(lease));
  }

  private renew(lease: HeldLease): void {
    if (this.lease !== lease) return;
    if (!this.isAlive(lease)) return this.lose(lease.id, 'not renewed in time');
    const sentMs = this.options.clock.monotonicMs();
    this.renewLater(lease, this.options.ttlMs / PATIENCE_PER_TTL);
    if (this.inFlight >= MAX_RENEWALS_IN_FLIGHT) return;
    this.inFlight++;
    this.options.store
      .keepLeaseAlive(lease.id)
      .finally(() => this.inFlight--)
      .then(
        (ttlMs) => this.renewed(lease, sentMs, ttlMs),
        (error: unknown) => {
          // The next try is already on its way.
          if (!(error instanceof StoreError)) throw error;
          this.log.debug('lease renewal failed', { reason: error.message, code: error.code });
        },
      );
  }

  private renewed(lease: HeldLease, sentMs: number, ttlMs: number): void {
    if (this.lease !== lease) return;
    if (ttlMs === 0) return this.lose(lease.id, 'etcd says that the lease is gone');
    lease.deadlineMs = Math.max(lease.deadlineMs, deadlineOf(sentMs, ttlMs));
    if (!this.isAlive(lease)) return this.lose(lease.id, 'not renewed in time');
    lease.sentMs = Math.max(lease.sentMs, sentMs);
    if (this.state === 'held') this.aliveMs = lease.sentMs;
    this.watchDeadline(lease);
    this.renewLater(lease, Math.max(0, sentMs + ttlMs / RENEWALS_PER_TTL - this.options.clock.monotonicMs()));
  }

  private watchDeadline(lease: HeldLease): void {
    this.cancelDeadline();
    const leftMs = lease.deadlineMs - this.options.clock.monotonicMs();
    this.cancelDeadline = this.options.clock.after(Math.max(0, leftMs), () => {
      if (this.lease === lease && this.isAlive(lease))
        this.watchDeadline(lease); // a timer may be early
      else this.lose(lease.id, 'not renewed in time');
    });
  }

  private isAlive(lease: HeldLease | undefined): boolean {
    return lease !== undefined && this.options.clock.monotonicMs() < lease.deadlineMs;
  }

  private lose(id: string, detail: string): void {
    if (this.lease?.id !== id || this.isClosed) return;
    this.drop();
    this.enter('lost', detail);
    this.start();
  }

  private conflict(id: string): void {
    if (this.lease?.id !== id || this.isClosed) return;
    this.drop();
    void this.revoke(id);
    // Our own keys, on a lease that was left, may be in our way: the next try tells.
    if (this.left.length > 0) void this.revokeLeft();
    else this.enter('conflict', 'the store holds what forbids the keys of this session');
    this.retry('conflict');
  }

  private drop(): void {
    this.lease = undefined;
    this.cancelRenewal();
    this.cancelDeadline();
  }

  private retry(reason: string): void {
    if (this.isClosed) return;
    this.attempt++;
    if (this.attempt === 1) this.log.warn('no lease; trying again', { reason });
    this.cancelRetry();
    this.cancelRetry = this.options.clock.after(backoffMs(this.attempt, RETRY_LIMITS, this.random), () => this.start());
  }

  private enter(state: LeaseState, detail: string): void {
    if (this.isClosed || (state === this.state && state !== 'held')) return;
    this.state = state;
    this.log.info(`lease ${state}`, { reason: detail });
    this.options.onState(state, detail);
  }

  private leave(id: string): void {
    this.left = [...this.left, id].slice(-MAX_LEFT);
  }

  private async revokeLeft(): Promise<void> {
    await Promise.all(this.left.splice(0).map((id) => this.revoke(id)));
  }

  /** Best effort: what can't be revoked runs out by itself. */
  private async revoke(id: string): Promise<void> {
    await this.options.store.revokeLease(id).catch((error: unknown) => {
      if (!(error instanceof StoreError)) throw error;
    });
  }
}

function deadlineOf(sentMs: number, ttlMs: number): number {
  return sentMs + ttlMs - ttlMs / MARGIN_PER_TTL;
}
