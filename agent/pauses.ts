import type { Clock } from '../lib/clock';
import type { Pause } from '../lib/documents/types';

/**
 * Which pauses are in force. Their end is a time of the wall clock, since others wrote it; from the moment that a pause
 * is first seen it is counted by the monotonic clock, so that a clock that jumps neither ends nor prolongs it.
 */
export class Pauses {
  /** Monotonic end of each, by its text. */
  private readonly ends = new Map<string, number>();

  constructor(private readonly clock: Clock) {}

  inForce(pauses: readonly Pause[]): readonly Pause[] {
    const nowMs = this.clock.monotonicMs();
    const known = new Set(pauses.map(nameOf));
    for (const name of this.ends.keys()) if (!known.has(name)) this.ends.delete(name);
    return pauses.filter((pause) => {
      const name = nameOf(pause);
      const endMs = this.ends.get(name) ?? nowMs + pause.untilMs - this.clock.wallMs();
      this.ends.set(name, endMs);
      return nowMs < endMs;
    });
  }

  /** Monotonic time at which the next one ends; undefined when none is in force. */
  nextEndMs(): number | undefined {
    const nowMs = this.clock.monotonicMs();
    const coming = [...this.ends.values()].filter((endMs) => endMs > nowMs);
    return coming.length === 0 ? undefined : Math.min(...coming);
  }
}

function nameOf({ kind, name, untilMs }: Pause): string {
  return `${kind} ${name} ${untilMs}`;
}
