/**
 * Since when the host is cut off from etcd, as services with on_disconnect.stop_after count it.
 *
 * INVARIANT: a cut lasts until, with the lease held, the assignment was read from etcd: what was moved meanwhile must not
 * be started here because the assignment in hand is an old one. But as soon as the lease is back nothing more is stopped: that
 * the assignment is gone is no reason (G3).
 */
import type { Clock } from '../lib/clock';
import { StoreError } from '../lib/etcd/store';
import type { Cut } from './plan/types';

/** Etcd, which has just given a lease, does not answer. */
const RETRY_MS = 1000;

export interface CutOffOptions {
  readonly clock: Clock;
  readonly claim: {
    /** The host's lease lives. */
    readonly isOurs: boolean;
    /** When the last request was sent that renewed it; monotonic. Undefined when this agent never had one. */
    readonly aliveMs: number | undefined;
  };
  /** Reads the assignment anew. @returns whether the one in hand is as new. @throws StoreError */
  readonly confirm: () => Promise<boolean>;
  /** `current` is another one. */
  readonly onChange: () => void;
}

export class CutOff {
  private cut: Omit<Cut, 'isLeaseBack'> | undefined;
  private isAsking = false;
  private isOwed = false;
  private isStopped = false;
  private cancelRetry: () => void = () => undefined;

  /** A new agent is cut off until it knows better. */
  constructor(private readonly options: CutOffOptions) {
    this.cut = this.since(options.clock.monotonicMs());
  }

  /** Undefined when the host is not cut off. Asks the clock, too: a process that was stopped has not been told yet. */
  get current(): Cut | undefined {
    const { isOurs: isLeaseBack, aliveMs } = this.options.claim;
    const isNewer = aliveMs !== undefined && (this.cut === undefined || aliveMs > this.cut.sinceMs);
    if (!isLeaseBack && isNewer) this.cut = this.since(aliveMs);
    return this.cut && { ...this.cut, isLeaseBack };
  }

  /** The lease or the assignment may be another one. */
  check(): void {
    this.isOwed = true;
    if (!this.isAsking && !this.isStopped) void this.ask();
  }

  stop(): void {
    this.isStopped = true;
    this.cancelRetry();
  }

  private async ask(): Promise<void> {
    this.isAsking = true;
    this.cancelRetry();
    while (this.isOwed && this.current !== undefined && this.options.claim.isOurs && !this.isStopped) {
      this.isOwed = false;
      if (await this.isConfirmed()) this.end();
    }
    this.isAsking = false;
  }

  private async isConfirmed(): Promise<boolean> {
    try {
      return await this.options.confirm();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (!this.isStopped) this.cancelRetry = this.options.clock.after(RETRY_MS, () => this.check());
      return false;
    }
  }

  private end(): void {
    if (!this.options.claim.isOurs || this.isStopped) return;
    this.cut = undefined;
    this.options.onChange();
  }

  private since(sinceMs: number): Omit<Cut, 'isLeaseBack'> {
    const { clock, claim } = this.options;
    const agoMs = clock.monotonicMs() - sinceMs;
    return { sinceMs, atMs: clock.wallMs() - agoMs, hadLease: claim.aliveMs !== undefined };
  }
}
