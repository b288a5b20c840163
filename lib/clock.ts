/** Time as an argument, so that the simulator can hold it. */
export interface Clock {
  /** Milliseconds on a clock that never jumps; for elapsed time. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch; for display only. */
  wallMs(): number;
  /** Calls `wake` once after `delayMs`, or after 24 days if that is sooner. @returns a function that cancels it. */
  after(delayMs: number, wake: () => void): () => void;
}

/** Node's timers count no further, and what is further away comes at once: Node.js, "setTimeout". */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, wake) => {
    const timer = setTimeout(wake, Math.min(delayMs, MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
