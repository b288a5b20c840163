/** Small strict parsers of the units that Compose files use. Compose Specification, "Specifying byte values" and "…durations". */
import type { Parsed } from './read';

const DURATION_PART = /(\d+(?:\.\d+)?)(us|ms|s|m|h)/y;
const MS_OF = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
/** Longer than this is a slip, and over what Docker's nanoseconds hold. */
const MAX_DURATION_MS = 365 * 24 * 3_600_000;

/** "1m30s" → milliseconds, rounded up, so that no duration becomes none. */
export function parseDurationMs(text: string): Parsed<number> {
  const problem = { problem: `"${text}" is no duration; write it with us, ms, s, m or h: 500ms, 30s, 1m30s` };
  let ms = 0;
  let at = 0;
  while (at < text.length) {
    DURATION_PART.lastIndex = at;
    const part = DURATION_PART.exec(text);
    if (!part) return problem;
    ms += Number(part[1]) * MS_OF[part[2] as keyof typeof MS_OF];
    at = DURATION_PART.lastIndex;
  }
  if (at === 0) return problem;
  return ms <= MAX_DURATION_MS ? Math.ceil(ms) : { problem: `"${text}" is over a year` };
}

const BYTES = /^(\d+(?:\.\d+)?)\s*(b|kb?|mb?|gb?)?$/i;
const FACTOR = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 } as const;

/** "256M" → bytes; powers of 1024, as Docker counts. */
export function parseBytes(text: string): Parsed<number> {
  const match = BYTES.exec(text.trim());
  if (!match) return { problem: `"${text}" is no size; write it with b, k, m or g: 64m, 1.5g (powers of 1024)` };
  const unit = (match[2] ?? 'b')[0]!.toLowerCase() as keyof typeof FACTOR;
  const bytes = Math.round(Number(match[1]) * FACTOR[unit]);
  return Number.isSafeInteger(bytes) ? bytes : { problem: `"${text}" is too large` };
}

/** "0.5" → billionths of a CPU. */
export function parseNanoCpus(text: string): Parsed<number> {
  const nano = /^\d+(\.\d+)?$/.test(text) ? Math.round(Number(text) * 1e9) : 0;
  return nano > 0 && nano <= 1e15 ? nano : { problem: `"${text}" is no number of CPUs; write 0.5 or 2` };
}

const DOMAIN = String.raw`(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::\d+)?/)?`;
const PATH_PART = String.raw`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`;
/** The grammar of distribution/reference. */
const IMAGE = new RegExp(`^${DOMAIN}${PATH_PART}(?:/${PATH_PART})*(?::[\\w][\\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`);

export function parseImage(text: string): Parsed<string> {
  if (text.length <= 500 && IMAGE.test(text)) return text;
  const hint = /[A-Z]/.test(text.split(/[:@]/)[0] ?? '') ? ' (the name has to be lower case)' : '';
  return {
    problem: `"${text}" is no image reference${hint}; write name:tag, registry.example.com/name:tag, or name@sha256:…`,
  };
}

const SIGNALS =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'.split(
    ' ',
  );

/** "SIGTERM", "TERM" or "15" → as Docker takes it. */
export function parseSignal(text: string): Parsed<string> {
  const name = text.toUpperCase().replace(/^SIG/, '');
  if (SIGNALS.includes(name) || /^RTM(IN|AX)([+-]\d+)?$/.test(name)) return `SIG${name}`;
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 64) return text;
  return { problem: `"${text}" is no signal; write SIGTERM, SIGINT, … or a number from 1 to 64` };
}
