import type { Parsed } from './read';

const BYTES = /^(\d+(?:\.\d+)?) ?(b|kb?|mb?|gb?)?$/i;
const FACTOR = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 } as const;

/** "256M" → bytes; powers of 1024, as Docker counts. Compose Specification, "Specifying byte values". */
export function parseBytes(text: string): Parsed<number> {
  const match = BYTES.exec(text);
  if (!match) {
    const what = /^-\d/.test(text) ? 'is negative' : 'is no size';
    return { problem: `"${text}" ${what}; write it with b, k, m or g: 64m, 1.5g (powers of 1024)` };
  }
  const unit = (match[2] ?? 'b')[0]!.toLowerCase() as keyof typeof FACTOR;
  if (unit === 'b' && match[1]!.includes('.'))
    return { problem: `"${text}" has a fraction of a byte; write a unit: 1.5g` };
  const bytes = Math.round(Number(match[1]) * FACTOR[unit]);
  return Number.isSafeInteger(bytes) ? bytes : { problem: `"${text}" is too large` };
}
