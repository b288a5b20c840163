import type { Release } from '../lib/documents/types';
import type { Engine } from './docker/engine';
import { pickHostPorts, type PortQuestion } from './docker/create/ports';
import type { ActualContainer } from './plan/types';

/** Docker's own list of ports can be wrong until it is restarted; more than this many such ports are not remembered. */
const MAX_REFUSED = 256;

interface Pick {
  /** "port/protocol" */
  readonly ports: readonly string[];
  /** Number of the list that was asked for last when its container was there; undefined before. */
  settledIn: number | undefined;
}

/**
 * Gives out host ports one instance at a time, so that two that start together do not pick the same.
 *
 * INVARIANT: a port is taken from its pick on until a list that was asked for after its container was made says whose it
 * is. No list of its own is needed for that: the loop has one in every pass.
 */
export class HostPorts {
  private turn: Promise<unknown> = Promise.resolve();
  private readonly picked = new Map<string, Pick>();
  private listed: readonly ActualContainer[] = [];
  private lists = 0;
  /** Ports that Docker did not take, the oldest first. */
  private readonly refused = new Set<number>();

  constructor(
    private readonly engine: Engine,
    private readonly range: readonly [number, number],
  ) {}

  /** Our containers are about to be listed. @returns what takes the list */
  beginList(): (containers: readonly ActualContainer[]) => void {
    const number = ++this.lists;
    return (containers) => {
      this.listed = containers;
      for (const [instance, { settledIn }] of this.picked)
        if (settledIn !== undefined && settledIn < number) this.picked.delete(instance);
    };
  }

  /** @returns host ports in the order of the release's. @throws EngineError 'port-taken' */
  pick(instance: string, release: Release): Promise<readonly number[]> {
    if (release.container.ports.length === 0) return Promise.resolve([]);
    const picking = this.turn.then(() => this.pickInTurn(instance, release));
    this.turn = picking.catch(() => undefined);
    return picking;
  }

  private async pickInTurn(instance: string, release: Release): Promise<readonly number[]> {
    const taken = new Set<string>();
    for (const container of this.listed)
      if (container.instance !== instance)
        for (const { published, protocol } of container.ports) taken.add(`${published}/${protocol}`);
    for (const [other, pick] of this.picked) if (other !== instance) for (const port of pick.ports) taken.add(port);
    const { ports } = release.container;
    const whoHas: PortQuestion['whoHas'] = (...port) => this.engine.whoHasPort(...port);
    const { range, refused } = this;
    const hostPorts = await pickHostPorts({ instance, ports, range, taken, refused, whoHas });
    this.picked.set(instance, {
      ports: hostPorts.map((hostPort, index) => `${hostPort}/${ports[index]!.protocol}`),
      settledIn: undefined,
    });
    return hostPorts;
  }

  /** Its container is on the next list that is asked for, or will never be on one. */
  settle(instance: string): void {
    const pick = this.picked.get(instance);
    if (pick !== undefined) pick.settledIn = this.lists;
  }

  /** Docker does not take it, whatever the kernel says: it is not picked again soon. One that the operator fixed is. */
  refuse(port: number): void {
    this.refused.delete(port);
    this.refused.add(port);
    const [oldest] = this.refused;
    if (this.refused.size > MAX_REFUSED && oldest !== undefined) this.refused.delete(oldest);
  }
}
