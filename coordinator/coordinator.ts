/** One coordinator without its process: everything but ports and signals, so that tests and the simulator run the real one. */
import type { Clock } from '../lib/clock';
import { decodeDocument, DocumentError, encodeDocument } from '../lib/documents/codec';
import type { Keys } from '../lib/documents/keys';
import type { Candidate } from '../lib/documents/types';
import { startElection } from '../lib/etcd/election';
import type { Store } from '../lib/etcd/store';
import type { Logger } from '../lib/log';
import type { CoordinatorCalls } from '../lib/rpc/types';
import { VERSION } from '../lib/version';
import { createApi } from './api/api';
import { watchCluster, type Cluster } from './cluster';
import { createCompiler } from './compose/compiler';
import type { CoordinatorMetrics } from './metrics';
import { Reconciler } from './reconciler';
import type { ClusterView } from './view';

export interface CoordinatorOptions {
  readonly store: Store;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly log: Logger;
  /** Numbers in [0, 1): ids of instances, and jitter. */
  readonly random: () => number;
  /** Who this is, for people who look at the leader key. */
  readonly identity: string;
  /** "host:port" at which its HTTP is reached; empty when it is not to be found. */
  readonly http?: string;
  /** Another one leads after so long without a sign of this one. */
  readonly leaseTtlMs: number;
  readonly metrics?: CoordinatorMetrics;
  /** Called after each change of the view. */
  readonly onView?: (view: ClusterView) => void;
  /** Called when `candidates` is another. */
  readonly onCandidates?: () => void;
}

export interface Coordinator {
  readonly cluster: Cluster;
  readonly isLeader: boolean;
  /** The coordinators of this cluster that live, this one among them, as far as they can be read. */
  readonly candidates: readonly Candidate[];
  /** What operators can ask, whether this one leads or not. */
  readonly api: CoordinatorCalls;
  /** Resigns at once, so that another one leads at once. Begins no write afterwards. */
  resign(): Promise<void>;
  close(): void;
}

/** Takes part in the election, and plans and commits while it leads. Works when etcd is away: it then waits. */
export function startCoordinator(options: CoordinatorOptions): Coordinator {
  const { store, keys, clock, log, random, metrics } = options;
  const compile = createCompiler();
  const cluster = watchCluster({
    ...{ store, keys, clock, log, random },
    onChange: (changes) => {
      metrics?.onEtcd(cluster.isConnected);
      options.onView?.(cluster.view);
      reconciler.changed(changes);
    },
  });
  const reconciler = new Reconciler({
    ...{ store, keys, clock, log, random, compile, onPlan: (plan) => metrics?.onPlan(plan) },
    view: () => cluster.view,
    hold: () => cluster.hold(),
    pauses: () => cluster.pauses(),
    nextPauseEndMs: () => cluster.nextPauseEndMs(),
    isKnown: () => cluster.isKnown,
  });
  const { identity, http = '', leaseTtlMs: ttlMs } = options;
  const election = startElection({
    ...{ store, clock, log, random, ttlMs, leaderPrefix: keys.leader, identity },
    value: encodeDocument('Candidate', { identity, http, version: VERSION }),
    onCandidates: () => options.onCandidates?.(),
    onElected: (fence) => {
      log.info('leads from now on');
      metrics?.onLeader(true);
      reconciler.establish(fence);
    },
    onDeposed: (reason) => {
      log.warn('does not lead any more', { reason });
      metrics?.onLeader(false);
      reconciler.revoke();
    },
  });
  metrics?.onLeader(false);
  metrics?.onEtcd(false);
  const isLeader = (): boolean => election.isLeader;
  return {
    cluster,
    get isLeader() {
      return isLeader();
    },
    get candidates() {
      return election.candidates.flatMap(readCandidate);
    },
    api: createApi({ store, keys, cluster, compile, isLeader, wallMs: () => clock.wallMs() }),
    resign: async () => {
      reconciler.revoke();
      metrics?.onLeader(false);
      await election.close();
    },
    close: () => cluster.close(),
  };
}

/** What is none says nothing but that somebody takes part: one of another version, or a hand. */
function readCandidate(text: string): readonly Candidate[] {
  try {
    return [decodeDocument('Candidate', text)];
  } catch (error) {
    if (error instanceof DocumentError) return [];
    throw error;
  }
}
