import type { Release } from '../lib/documents/types';
import type { Engine } from './docker/engine';
import { pickHostPorts, type PortQuestion } from './docker/ports';

/** Gives out host ports one instance at a time, so that two that start together do not pick the same. */
export class HostPorts {
  private turn: Promise<unknown> = Promise.resolve();
  /** Picked, and perhaps not yet on a container that Docker lists. */
  private readonly picked = new Map<string, readonly string[]>();

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
    const containers = (await this.engine.list()).filter((container) => container.instance !== instance);
    const listed = containers.flatMap(({ ports }) =>
      ports.map(({ published, protocol }) => `${published}/${protocol}`),
    );
    const others = [...this.picked].filter(([other]) => other !== instance).flatMap(([, ports]) => ports);
    const taken = new Set([...listed, ...others]);
    const { ports } = release.container;
    const whoHas: PortQuestion['whoHas'] = (...port) => this.engine.whoHasPort(...port);
    const hostPorts = await pickHostPorts({ instance, ports, range: this.range, taken, whoHas });
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
}
