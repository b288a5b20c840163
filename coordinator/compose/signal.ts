import type { Parsed } from './read';

/** Those of Docker's table for Linux. */
const SIGNALS =
  'HUP INT QUIT ILL TRAP ABRT IOT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO POLL PWR SYS'.split(
    ' ',
  );
const REALTIME = /^RTM(?:IN(?:\+(?:[1-9]|1[0-5]))?|AX(?:-(?:[1-9]|1[0-4]))?)$/;
const MAX_SIGNAL = 64;

/** "SIGTERM", "TERM" or "15" → as Docker takes it. */
export function parseSignal(text: string): Parsed<string> {
  const name = text.toUpperCase().replace(/^SIG/, '');
  if (SIGNALS.includes(name) || REALTIME.test(name)) return `SIG${name}`;
  if (/^\d{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_SIGNAL) return text;
  return { problem: `"${text}" is no signal; write SIGTERM, SIGINT, … or a number from 1 to ${MAX_SIGNAL}` };
}
