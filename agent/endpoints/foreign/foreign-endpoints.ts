/** Endpoints of containers that Berth does not manage, and that say of themselves what registrator reads: setting `register-foreign`. */
import type { Clock } from '../../../lib/clock';
import { emptyDocument } from '../../../lib/documents/codec';
import { isEveryAddress } from '../../../lib/listen-address';
import type { Logger } from '../../../lib/log';
import { EngineError } from '../../docker/engine';
import type { ForeignContainer, ForeignEngine, ForeignList, ForeignPort } from '../../docker/foreign-containers';
import { NOTHING_TO_LEAVE, type ActualContainer, type Desired, type DesiredInstance } from '../../plan/types';
import type { Probes } from '../../probes/probes';
import { isReachable, type EndpointHost, type WantedEndpoint, type WantedEndpoints } from '../wanted-endpoints';
import { readRegistrator, type ForeignService } from './registrator';

/** Between two lists at the least, so that a storm of events stays cheap. */
const PAUSE_MS = 200;
const RETRY_MS = 2000;
/** The safety net under lost events. */
const AGAIN_MS = 60_000;
/** Says that a made-up container is made from its made-up release. */
const SPEC = 'foreign';

export interface ForeignEndpointsOptions {
  readonly engine: ForeignEngine;
  /** For their checks alone. */
  readonly probes: Probes;
  readonly host: EndpointHost;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Found extends ForeignService<ForeignPort> {
  readonly container: ForeignContainer;
}

export class ForeignEndpoints {
  /** All that are known were known at one moment. Before, one that is not among those wanted need not be gone. */
  isKnown = false;
  private found: readonly Found[] = [];
  private onChange: () => void = () => undefined;
  private readonly stopping = new AbortController();
  private readonly complainedOf = new Set<string>();
  private isReading = false;
  private isOwed = false;
  private cancel: () => void = () => undefined;

  constructor(private readonly options: ForeignEndpointsOptions) {}

  start(onChange: () => void): void {
    this.onChange = onChange;
    this.options.probes.watch(onChange);
    this.options.engine.watch(() => this.wake(), this.stopping.signal);
    this.wake();
  }

  stop(): void {
    this.stopping.abort();
    this.cancel();
    this.options.probes.close();
  }

  /** Of those that are known. Without a check, one is well. */
  wanted(): WantedEndpoints {
    const judged = this.options.probes.follow(containersOf(this.found), desiredOf(this.found));
    const healthOf = ({ instance, probe }: Found): ActualContainer['health'] =>
      probe === undefined ? 'healthy' : (judged.get(instance)?.[0]?.health ?? 'starting');
    return {
      endpoints: this.found.filter((one) => healthOf(one) === 'healthy').map((one) => this.endpointOf(one)),
      starting: new Set(this.found.filter((one) => healthOf(one) === 'starting').map(({ instance }) => instance)),
    };
  }

  private wake(): void {
    this.isOwed = true;
    if (!this.isReading && !this.stopping.signal.aborted) void this.read();
  }

  private async read(): Promise<void> {
    this.isReading = true;
    this.isOwed = false;
    this.cancel();
    const isWhole = await this.readOnce();
    if (this.stopping.signal.aborted) return;
    this.cancel = this.options.clock.after(PAUSE_MS, () => {
      this.isReading = false;
      if (this.isOwed) return void this.read();
      this.cancel = this.options.clock.after(isWhole ? AGAIN_MS : RETRY_MS, () => this.wake());
    });
  }

  /** @returns whether nothing is left to be found out */
  private async readOnce(): Promise<boolean> {
    try {
      const list = await this.options.engine.list();
      if (!this.stopping.signal.aborted) this.take(list);
      return list.unread.size === 0;
    } catch (error) {
      // The loop says that Docker does not answer. What was there, stays.
      if (!(error instanceof EngineError)) throw error;
      return false;
    }
  }

  private take({ containers, unread }: ForeignList): void {
    const { host, log } = this.options;
    const problems = new Set<string>();
    for (const [name, reason] of unread)
      if (reason !== undefined) problems.add(`container ${name} is not published until it can be inspected: ${reason}`);
    this.isKnown ||= unread.size === 0;
    this.found = containers.flatMap((container) => {
      const read = readRegistrator({ ...container, ports: onePerPort(container.ports, host.address) }, host.name);
      for (const problem of read.problems) problems.add(problem);
      return read.services
        .filter(({ port }) => isReachable(port, host.address))
        .map((service): Found => ({ ...service, container }));
    });
    for (const problem of problems)
      if (!this.complainedOf.has(problem)) log.warn(problem, { reason: 'register-foreign' });
    this.complainedOf.clear();
    for (const problem of problems) this.complainedOf.add(problem);
    this.onChange();
  }

  private endpointOf({ service, instance, container, port }: Found): WantedEndpoint {
    const { address, labels, weight, name: hostName } = this.options.host;
    const key = String(port.target);
    const endpoint = {
      ...{ host: address, port: port.published, ports: { [key]: port.published }, release: 0, slot: 0 },
      ...{ hostName, labels, weight, protocols: port.protocol === 'tcp' ? {} : { [key]: port.protocol } },
    };
    return { service, instance, containerId: container.id, endpoint };
  }
}

/**
 * Of several ports of the host that are one of the container, that at which the host's address is answered best: Docker gives
 * IPv4 and IPv6 different ones where it picks them and one of the two is taken.
 */
function onePerPort(ports: readonly ForeignPort[], address: string): readonly ForeignPort[] {
  const fits = ({ hostIp }: ForeignPort): number => {
    if (!isReachable({ hostIp }, address)) return 0;
    if (hostIp === address) return 3;
    return isEveryAddress(hostIp) && hostIp.includes(':') === address.includes(':') ? 2 : 1;
  };
  const best = new Map<string, ForeignPort>();
  for (const port of ports) {
    const key = `${port.target}/${port.protocol}`;
    const other = best.get(key);
    if (other === undefined || fits(port) > fits(other)) best.set(key, port);
  }
  return [...best.values()];
}

/** As the prober knows containers: each port of its own, since each has its own check. */
function containersOf(found: readonly Found[]): ReadonlyMap<string, readonly ActualContainer[]> {
  return new Map(
    found
      .filter(({ probe }) => probe !== undefined)
      .map(({ instance, service, container }) => {
        const actual: ActualContainer = {
          ...{ id: `${container.id} ${instance}`, instance, service, slot: 0, release: 0, spec: SPEC },
          ...{ state: 'running', health: 'none', healthReason: '', ports: [], address: container.address },
          ...{ stopGracePeriodMs: 0, leave: NOTHING_TO_LEAVE, startedAtMs: 1, ranForMs: 0, previousExitMs: 0 },
          limits: undefined,
        };
        return [instance, [actual]];
      }),
  );
}

function desiredOf(found: readonly Found[]): Desired {
  const empty = emptyDocument('Release');
  const instances = found.flatMap(({ instance, service, probe }): [string, DesiredInstance][] => {
    if (probe === undefined) return [];
    const spec = { ...empty, service, deploy: { ...empty.deploy, probe } };
    return [[instance, { ...NOBODY, service, spec, specHash: SPEC }]];
  });
  const nothing = { held: new Set<string>(), prefetch: new Map(), pauses: [] };
  return { isComplete: true, assignmentRevision: 0, ...nothing, instances: new Map(instances) };
}
const NOBODY = { service: '', slot: 0, release: 0, hash: '', config: {}, before: false };
