/** The live view of the cluster in one coordinator, leader or not. */
import type { Clock } from '../lib/clock';
import type { Keys } from '../lib/documents/keys';
import { startMirror, type Mirror } from '../lib/etcd/mirror';
import type { Store } from '../lib/etcd/store';
import type { Pause } from '../lib/documents/types';
import type { Logger } from '../lib/log';
import { Pauses } from '../lib/pauses';
import type { Freshness } from '../lib/rpc/types';
import type { Change } from './concerns';
import { FollowedView } from './followed-view';
import type { ClusterView } from './view';

/** A write is in the view within milliseconds; an answer need not wait longer for it. */
const CATCH_UP_MS = 2000;
const CATCH_UP_STEP_MS = 5;

export interface Cluster {
  readonly view: ClusterView;
  /** A full list was read at least once. */
  readonly isKnown: boolean;
  readonly isConnected: boolean;
  /** Those in force now, sorted by kind and name. */
  pauses(): readonly Pause[];
  /** Monotonic time at which the next of them ends; undefined when there is none. */
  nextPauseEndMs(): number | undefined;
  freshness(): Freshness;
  /** The view stands still from now on, whatever happens in etcd. @returns ends it: the view catches up at once */
  hold(): () => void;
  /** Settles when the view is at this revision, or after CATCH_UP_MS without it. */
  reached(revision: number): Promise<void>;
  close(): void;
}

export function watchCluster(options: {
  readonly store: Store;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** Called after each change of the view with what changed, and with nothing when `isConnected` flips. */
  readonly onChange: (changes: readonly Change[]) => void;
}): Cluster {
  const { store, keys, clock, log, random } = options;
  const pauses = new Pauses(clock, log);
  let lostAtMs = clock.monotonicMs();
  const mirror: Mirror = startMirror({
    ...{ store, clock, log, random, range: { prefix: keys.all } },
    // Short-lived keys that say nothing about what should run where.
    ignore: (key) =>
      key.startsWith(`${keys.prefix}/endpoints/`) ||
      key.startsWith(`${keys.prefix}/events/`) ||
      key.startsWith(keys.leader),
    onChange: (changedKeys) => {
      if (!mirror.connected) lostAtMs = clock.monotonicMs();
      followed.changed(changedKeys);
    },
  });
  const followed = new FollowedView({ mirror, keys, log, onChange: options.onChange });
  return {
    get view() {
      return followed.view;
    },
    get isKnown() {
      return mirror.isComplete;
    },
    get isConnected() {
      return mirror.connected;
    },
    pauses: () =>
      pauses.inForce(
        [...followed.view.pauses]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .flatMap(([, { pause }]) => (pause === undefined ? [] : [pause])),
      ),
    nextPauseEndMs: () => pauses.nextEndMs(),
    freshness: () => ({
      etcdConnected: mirror.connected,
      ageMs: mirror.connected ? 0 : Math.round(clock.monotonicMs() - lostAtMs),
      revision: followed.revision,
    }),
    hold: () => followed.hold(),
    reached: async (wanted) => {
      for (let waitedMs = 0; followed.revision < wanted && waitedMs < CATCH_UP_MS; waitedMs += CATCH_UP_STEP_MS)
        await new Promise<void>((wake) => clock.after(CATCH_UP_STEP_MS, wake));
    },
    close: () => mirror.close(),
  };
}
