import type { Clock } from './clock';
import type { Pause } from './documents/types';
import { isoTime } from './iso-time';
import type { Logger } from './log';

/** The bounds of a pause. What is left alone for longer is forgotten; it can be paused again. */
export const MIN_PAUSE_MS = 1000;
export const MAX_PAUSE_MS = 30 * 24 * 3_600_000;

/**
 * Which pauses are in force. Their end is a time of the wall clock, since others wrote it; from the moment that a pause
 * is first seen it is counted by the monotonic clock, so that a clock that jumps neither ends nor prolongs it.
 */
export class Pauses {
  /** Monotonic end of each, by its text. */
  private readonly ends = new Map<string, number>();
  /** Those that were in force the last time, by kind and name. */
  private begun: ReadonlyMap<string, Pause> = new Map();

  /** @param log is told of each that begins, changes or ends */
  constructor(
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  /** @param pauses all that are known, whether they have ended or not */
  inForce(pauses: readonly Pause[]): readonly Pause[] {
    const nowMs = this.clock.monotonicMs();
    const known = new Set(pauses.map(textOf));
    for (const text of this.ends.keys()) if (!known.has(text)) this.ends.delete(text);
    const inForce = pauses.filter((pause) => {
      const text = textOf(pause);
      const endMs = this.ends.get(text) ?? nowMs + pause.untilMs - this.clock.wallMs();
      this.ends.set(text, endMs);
      return nowMs < endMs;
    });
    this.tell(inForce);
    return inForce;
  }

  /** Monotonic time at which the next one ends; undefined when none is in force. */
  nextEndMs(): number | undefined {
    const nowMs = this.clock.monotonicMs();
    const coming = [...this.ends.values()].filter((endMs) => endMs > nowMs);
    return coming.length === 0 ? undefined : Math.min(...coming);
  }

  private tell(inForce: readonly Pause[]): void {
    const now = new Map(inForce.map((pause) => [`${pause.kind} ${pause.name}`, pause]));
    for (const [name, { untilMs, reason, by }] of now)
      if (this.begun.get(name)?.untilMs !== untilMs)
        this.log.info(`hands off ${name}: paused until ${isoTime(untilMs)}`, { by, reason });
    for (const name of this.begun.keys())
      if (!now.has(name))
        this.log.info(`the pause of ${name} has ended`, { reason: 'it was resumed, or its time was up' });
    this.begun = now;
  }
}

function textOf({ kind, name, untilMs }: Pause): string {
  return `${kind} ${name} ${untilMs}`;
}
