import { parseConstraint, satisfies } from '../../compose/constraint';
import type { HostView } from '../../view';
import type { Filter } from '../types';

export const constraints: Filter = {
  name: 'constraints',
  check: ({ host }, release) => release.deploy.constraints.every((text) => holds(text, host)),
  explain: ({ host }, release) =>
    `does not satisfy ${release.deploy.constraints.filter((text) => !holds(text, host)).join(', ')}`,
};

function holds(text: string, host: HostView): boolean {
  const constraint = parseConstraint(text);
  return !('problem' in constraint) && satisfies(host, constraint);
}
