import type { Clock } from '../../lib/clock';

/** Tries that begin together: 200 containers that are adopted at one moment must not open 200 connections. */
const AT_ONCE = 32;
/** A try that hangs gives its turn to the next after so long, and hangs on: it must not hold up others (G6). */
const TURN_MS = 100;

/** Lets work begin in order, a bounded number in a bounded time. */
export class Turns {
  private taken = 0;
  private readonly queue: (() => Promise<void>)[] = [];

  constructor(private readonly clock: Clock) {}

  /** @param work never rejects */
  begin(work: () => Promise<void>): void {
    this.queue.push(work);
    this.next();
  }

  private next(): void {
    while (this.taken < AT_ONCE) {
      const work = this.queue.shift();
      if (work === undefined) return;
      this.taken++;
      let isOver = false;
      const end = (): void => {
        if (isOver) return;
        isOver = true;
        this.taken--;
        cancel();
        this.next();
      };
      const cancel = this.clock.after(TURN_MS, end);
      void work().then(end);
    }
  }
}
