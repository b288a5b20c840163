/** Time as an argument, so that the simulator can hold it. */
export interface Clock {
  /** Milliseconds on a clock that never jumps; for elapsed time. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch; for display only. */
  wallMs(): number;
  /** Calls `wake` once after `delayMs`. @returns a function that cancels it. */
  after(delayMs: number, wake: () => void): () => void;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, wake) => {
    const timer = setTimeout(wake, delayMs);
    return () => clearTimeout(timer);
  },
};
