import type { Clock } from '../../lib/clock';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly wake: () => void;
  isCancelled: boolean;
}

/** A clock that stands still until it is told to move. */
export interface FakeClock extends Clock {
  /** Moves on, wakes each timer at its time, and lets promises settle after each. */
  advance(byMs: number): Promise<void>;
  /** Moves on without waking anybody, as for a process that was stopped; timers that are due wake at the next `advance`. */
  jump(byMs: number): void;
  /** Timers that are set. */
  readonly pending: number;
}

export function createFakeClock(): FakeClock {
  let nowMs = 1000;
  let orders = 0;
  const timers = new TimerHeap();
  // Every promise that can settle without a timer has done so by then.
  const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  return {
    monotonicMs: () => nowMs,
    wallMs: () => 1_700_000_000_000 + Math.floor(nowMs),
    after: (delayMs, wake) => {
      const timer = { atMs: nowMs + Math.max(0, delayMs), order: orders++, wake, isCancelled: false };
      timers.add(timer);
      return () => void (timer.isCancelled = true);
    },
    advance: async (byMs) => {
      const endMs = nowMs + byMs;
      await settle();
      for (let next = timers.takeBefore(endMs); next !== undefined; next = timers.takeBefore(endMs)) {
        nowMs = Math.max(nowMs, next.atMs);
        next.wake();
        await settle();
      }
      nowMs = endMs;
    },
    jump: (byMs) => void (nowMs += byMs),
    get pending() {
      return timers.pending;
    },
  };
}

/** The earliest first; of one time, the one that was set first. */
class TimerHeap {
  private readonly heap: Timer[] = [];

  get pending(): number {
    return this.heap.filter(({ isCancelled }) => !isCancelled).length;
  }

  add(timer: Timer): void {
    const { heap } = this;
    let at = heap.push(timer) - 1;
    for (let above = (at - 1) >> 1; at > 0 && isBefore(timer, heap[above]!); above = (at - 1) >> 1) {
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = timer;
  }

  /** @returns the first that is due by then, cancelled ones aside */
  takeBefore(endMs: number): Timer | undefined {
    for (let first = this.heap[0]; first !== undefined && first.atMs <= endMs; first = this.heap[0]) {
      this.takeFirst();
      if (!first.isCancelled) return first;
    }
    return undefined;
  }

  private takeFirst(): void {
    const { heap } = this;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++;
      if (below >= heap.length || !isBefore(heap[below]!, last)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
