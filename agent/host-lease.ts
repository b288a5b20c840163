/** This host's one lease: its alive key, and the claim on its name. */
import type { Clock } from '../lib/clock';
import { decodeDocument } from '../lib/documents/codec';
import { startLeaseSession, type LeaseSession, type LeaseState } from '../lib/etcd/lease-session';
import type { Compare, Store } from '../lib/etcd/store';
import type { Logger } from '../lib/log';

export interface HostLeaseOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly key: string;
  /** Of this host's state folder: it tells this agent from another of the same name. */
  readonly agentId: string;
  /** The HostAlive document. */
  readonly alive: string;
  readonly ttlMs: number;
  /** Told of the lease on which the key hung that is taken over; undefined when there is none. */
  readonly onFound: (lease: string | undefined) => void;
  readonly onState: (state: LeaseState, detail: string) => void;
}

/** An agent that restarts takes its own key over at once; one with another id has to wait until it expired. */
export function startHostLease(options: HostLeaseOptions): LeaseSession {
  const { store, clock, log, random, key, agentId, alive, ttlMs, onFound, onState } = options;
  return startLeaseSession({
    store,
    clock,
    ttlMs,
    log,
    random,
    puts: () => [{ key, value: alive }],
    compares: async () => {
      const { compare, lease } = await nameIsOurs(store, key, agentId);
      onFound(lease);
      return [compare];
    },
    onState,
  });
}

/** Holds only as long as the key is as we read it: nobody's, or ours. One without a lease is no sign of life. */
async function nameIsOurs(
  store: Store,
  key: string,
  agentId: string,
): Promise<{ readonly compare: Compare; readonly lease?: string | undefined }> {
  const { kvs } = await store.range({ key });
  const [kv] = kvs;
  if (kv === undefined) return { compare: { key, createRevision: 0 } };
  const isOurs = kv.lease === undefined || readAgentIdOf(kv.value) === agentId;
  if (!isOurs) return { compare: { key, createRevision: 0 } };
  return { compare: { key, modRevision: kv.modRevision }, lease: kv.lease };
}

/** A garbage alive key belongs to nobody that we are. */
function readAgentIdOf(value: string): string | undefined {
  try {
    return decodeDocument('HostAlive', value).agentId;
  } catch {
    return undefined;
  }
}
