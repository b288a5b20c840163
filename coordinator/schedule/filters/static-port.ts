import type { Release } from '../../../lib/documents/types';
import type { Candidate, Filter } from '../types';
import { fixedPorts } from '../usage';

export const staticPort: Filter = {
  name: 'static-port',
  check: (candidate, release) => clash(candidate, release) === undefined,
  explain: (candidate, release) => {
    const port = clash(candidate, release) ?? '';
    return `host port ${port} is taken by ${candidate.usage.ports.get(port)?.[0]}`;
  },
};

function clash({ usage }: Candidate, release: Release): string | undefined {
  return fixedPorts(release).find((port) => usage.ports.has(port));
}
