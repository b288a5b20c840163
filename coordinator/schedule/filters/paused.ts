import { isoTime } from '../../../lib/iso-time';
import type { Filter } from '../types';

export const paused: Filter = {
  name: 'paused',
  check: ({ host }) => host.pause === undefined,
  explain: ({ host }) => `paused until ${isoTime(host.pause?.untilMs ?? 0)}`,
};
