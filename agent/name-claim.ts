/** The host's name is this agent's as long as its lease lives and nobody else has the name. */
import type { Clock } from '../lib/clock';
import { encodeDocument } from '../lib/documents/codec';
import type { Keys } from '../lib/documents/keys';
import type { Problem } from '../lib/documents/types';
import type { LeaseSession, LeaseState } from '../lib/etcd/lease-session';
import { startMirror, type Mirror } from '../lib/etcd/mirror';
import type { KeyValue, Store } from '../lib/etcd/store';
import type { Logger } from '../lib/log';
import { VERSION } from '../lib/version';
import { startHostLease } from './host-lease';

/** An agent whose name another live agent has gives up after so many TTLs: its own old key would have expired. */
const PATIENCE_TTLS = 3;

export interface NameClaimOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly keys: Keys;
  readonly name: string;
  readonly agentId: string;
  readonly leaseTtlMs: number;
  /** The name became ours, or is not ours any more. */
  readonly onChange: () => void;
  /** Another agent has it for good: this one must not run. */
  readonly onRefused: (why: string) => void;
}

export class NameClaim {
  /** Another live agent has the name. */
  problem: Problem | undefined;
  private lease: LeaseSession | undefined;
  private found: string | undefined;
  private aliveMirror: Mirror | undefined;
  private cancelPatience: (() => void) | undefined;

  constructor(private readonly options: NameClaimOptions) {}

  get isOurs(): boolean {
    return this.problem === undefined && this.lease?.isHeld === true;
  }

  /** Undefined before the name is claimed. */
  get session(): LeaseSession | undefined {
    return this.lease;
  }

  /** Lease of an agent of this host before this one, or an earlier one of this agent: keys may hang on it. */
  get earlierLease(): string | undefined {
    return this.isOurs && this.found !== this.lease?.leaseId ? this.found : undefined;
  }

  /** When the last request was sent that renewed its lease; monotonic. Undefined when there never was one. */
  get aliveMs(): number | undefined {
    return this.lease?.aliveMs;
  }

  /** Once only counts. */
  begin(): void {
    if (this.lease !== undefined) return;
    const { store, clock, log, keys, name, agentId, leaseTtlMs, random } = this.options;
    const key = keys.hostAlive(name);
    const alive = encodeDocument('HostAlive', { agentId, agentVersion: VERSION, startedAtMs: clock.wallMs() });
    this.lease = startHostLease({
      ...{ store, clock, log, random, key, agentId, alive, ttlMs: leaseTtlMs },
      onFound: (lease) => this.foundOn(lease),
      onState: (state, detail) => this.leaseChanged(state, detail),
    });
    const mirror = startMirror({
      ...{ store, clock, log, random, range: { key } },
      onChange: () => {
        if (mirror.connected && this.lease?.isHeld === true) this.aliveChanged(mirror.entries().get(key), alive);
      },
    });
    this.aliveMirror = mirror;
  }

  /** The lease is not revoked: an agent that restarts is no lost host. */
  async close(): Promise<void> {
    this.cancelPatience?.();
    this.aliveMirror?.close();
    await this.lease?.close({ revoke: false });
  }

  /** Written anew, our own key is found on the lease that it has. */
  private foundOn(lease: string | undefined): void {
    if (lease !== undefined && lease !== this.lease?.leaseId) this.found = lease;
  }

  private aliveChanged(found: KeyValue | undefined, ours: string): void {
    if (found?.value === ours) this.forgetConflict();
    // Somebody deleted it or wrote it by hand, or emptied etcd, while the lease lives on.
    else if (found?.lease === undefined) void this.lease?.refresh();
    // An agent with our id, from a copy of this host's state folder: only one of the two can go on.
    else this.taken();
  }

  private forgetConflict(): void {
    if (this.problem === undefined) return;
    this.cancelPatience?.();
    this.cancelPatience = undefined;
    this.problem = undefined;
    this.options.onChange();
  }

  private leaseChanged(state: LeaseState, detail: string): void {
    if (state === 'conflict') return this.taken();
    this.forgetConflict();
    if (state === 'lost') this.options.log.warn('the lease of this host is lost; containers go on', { reason: detail });
    else this.options.log.info('the lease of this host is held');
    this.options.onChange();
  }

  private taken(): void {
    if (this.cancelPatience !== undefined) return;
    const { name, leaseTtlMs, keys, log, clock, onRefused } = this.options;
    const key = keys.hostAlive(name);
    const message =
      `another live agent has the host name "${name}" (${key}). Give each host a name of its own (--name); ` +
      `if this is the same host with a new state folder, stop the other agent first`;
    this.problem = { rule: 'name-taken', path: '', line: 0, column: 0, message, key };
    log.error(message, { reason: 'name-taken' });
    this.cancelPatience = clock.after(leaseTtlMs * PATIENCE_TTLS, () => onRefused(message));
  }
}
