/** By which this host finds services: what is known of them, DNS, the resolver of containers, files made from templates. */
import type { AgentConfig } from '../lib/config/daemons';
import type { Clock } from '../lib/clock';
import { keysUnder } from '../lib/documents/keys';
import type { Problem } from '../lib/documents/types';
import type { Store } from '../lib/etcd/store';
import type { Logger } from '../lib/log';
import { DiscoveryCopy } from './discovery/discovery-copy';
import { FollowedDiscovery } from './discovery/followed-discovery';
import { createTcpAccepts } from './discovery/tcp-accepts';
import { BridgeListener } from './dns/bridge-listener';
import { AgentDns } from './dns/dns';
import type { Explain } from './dns/explain';
import type { Inherited } from './dns/server/inherited';
import type { KeptListener } from './dns/server/server';
import type { Engine } from './docker/engine';
import type { AgentMetrics } from './metrics';
import type { Templates } from './templates/templates';

/** A Docker that hangs holds up nothing for longer: containers made meanwhile have no resolver of ours. */
const BRIDGE_WAIT_MS = 1000;

export interface HostDiscoveryTools {
  readonly store: Store;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: AgentMetrics;
  readonly engine: Pick<Engine, 'bridgeAddress'>;
  /** Sockets for DNS that systemd holds. */
  readonly inherited: Inherited;
  /** `problems` are other ones. */
  readonly onProblems: () => void;
}

export class HostDiscovery {
  private readonly discovery: FollowedDiscovery;
  private readonly copy: DiscoveryCopy;
  private readonly dns: AgentDns;
  private readonly bridge: BridgeListener;
  private listeners: readonly KeptListener[] = [];
  private templates: Templates | undefined;

  constructor(
    private readonly config: AgentConfig,
    private readonly tools: HostDiscoveryTools,
  ) {
    const { name, address, labels, prefix, stateDir, leaseTtl: leaseTtlMs } = config;
    const { clock, metrics } = tools;
    this.copy = new DiscoveryCopy({ ...tools, folder: stateDir, prefix });
    this.discovery = new FollowedDiscovery({
      ...{ ...tools, keys: keysUnder(prefix), leaseTtlMs, host: { name, address } },
      accepts: createTcpAccepts(clock),
      onChange: () => this.copy.changed(),
    });
    this.dns = new AgentDns({
      ...{ ...tools, discovery: this.discovery, metrics: metrics.dns, host: name, domain: config.dnsDomain },
      preferredZone: config.dnsPreferZone ? labels['zone'] : undefined,
      ttlSeconds: config.dnsTtl,
      upstreams: config.dnsUpstreams,
      inherited: tools.inherited.sockets,
    });
    this.bridge = new BridgeListener({
      ...{ ...tools, setting: config.containerDns, onProblem: tools.onProblems },
      listen: async (at) => {
        const listening = await this.dns.server.listen(at);
        this.tellUnwanted(at);
        return listening;
      },
    });
  }

  /** Settles when names are answered, as far as they can be. */
  async start(): Promise<void> {
    const { templates, name, address, labels, stateDir } = this.config;
    const { clock } = this.tools;
    for (const trouble of this.tools.inherited.troubles) this.tools.log.warn(trouble);
    await this.copy.keep(this.discovery);
    // Not before what is known is read: who asked etcd before would take what is not published yet for what is not there.
    this.listeners = this.config.dns.map((at) => this.dns.listen(at));
    await this.dns.server.answerInherited();
    if (this.config.containerDns !== 'auto') this.tellUnwanted();
    await Promise.race([this.bridge.start(), new Promise<void>((goOn) => void clock.after(BRIDGE_WAIT_MS, goOn))]);
    if (templates.length === 0) return;
    const { startTemplates } = await import('./templates/templates.js');
    this.templates = await startTemplates({
      ...{ ...this.tools, templates, stateDir, discovery: this.discovery, metrics: this.tools.metrics.templates },
      host: { name, address, labels },
    });
  }

  /** @param forContainers where they ask, if that is the agent's to know */
  private tellUnwanted(forContainers?: string): void {
    const unwanted = this.dns.server.unwanted.map(({ protocol, address }) => `${protocol} ${address}`);
    if (unwanted.length === 0) return;
    const wanted = [...this.config.dns, ...(forContainers === undefined ? [] : [forContainers])];
    this.tools.log.warn(
      `systemd holds sockets of DNS that no setting wants: ${unwanted.join(', ')}. They are answered, but what asks at ` +
        `${wanted.join(', ')} goes without while the agent restarts. Write the right addresses into the socket unit ` +
        '(systemctl edit --full berth-agent-dns.socket), then: systemctl stop berth-agent-dns.socket; systemctl restart berth-agent',
    );
  }

  get problems(): readonly Problem[] {
    const unheard = this.listeners.map(({ problem }) => (problem === undefined ? undefined : problemOf(problem)));
    return [this.bridge.problem, ...unheard, ...(this.templates?.problems ?? [])].filter((one) => one !== undefined);
  }

  /** For containers whose services name none. */
  get resolvers(): readonly string[] {
    return this.bridge.resolvers;
  }

  get explain(): Explain {
    return this.dns.explain;
  }

  /** As of now, for a scrape. */
  count(): void {
    let services = 0;
    const stale: [string, number][] = [];
    for (const { name, known } of this.discovery.followed) {
      services++;
      const count = known.endpoints.filter(({ isStale }) => isStale).length;
      if (count > 0) stale.push([name, count]);
    }
    this.tools.metrics.onDiscovery(services, stale);
  }

  async close(): Promise<void> {
    await this.templates?.close();
    await this.bridge.close();
    await Promise.all(this.listeners.map((one) => one.close()));
    await this.dns.close();
    this.copy.close();
    this.discovery.close();
  }
}

function problemOf(message: string): Problem {
  return { rule: 'dns-address', path: '', line: 0, column: 0, message, key: '' };
}
