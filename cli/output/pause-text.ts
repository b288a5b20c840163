import { isoTime } from '../../lib/iso-time';
import type { Pause } from '../../lib/documents/types';
import { clean } from './clean';

/** @returns "paused until 2026-11-25T02:30:00Z by me@here: a look" */
export function describePause({ untilMs, by, reason }: Pause): string {
  return `paused until ${isoTime(untilMs)}${by === '' ? '' : ` by ${clean(by)}`}${reason === '' ? '' : `: ${clean(reason)}`}`;
}
