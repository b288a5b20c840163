import type { Parsed } from './read';

const PART = /(\d+(?:\.\d+)?)(us|ms|s|m|h)/y;
const MS_OF = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
/** Longer than this is a slip, and near what Docker's nanoseconds hold. */
const MAX_DURATION_MS = 365 * 24 * 3_600_000;

/**
 * "1m30s" → milliseconds, rounded up, so that no duration becomes none.
 * Compose Specification, "Specifying durations".
 */
export function parseDurationMs(text: string): Parsed<number> {
  const problem = { problem: `"${text}" is no duration; write it with us, ms, s, m or h: 500ms, 30s, 1m30s` };
  let ms = 0;
  let at = 0;
  while (at < text.length) {
    PART.lastIndex = at;
    const part = PART.exec(text);
    if (!part) return problem;
    ms += Number(part[1]) * MS_OF[part[2] as keyof typeof MS_OF];
    at = PART.lastIndex;
  }
  if (at === 0) return problem;
  return ms <= MAX_DURATION_MS ? Math.ceil(ms) : { problem: `"${text}" is over a year` };
}
