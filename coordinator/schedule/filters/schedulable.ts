import type { Filter } from '../types';

export const schedulable: Filter = {
  name: 'schedulable',
  check: ({ host }) => host.intent?.schedulable !== false && host.intent?.drain !== true,
  explain: ({ host }) => (host.intent?.drain === true ? 'draining' : 'cordoned'),
};
