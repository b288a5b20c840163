/** @param wallMs since the Unix epoch. @returns "2026-11-25T01:30:00Z", to the second */
export function isoTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/\.\d+Z$/, 'Z');
}
