import type { Clock } from '../../lib/clock';
import type { Logger } from '../../lib/log';
import type { Discovery } from '../discovery/discovery';
import type { Explain } from './explain';
import { explainWith } from './explanation';
import { Forwarder } from './forward/forwarder';
import { NameServers } from './forward/name-servers';
import { Responder, type Outcome } from './responder';
import type { InheritedSocket } from './server/inherited';
import { DnsServer, type KeptListener } from './server/server';
import { Zone } from './zone';

export interface DnsMetrics {
  onQuery(outcome: Outcome): void;
  /** A try of a name server outside brought no answer. */
  onForwardFailure(): void;
}

export interface DnsOptions {
  readonly discovery: Discovery;
  /** "berth" */
  readonly domain: string;
  /** Name of this host. */
  readonly host: string;
  /** Endpoints with this label "zone" come first; undefined: none does. */
  readonly preferredZone: string | undefined;
  /** Of answers. */
  readonly ttlSeconds: number;
  /** Name servers for all other names, "host:port" each; none: those of `resolvConf`. */
  readonly upstreams: readonly string[];
  /** /etc/resolv.conf, unless a test has its own. */
  readonly resolvConf?: string;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics?: DnsMetrics;
  /** Sockets to answer on that somebody else has made. */
  readonly inherited?: readonly InheritedSocket[];
}

/** A mistake of ours is told once in so long. */
const MISTAKE_AGAIN_MS = 60_000;

/** DNS of this host: docs/discovery.md. It listens nowhere until it is told to. */
export class AgentDns {
  readonly server: DnsServer;
  /** What this host would answer, and why. */
  readonly explain: Explain;
  private readonly forwarder: Forwarder;
  private lastMistakeMs = -Infinity;

  constructor(options: DnsOptions) {
    const { clock, random, log, metrics, upstreams, inherited = [], resolvConf = '/etc/resolv.conf' } = options;
    const zone = new Zone(options);
    const ours = (): readonly string[] => this.server.addresses;
    const servers = new NameServers({ fixed: upstreams, file: resolvConf, ours, clock });
    this.forwarder = new Forwarder({ servers, clock, log, onFailure: () => metrics?.onForwardFailure() });
    const responder = new Responder({
      zone,
      forward: (...asked) => this.forwarder.forward(...asked),
      random,
      onQuery: (outcome) => metrics?.onQuery(outcome),
      onMistake: (error) => this.tellMistake(error, options),
    });
    this.server = new DnsServer({
      respond: (...asked) => responder.respond(...asked),
      ...{ clock, random, log, inherited },
    });
    this.explain = explainWith({ zone, forwarder: this.forwarder, ttlSeconds: options.ttlSeconds, view: options });
  }

  /** Answers there as soon as the address can be had. @param address "host:port" */
  listen(address: string): KeptListener {
    return this.server.keep(address);
  }

  /** It may come with every query. */
  private tellMistake(error: unknown, { clock, log }: DnsOptions): void {
    const nowMs = clock.monotonicMs();
    if (nowMs - this.lastMistakeMs < MISTAKE_AGAIN_MS) return;
    this.lastMistakeMs = nowMs;
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.error('a name can not be answered, by a mistake of the agent', { reason });
  }

  /** Close the listeners that `listen` gave first: they would come again. */
  async close(): Promise<void> {
    // First: who waits for a name server's answer hears nothing, and asks again. A failure would be taken for an answer.
    await this.server.close();
    this.forwarder.close();
  }
}
