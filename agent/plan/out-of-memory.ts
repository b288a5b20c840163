/** Pure: which exit was for memory, when Docker says so late. */
import type { LastExit } from '../../lib/documents/types';

/** Seen: up to a second, on a busy host. */
const TOLD_WITHIN_MS = 5000;

/**
 * Docker takes down whether a run ended for want of memory when it hears of the end, and on a busy host it hears of the want
 * of memory only afterwards: it tells so in an event, and what it took down stays wrong.
 */
export function wasForMemory({ signal, atMs }: LastExit, outOfMemoryMs: number): boolean {
  return signal === 'SIGKILL' && outOfMemoryMs >= atMs && outOfMemoryMs - atMs <= TOLD_WITHIN_MS;
}
