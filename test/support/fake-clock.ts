import type { Clock } from '../../lib/clock';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly wake: () => void;
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
  let timers: Timer[] = [];
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    monotonicMs: () => nowMs,
    wallMs: () => 1_700_000_000_000 + Math.floor(nowMs),
    after: (delayMs, wake) => {
      const timer = { atMs: nowMs + Math.max(0, delayMs), order: orders++, wake };
      timers.push(timer);
      return () => (timers = timers.filter((other) => other !== timer));
    },
    advance: async (byMs) => {
      const endMs = nowMs + byMs;
      await settle();
      for (;;) {
        const next = timers
          .filter((timer) => timer.atMs <= endMs)
          .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
        if (next === undefined) break;
        timers = timers.filter((timer) => timer !== next);
        nowMs = Math.max(nowMs, next.atMs);
        next.wake();
        await settle();
      }
      nowMs = endMs;
    },
    jump: (byMs) => void (nowMs += byMs),
    get pending() {
      return timers.length;
    },
  };
}
