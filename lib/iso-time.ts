/** The last millisecond that a Date knows: ECMA-262, "Time Values and Time Range". */
const MAX_WALL_MS = 8.64e15;

/** @param wallMs since the Unix epoch; one that no Date knows counts as the last that does. @returns "2026-11-25T01:30:00Z", to the second */
export function isoTime(wallMs: number): string {
  return new Date(Math.min(wallMs, MAX_WALL_MS)).toISOString().replace(/\.\d+Z$/, 'Z');
}
