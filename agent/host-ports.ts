import type { Release } from '../lib/documents/types';
import type { Engine } from './docker/engine';
import { pickHostPorts, type PortQuestion } from './docker/ports';

/** Docker's own list of ports can be wrong until it is restarted; more than this many such ports are not remembered. */
const MAX_REFUSED = 256;

/** Gives out host ports one instance at a time, so that two that start together do not pick the same. */
export class HostPorts {
  private turn: Promise<unknown> = Promise.resolve();
  /** Picked, and perhaps not yet on a container that Docker lists. */
  private readonly picked = new Map<string, readonly string[]>();

  /** Ports that Docker did not take, the oldest first. */
  private readonly refused = new Set<number>();

  constructor(
    private readonly engine: Engine,
    private readonly range: readonly [number, number],
  ) {}

  /** @returns host ports in the order of the release's. @throws EngineError 'port-taken' */
  pick(instance: string, release: Release): Promise<readonly number[]> {
    if (release.container.ports.length === 0) return Promise.resolve([]);
    const picking = this.turn.then(() => this.pickInTurn(instance, release));
    this.turn = picking.catch(() => undefined);
    return picking;
  }

  private async pickInTurn(instance: string, release: Release): Promise<readonly number[]> {
    // Before the list: what is settled meanwhile may be on a container that the list does not have yet.
    const others = [...this.picked].filter(([other]) => other !== instance).flatMap(([, ports]) => ports);
    const containers = (await this.engine.list()).filter((container) => container.instance !== instance);
    const listed = containers.flatMap(({ ports }) =>
      ports.map(({ published, protocol }) => `${published}/${protocol}`),
    );
    const taken = new Set([...listed, ...others]);
    const { ports } = release.container;
    const whoHas: PortQuestion['whoHas'] = (...port) => this.engine.whoHasPort(...port);
    const { range, refused } = this;
    const hostPorts = await pickHostPorts({ instance, ports, range, taken, refused, whoHas });
    this.picked.set(
      instance,
      hostPorts.map((hostPort, index) => `${hostPort}/${ports[index]!.protocol}`),
    );
    return hostPorts;
  }

  /** Its container is on Docker's list by now, or will never be. */
  settle(instance: string): void {
    this.picked.delete(instance);
  }

  /** Docker does not take it, whatever the kernel says: it is not picked again soon. One that the operator fixed is. */
  refuse(port: number): void {
    this.refused.delete(port);
    this.refused.add(port);
    const [oldest] = this.refused;
    if (this.refused.size > MAX_REFUSED && oldest !== undefined) this.refused.delete(oldest);
  }
}
