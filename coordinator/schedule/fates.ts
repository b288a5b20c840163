/** Pure: what a host's state means for what is placed there. docs/decisions/0016. */
import type { Fates } from './types';

/** Everything stays. */
export function fates(): Fates {
  return { of: () => ({ fate: 'stays' }) };
}
