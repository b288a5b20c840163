/**
 * One worker for each instance that has something to do: at most one step in flight per instance, so a slow or
 * failing one holds up no other (G6). Steps share places with their own kind alone: pulls never block a start.
 *
 * Nothing queues: a step that there is no place for is planned again by a later pass, from what is so by then.
 */
import type { Clock } from '../lib/clock';
import { parseImageReference } from '../lib/image-reference';
import type { Step, StepKind } from './plan/types';

type LaneName = 'container' | 'pull' | 'wait' | 'restart';

const LANE: Readonly<Record<StepKind, LaneName>> = {
  pull: 'pull',
  create: 'container',
  start: 'container',
  update: 'container',
  remove: 'container',
  post_start: 'wait',
  drain: 'wait',
  stop: 'wait',
  restart: 'restart',
};

interface Lane {
  /** Of its steps, for people. */
  readonly what: string;
  /** Steps that have a place, at once. */
  readonly places: number;
  /** A step that takes longer than `afterMs` gives its place to another and goes on without, until `max` do. */
  readonly overtime?: { readonly afterMs: number; readonly max: number };
}

const LANES: Readonly<Record<LaneName, Lane>> = {
  /** As fast as 50 at once, and starts stay quick one by one. What takes longer hangs in Docker. */
  container: { what: 'containers', places: 8, overtime: { afterMs: 5000, max: 56 } },
  /** Of each registry: one that hangs holds up no other. Docker downloads three layers at a time, however much is asked of it. */
  pull: { what: 'pulls', places: 8 },
  /**
   * What takes longer waits for a hook, a drain time or a grace period, for a container and not for Docker: a place is
   * for the beginning. All that go on are one for each container; a stop costs Docker and the agent a connection each.
   */
  wait: { what: 'stops and hooks', places: 64, overtime: { afterMs: 1000, max: Infinity } },
  /** As the others that wait, but each ends with a start: 300 that begin in a moment would reach their deadlines. */
  restart: { what: 'restarts', places: 64, overtime: { afterMs: 5000, max: Infinity } },
};

export class Workers {
  /** By what a lane's steps are called, and of pulls by registry. */
  private readonly placed = new Counts();
  private readonly overtime = new Counts();
  private waiting: ReadonlyMap<string, string> = new Map();

  /** @param onPlace called when a place gets free for a step that waits, and no end of another one tells it */
  constructor(
    private readonly clock: Clock,
    private readonly onPlace: () => void,
  ) {}

  /** Of what was due and could not begin the last time: what its turn depends on, for people, by instance. */
  get turns(): ReadonlyMap<string, string> {
    return this.waiting;
  }

  /**
   * Begins at once what there are places for, in order; the end of a step may make room for the others.
   * @param due all that is; the caller sees to it that there is one for each instance at most
   * @param work when it rejects, the process ends
   * @returns the steps that were begun
   */
  begin(due: readonly Step[], work: (step: Step) => Promise<void>): readonly Step[] {
    const waiting = new Map<string, string>();
    const begun = due.filter((step) => {
      const lane = LANES[LANE[step.kind]];
      const from = step.kind === 'pull' ? ` from ${registryOf(step.release.container.image)}` : '';
      const key = `${lane.what}${from}`;
      const hasPlace = this.placed.of(key) < lane.places;
      if (hasPlace) this.run(lane, key, () => work(step));
      else waiting.set(step.instance, `${lane.places} ${key} at once`);
      return hasPlace;
    });
    this.waiting = waiting;
    return begun;
  }

  private run({ overtime }: Lane, key: string, work: () => Promise<void>): void {
    let counts = this.placed;
    counts.add(key, 1);
    const cancel =
      overtime &&
      this.clock.after(overtime.afterMs, () => {
        if (this.overtime.of(key) >= overtime.max) return;
        counts.add(key, -1);
        counts = this.overtime;
        counts.add(key, 1);
        if (this.waiting.size > 0) this.onPlace();
      });
    void work().finally(() => {
      cancel?.();
      counts.add(key, -1);
    });
  }
}

function registryOf(image: string): string {
  return parseImageReference(image)?.registry ?? image;
}

class Counts {
  private readonly counts = new Map<string, number>();

  of(key: string): number {
    return this.counts.get(key) ?? 0;
  }

  add(key: string, by: number): void {
    const count = this.of(key) + by;
    if (count === 0) this.counts.delete(key);
    else this.counts.set(key, count);
  }
}
