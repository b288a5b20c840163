import type { Release } from '../../../lib/documents/types';
import type { Candidate, Filter } from '../types';
import { countOf } from './max-per-node';

/** Both ways: whoever came first, the two are never on one host. */
export const keepAway: Filter = {
  name: 'keep-away',
  check: (candidate, release) => inTheWay(candidate, release) === undefined && !isShunned(candidate, release),
  explain: (candidate, release) => {
    const other = inTheWay(candidate, release);
    if (other !== undefined) return `runs ${other}, from which ${release.service} is to keep away`;
    return `runs a service that is to keep away from ${release.service}`;
  },
};

function inTheWay(candidate: Candidate, { service, deploy }: Release): string | undefined {
  return deploy.keepAwayFrom.find((other) =>
    other === service ? countOf(candidate, service) > 0 : (candidate.usage.ofService.get(other) ?? 0) > 0,
  );
}

function isShunned({ usage }: Candidate, { service }: Release): boolean {
  return (usage.shunned.get(service) ?? 0) > 0;
}
