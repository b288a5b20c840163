import { isUsable } from '../../view';
import type { Filter } from '../types';

export const live: Filter = {
  name: 'live',
  check: ({ host }) => isUsable(host),
  explain: ({ host }) => (host.isLive ? 'its agent has not reported yet' : 'lost: its agent does not renew its lease'),
};
