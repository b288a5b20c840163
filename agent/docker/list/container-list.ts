/**
 * Our containers, at the price of one call when nothing changed: the list is asked for every time, and a container
 * is inspected when it first runs, when an event or the list says that it changed, and every few minutes.
 */
import type { ContainerInfo, ContainerInspectInfo } from 'dockerode';
import type { Logger } from '../../../lib/log';
import { wasForMemory } from '../../plan/out-of-memory';
import type { ActualContainer } from '../../plan/types';
import { eachBounded } from '../bounded';
import { READ_DEADLINE_MS, type DockerConnection } from '../connection';
import { compareContainers, readContainer, readListedContainer, type ReadContainer } from './container-reading';
import { EngineError } from '../engine';
import type { DockerEvent } from '../events';
import { ownershipFilter, type Ownership } from './labels';

/** What was inspected is inspected again after this, whatever the events say. */
const INSPECT_AGAIN_MS = 5 * 60_000;
/** Docker can hang on one container and answer for all others; a pass must not wait long for that one. */
export const INSPECT_DEADLINE_MS = 3000;
/** Such a container is known by the list alone for so long, then it is tried again. */
const HUNG_AGAIN_MS = 60_000;
export const INSPECTIONS_AT_ONCE = 8;

interface Inspected {
  /** Undefined when the inspection failed: what the list says has to do. */
  readonly details: ContainerInspectInfo | undefined;
  /** State and health as the list said them at the time. */
  readonly seen: string;
  readonly untilMs: number;
}

export class ContainerList {
  private readonly inspected = new Map<string, Inspected>();
  private readonly complainedOf = new Set<string>();
  /** As last inspected: one that Docker says no more of must not be stopped in less time than its operator gave it. */
  private readonly stopGraceMs = new Map<string, number>();
  /** When Docker told last that a container ran out of memory. */
  private readonly outOfMemoryMs = new Map<string, number>();
  /** Counts changes, so that an inspection that a change overtook is not kept. */
  private changes = 0;
  /** Whether changes are told. While they are not, nothing is remembered. */
  private isTold = false;

  constructor(
    private readonly connection: DockerConnection,
    private readonly owner: Ownership,
    private readonly log: Logger,
  ) {}

  /** @throws EngineError */
  async read(): Promise<readonly ActualContainer[]> {
    const filters = { label: [...ownershipFilter(this.owner)] };
    const listed = await this.connection.call('list', READ_DEADLINE_MS, (docker, abortSignal) =>
      docker.listContainers({ all: true, filters, abortSignal }),
    );
    if (!Array.isArray(listed)) throw new EngineError('other', 'Docker answered the list of containers with no list');
    this.forgetGone(new Set(listed.map(({ Id }) => Id)));
    const containers: ReadContainer[] = [];
    await eachBounded(listed, INSPECTIONS_AT_ONCE, async (entry) => {
      const container = await this.readOne(entry);
      if (container !== undefined) containers.push(container);
    });
    return containers.sort(compareContainers);
  }

  /** Something happened to this container; without an id, perhaps to any. */
  changed(id?: string): void {
    this.changes++;
    if (id === undefined) this.inspected.clear();
    else this.inspected.delete(id);
  }

  hear({ id, action, atMs }: DockerEvent): void {
    if (id !== undefined && action === 'oom') this.outOfMemoryMs.set(id, atMs);
    this.changed(id);
  }

  /** Changes are told from now on, or no more. */
  tell(isTold: boolean): void {
    this.isTold = isTold;
    this.changed();
  }

  private async readOne(entry: ContainerInfo): Promise<ReadContainer | undefined> {
    const { clock } = this.connection;
    const found = await this.inspect(entry);
    if (found === 'gone') return undefined;
    const container = found === undefined ? readListedContainer(entry) : readContainer(found, clock.wallMs());
    if (typeof container !== 'string') return this.withKnown(container, found !== undefined);
    if (!this.complainedOf.has(entry.Id))
      this.log.warn('a container that bears our labels is left alone', { container: entry.Id, reason: container });
    this.complainedOf.add(entry.Id);
    return undefined;
  }

  private withKnown(container: ReadContainer, isInspected: boolean): ReadContainer {
    const { id, exit } = container;
    if (isInspected) this.stopGraceMs.set(id, container.stopGracePeriodMs);
    const stopGracePeriodMs = this.stopGraceMs.get(id) ?? container.stopGracePeriodMs;
    const outOfMemoryMs = this.outOfMemoryMs.get(id);
    if (outOfMemoryMs === undefined) return { ...container, stopGracePeriodMs };
    const isForMemory = exit !== undefined && wasForMemory(exit, outOfMemoryMs);
    return {
      ...container,
      stopGracePeriodMs,
      outOfMemoryMs,
      ...(isForMemory && { exit: { ...exit, oomKilled: true } }),
    };
  }

  private async inspect(entry: ContainerInfo): Promise<ContainerInspectInfo | undefined | 'gone'> {
    // It is being started, mostly: Docker would answer when it has, and every pass would wait for the slowest start. Of a
    // container that never ran, the list says all that there is to know.
    if (entry.State === 'created') return undefined;
    const seen = `${entry.State} ${/\((.*)\)/.exec(entry.Status)?.[1] ?? ''}`;
    const known = this.inspected.get(entry.Id);
    const nowMs = this.connection.clock.monotonicMs();
    if (known !== undefined && known.seen === seen && nowMs < known.untilMs) return known.details;
    const changesBefore = this.changes;
    const details = await this.ask(entry);
    if (details === 'gone') return 'gone';
    const isHung = details === undefined;
    if ((this.isTold || isHung) && this.changes === changesBefore)
      this.inspected.set(entry.Id, { details, seen, untilMs: nowMs + (isHung ? HUNG_AGAIN_MS : INSPECT_AGAIN_MS) });
    return details;
  }

  /** @returns undefined when Docker does not say, about this one container */
  private async ask(entry: ContainerInfo): Promise<ContainerInspectInfo | undefined | 'gone'> {
    try {
      const details = await this.connection.call('inspect', INSPECT_DEADLINE_MS, (docker, abortSignal) =>
        docker.getContainer(entry.Id).inspect({ abortSignal }),
      );
      if (details?.State === undefined || details.Config === undefined)
        throw new EngineError('other', 'Docker answered the inspection of a container with something else');
      return details;
    } catch (error) {
      if (!(error instanceof EngineError) || error.code === 'unavailable') throw error;
      if (error.code === 'no-such-container') return 'gone';
      this.log.warn('Docker does not say more of a container than that it is there', {
        container: entry.Id,
        reason: error.message,
      });
      return undefined;
    }
  }

  private forgetGone(ids: ReadonlySet<string>): void {
    for (const id of this.inspected.keys()) if (!ids.has(id)) this.inspected.delete(id);
    for (const id of this.stopGraceMs.keys()) if (!ids.has(id)) this.stopGraceMs.delete(id);
    for (const id of this.outOfMemoryMs.keys()) if (!ids.has(id)) this.outOfMemoryMs.delete(id);
    for (const id of this.complainedOf) if (!ids.has(id)) this.complainedOf.delete(id);
  }
}
