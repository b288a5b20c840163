import type { Filter } from '../types';

/**
 * Docker's bridge has 1023 ports, and one assignment of as many instances is well under what etcd takes in a request.
 * Without it, a slip in a count of instances that reserve nothing would all be given to the hosts there are.
 */
export const MAX_INSTANCES_OF_HOST = 1000;

export const room: Filter = {
  name: 'room',
  check: ({ usage }) => usage.instances < MAX_INSTANCES_OF_HOST,
  explain: ({ usage }) => `has ${usage.instances} instances, and ${MAX_INSTANCES_OF_HOST} are as many as a host gets`,
};
