/** What an agent is given. */
import type { Clock } from '../lib/clock';
import type { Keys } from '../lib/documents/keys';
import type { Problem } from '../lib/documents/types';
import type { Store } from '../lib/etcd/store';
import type { Logger } from '../lib/log';
import type { OnBoundary } from './boundaries';
import type { CopyOnDisk } from './desired/disk-copy';
import type { Engine } from './docker/engine';
import type { ForeignEndpoints } from './endpoints/foreign/foreign-endpoints';
import type { SkyDns } from './endpoints/skydns';
import type { HostSettings } from './host-record';
import type { MemoryCopy } from './memory/memory-copy';
import type { AgentMetrics } from './metrics';
import type { Probes } from './probes/probes';
import type { Tidying } from './tidy/tidy';

export interface AgentOptions extends HostSettings {
  /** Of the host, in etcd. */
  readonly name: string;
  /** Of its endpoints: their share beside others of a service. */
  readonly weight: number;
  /** Without: no SkyDNS records. */
  readonly skyDns?: SkyDns | undefined;
  /** Milliseconds after which the host counts as lost when it stops renewing. */
  readonly leaseTtlMs: number;
  /** Lowest and highest host port to pick from, inclusive. */
  readonly portRange: readonly [number, number];
  /** The same after every restart: it tells this agent from another one that has its name. */
  readonly agentId: string;
  readonly keys: Keys;
  readonly store: Store;
  readonly engine: Engine;
  readonly disk: CopyOnDisk;
  readonly memoryCopy: MemoryCopy;
  readonly probes: Probes;
  readonly tidying: Tidying;
  readonly clock: Clock;
  /** Numbers in [0, 1), for jitter. */
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics?: AgentMetrics;
  /** Without: containers that Berth does not manage are not published. */
  readonly foreign?: ForeignEndpoints | undefined;
  /** What is wrong apart from containers; `tellProblems` says when it has changed. */
  readonly problemsBeside?: () => readonly Problem[];
  /** Told of every boundary between two effects; tests end the agent there. */
  readonly onBoundary?: OnBoundary;
}
