/** The live view of the cluster in one coordinator, leader or not. */
import type { Clock } from '../lib/clock';
import type { Keys } from '../lib/documents/keys';
import { startMirror, type Mirror } from '../lib/etcd/mirror';
import type { Store } from '../lib/etcd/store';
import type { Pause } from '../lib/documents/types';
import type { Logger } from '../lib/log';
import { Pauses } from '../lib/pauses';
import type { Freshness } from '../lib/rpc/types';
import { glanceAt, type Change } from './concerns';
import type { ClusterView } from './view';
import { ViewReader } from './view-reader';

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
  const reader = new ViewReader(keys);
  const pauses = new Pauses(clock, log);
  const tellHeld = heldTeller(log);
  let lostAtMs = clock.monotonicMs();
  const mirror: Mirror = startMirror({
    ...{ store, clock, log, random, range: { prefix: keys.all } },
    // Short-lived keys that say nothing about what should run where.
    ignore: (key) =>
      key.startsWith(`${keys.prefix}/endpoints/`) ||
      key.startsWith(`${keys.prefix}/events/`) ||
      key.startsWith(keys.leader),
    onChange: (changedKeys) => {
      const { view } = reader;
      const changes = [...changedKeys].map((key): Change => {
        const kv = mirror.entries().get(key);
        const before = glanceAt(key, keys, view);
        reader.read(key, kv);
        if (key.startsWith(keys.statuses)) tellHeld(key.slice(keys.statuses.length), view);
        return { key, value: kv?.value, before, after: glanceAt(key, keys, view) };
      });
      for (const { key, message } of changes.length > 0 ? reader.view.problems : [])
        if (changedKeys.has(key))
          log.error('a document is unreadable; the last good one counts', { key, reason: message });
      if (!mirror.connected) lostAtMs = clock.monotonicMs();
      options.onChange(changes);
    },
  });
  return {
    get view() {
      return reader.view;
    },
    get isKnown() {
      return mirror.isComplete;
    },
    get isConnected() {
      return mirror.connected;
    },
    pauses: () =>
      pauses.inForce(
        [...reader.view.pauses]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .flatMap(([, { pause }]) => (pause === undefined ? [] : [pause])),
      ),
    nextPauseEndMs: () => pauses.nextEndMs(),
    freshness: () => ({
      etcdConnected: mirror.connected,
      ageMs: mirror.connected ? 0 : Math.round(clock.monotonicMs() - lostAtMs),
      revision: mirror.revision,
    }),
    reached: async (revision) => {
      for (let waitedMs = 0; mirror.revision < revision && waitedMs < CATCH_UP_MS; waitedMs += CATCH_UP_STEP_MS)
        await new Promise<void>((wake) => clock.after(CATCH_UP_STEP_MS, wake));
    },
    close: () => mirror.close(),
  };
}

/** Says it once for each host and count, whoever leads: after an emptied etcd it is what an operator has to see. */
function heldTeller(log: Logger): (host: string, view: ClusterView) => void {
  const told = new Map<string, number>();
  return (host, view) => {
    const instances = Object.values(view.hosts.get(host)?.status?.instances ?? {});
    const count = instances.filter(({ held }) => held).length;
    if ((told.get(host) ?? 0) === count) return;
    told.set(host, count);
    if (count === 0) return log.info('a host holds nothing any more', { host });
    const reason = 'etcd knows nothing of their services, or of what is assigned to the host';
    log.warn('a host holds instances: they run on, and nobody manages them', { host, instances: count, reason });
  };
}
