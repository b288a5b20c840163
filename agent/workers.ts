/**
 * One worker for each instance that has something to do: at most one step in flight per instance, so a slow or
 * failing one holds up no other (G6). Pulls have a lane of their own and never block a start.
 *
 * Nothing queues: a step that there is no room for is planned again by a later pass, from what is so by then.
 */
import assert from 'node:assert/strict';
import type { Clock } from '../lib/clock';
import type { StepKind } from './plan/types';

type LaneName = 'container' | 'pull' | 'wait';

const LANE: Readonly<Record<StepKind, LaneName>> = {
  pull: 'pull',
  create: 'container',
  start: 'container',
  update: 'container',
  remove: 'container',
  post_start: 'wait',
  restart: 'wait',
  drain: 'wait',
  stop: 'wait',
};

/** Steps at once. */
const LIMIT: Readonly<Record<LaneName, number>> = {
  /** As fast as 50 at once, and starts stay quick one by one. */
  container: 8,
  /** Docker downloads three layers at a time, however much is asked of it; registries that hang must not fill the lane. */
  pull: 8,
  /** These wait for hooks, drain times and grace periods; they must not hold up starts, nor each other. */
  wait: 64,
};

/** A step of the container lane that takes so long hangs: it gives its place to another one … */
const HANGS_MS = 5000;
/** … until so many hang. */
const MAX_HANGING = 56;

export class Workers {
  private readonly running: Record<LaneName, number> = { container: 0, pull: 0, wait: 0 };
  private hanging = 0;

  /** @param onRoom called when a step that hangs makes room, since no end of a step tells it */
  constructor(
    private readonly clock: Clock,
    private readonly onRoom: () => void,
  ) {}

  /** Whether a step of this kind can begin now. The end of another one makes room. */
  hasRoom(kind: StepKind): boolean {
    return this.running[LANE[kind]] < LIMIT[LANE[kind]];
  }

  /**
   * Begins at once; there has to be room.
   * @param work the caller sees to it that there is one for each instance at most; when it rejects, the process ends
   */
  begin(kind: StepKind, work: () => Promise<void>): void {
    assert.ok(this.hasRoom(kind), `no room for another ${kind}`);
    const lane = LANE[kind];
    this.running[lane]++;
    let leave = (): void => void this.running[lane]--;
    const cancel = this.clock.after(HANGS_MS, () => {
      if (lane !== 'container' || this.hanging >= MAX_HANGING) return;
      leave();
      this.hanging++;
      leave = () => void this.hanging--;
      this.onRoom();
    });
    void work().finally(() => {
      cancel();
      leave();
    });
  }
}
