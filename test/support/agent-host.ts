/** A simulated engine and etcd with the whole agent of a host on top; a test assigns to it. */
import { Agent } from '../../agent/agent';
import type { DesiredCopy } from '../../agent/desired/disk-copy';
import { MemoryDocker } from '../../agent/docker/simulated/memory-docker';
import { createMemoryEngine } from '../../agent/docker/simulated/memory-engine';
import type { Engine } from '../../agent/docker/engine';
import type { ForeignEndpoints } from '../../agent/endpoints/foreign/foreign-endpoints';
import type { SkyDns } from '../../agent/endpoints/skydns';
import type { MemoryCopy } from '../../agent/memory/memory-copy';
import { decodeDocument, emptyDocument, encodeDocument } from '../../lib/documents/codec';
import { keysUnder } from '../../lib/documents/keys';
import type { AssignedInstance, Assignment, HostStatus, Release } from '../../lib/documents/types';
import { createMemoryStore, type MemoryStore } from '../../lib/etcd/memory-store';
import type { Store } from '../../lib/etcd/store';
import { releaseHash } from '../../lib/release/release-hash';
import { createFakeClock } from './fake-clock';
import { memoryInMemory, NO_PROBES } from './loop-host';
import { recordLog, type LogLine } from './recorded-log';
import { tidyingInMemory } from './tidying';

export const keys = keysUnder('/test');
export const TTL_MS = 5000;

export interface RunningAgent {
  readonly agent: Agent;
  readonly store: MemoryStore;
  isReady: boolean;
  refusal: string | undefined;
  /** Ends it, and its connection to etcd. */
  end(): Promise<void>;
}

/** What is assigned of an instance: all but its release has defaults. */
export type Assigned = Partial<AssignedInstance> & { readonly of: Release };

export class AgentHost {
  readonly clock = createFakeClock();
  readonly admin: MemoryStore = createMemoryStore(this.clock);
  readonly docker = new MemoryDocker({
    clock: this.clock,
    latencyMs: { list: 5, create: 50, start: 50, stop: 50 },
  });
  readonly memoryCopy: MemoryCopy = memoryInMemory();
  onDisk: DesiredCopy | undefined;
  /** Of the agent that was begun last. */
  lines: readonly LogLine[] = [];
  wrap: (engine: Engine) => Engine = (engine) => engine;
  wrapStore: (store: Store) => Store = (store) => store;
  skyDns: SkyDns | undefined;
  /** Of the agents that are begun from now on. */
  address = '10.0.0.1';
  foreign: ForeignEndpoints | undefined;
  private readonly agents: RunningAgent[] = [];
  private revision = 0;

  constructor() {
    this.docker.images.add('web:1');
  }

  begin(agentId = 'id-1', of: MemoryDocker = this.docker): RunningAgent {
    const { clock } = this;
    const store = this.admin.connect();
    const { log, lines } = recordLog(clock);
    this.lines = lines;
    const agent = new Agent({
      ...{
        name: 'h1',
        address: this.address,
        http: '0.0.0.0:7423',
        labels: {},
        resources: { gpu: 2 },
        weight: 100,
        skyDns: this.skyDns,
        foreign: this.foreign,
        leaseTtlMs: TTL_MS,
        agentId,
      },
      ...{ keys, store: this.wrapStore(store), clock, log, portRange: [20_000, 20_099], random: () => 0.5 },
      engine: this.wrap(createMemoryEngine(of, { host: 'h1', prefix: '/test' })),
      disk: { load: () => Promise.resolve(this.onDisk), save: async (copy) => void (this.onDisk = copy) },
      ...{ memoryCopy: this.memoryCopy, probes: NO_PROBES, tidying: tidyingInMemory() },
    });
    const end = async (): Promise<void> => {
      await agent.stop();
      store.close();
    };
    const running: RunningAgent = { agent, store, isReady: false, refusal: undefined, end };
    void agent.start(() => (running.isReady = true)).then((why) => (running.refusal = why));
    this.agents.push(running);
    return running;
  }

  async end(): Promise<void> {
    for (const agent of this.agents.splice(0)) await agent.end();
  }

  /** The next assignment, and the releases that it names. */
  async assign(
    instances: Readonly<Record<string, Assigned>>,
    rest: Partial<Assignment> = {},
    ahead: readonly Release[] = [],
  ): Promise<void> {
    const assigned = Object.entries(instances).map(([id, { of, ...one }], index) => {
      const { service, number: release } = of;
      const nothing = { slot: index + 1, hash: releaseHash(of), config: {}, before: false };
      return [id, { service, release, ...nothing, ...one }] as const;
    });
    for (const release of [...Object.values(instances).map(({ of }) => of), ...ahead])
      await this.put(keys.release(release.service, release.number), encodeDocument('Release', release));
    const revision = ++this.revision;
    const assignment = { ...emptyDocument('Assignment'), revision, instances: Object.fromEntries(assigned), ...rest };
    await this.put(keys.assignment('h1'), encodeDocument('Assignment', assignment));
  }

  async put(key: string, value: string): Promise<void> {
    await this.admin.txn({ compares: [], writes: [{ op: 'put', key, value }] });
  }

  async found(key: string): Promise<string | undefined> {
    return (await this.admin.range({ key })).kvs[0]?.value;
  }

  async status(): Promise<HostStatus | undefined> {
    const text = await this.found(keys.status('h1'));
    return text === undefined ? undefined : decodeDocument('HostStatus', text);
  }

  /** Every text that the status ever had, and has from now on. */
  recordStatuses(): readonly HostStatus[] {
    const texts: HostStatus[] = [];
    this.admin.watch({ key: keys.status('h1') }, 1, {
      onCreated: () => undefined,
      onEvents: (events) => {
        for (const event of events) if (event.type === 'put') texts.push(decodeDocument('HostStatus', event.kv.value));
      },
      onEnd: () => undefined,
    });
    return texts;
  }

  /** Of the containers that are there, whatever they are. */
  get states(): readonly string[] {
    return [...this.docker.containers.values()].map(({ state }) => state);
  }
}

/** @returns the host of each test, which ends with it */
export function agentHosts(): () => AgentHost {
  let host: AgentHost;
  beforeEach(() => (host = new AgentHost()));
  afterEach(() => host.end());
  return () => host;
}
