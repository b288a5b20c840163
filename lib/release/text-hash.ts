import { createHash } from 'node:crypto';

const HEX_LENGTH = 16;

/** Tells whether a service's document is still the text that its author wrote. @returns 16 hex digits */
export function textHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HEX_LENGTH);
}
