/**
 * One worker for each instance that has something to do: at most one step in flight per instance, so a slow or
 * failing one holds up no other (G6). Pulls have lanes of their own and never block a start.
 */
import type { StepKind } from './plan/types';

/** As fast as 50 at once, and starts stay quick one by one. */
const MAX_CONTAINER_STEPS = 8;
/** A registry and a disk serve two pulls better than eight. */
const MAX_PULLS = 2;
/** Stops wait for their grace period; they must not hold up starts. */
const MAX_STOPS = 64;

class Lane {
  private running = 0;
  private readonly queue: (() => Promise<void>)[] = [];

  constructor(private readonly limit: number) {}

  submit(work: () => Promise<void>): void {
    this.queue.push(work);
    this.next();
  }

  private next(): void {
    while (this.running < this.limit) {
      const work = this.queue.shift();
      if (work === undefined) return;
      this.running++;
      void work().finally(() => {
        this.running--;
        this.next();
      });
    }
  }
}

export class Workers {
  private readonly container = new Lane(MAX_CONTAINER_STEPS);
  private readonly pulls = new Lane(MAX_PULLS);
  private readonly stops = new Lane(MAX_STOPS);

  /** @param work never rejects; the caller sees to it that there is one for each instance at most */
  submit(kind: StepKind, work: () => Promise<void>): void {
    this.laneOf(kind).submit(work);
  }

  private laneOf(kind: StepKind): Lane {
    switch (kind) {
      case 'pull':
        return this.pulls;
      case 'stop':
        return this.stops;
      case 'create':
      case 'start':
      case 'remove':
        return this.container;
      default:
        return kind satisfies never;
    }
  }
}
