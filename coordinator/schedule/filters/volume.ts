import type { Release } from '../../../lib/documents/types';
import type { Candidate, Filter } from '../types';

/** Agents say no more names than this (HostStatus.volumes): of the rest nothing is known. */
const MAX_KNOWN = 1000;

/** Volumes that somebody else made are where they are: an instance goes to where all of its are. */
export const volume: Filter = {
  name: 'volume',
  check: (candidate, release) => missing(candidate, release) === undefined,
  explain: (candidate, release) => {
    const name = missing(candidate, release) ?? '';
    return `has no volume ${name}; it is external, so make it there: docker volume create ${name}`;
  },
};

function missing({ host }: Candidate, { container }: Release): string | undefined {
  const wanted = container.mounts.filter(({ type, volumeExternal }) => type === 'volume' && volumeExternal);
  if (wanted.length === 0) return undefined;
  const there = host.status?.volumes ?? [];
  if (there.length >= MAX_KNOWN) return undefined;
  return wanted.find(({ source }) => !there.includes(source))?.source;
}
