import type { DeploySpec } from '../../../lib/documents/types';
import { parseConstraint, satisfies } from '../../compose/constraint';
import type { HostView } from '../../view';
import type { Filter } from '../types';

type Test = (host: HostView) => boolean;
/** Releases are never changed, and every host is asked about each. */
const known = new WeakMap<DeploySpec, readonly Test[]>();

export const constraints: Filter = {
  name: 'constraints',
  check: ({ host }, { deploy }) => testsOf(deploy).every((holds) => holds(host)),
  explain: ({ host }, { deploy }) =>
    `does not satisfy ${deploy.constraints.filter((_, at) => testsOf(deploy)[at]?.(host) !== true).join(', ')}`,
};

function testsOf(deploy: DeploySpec): readonly Test[] {
  let tests = known.get(deploy);
  if (tests === undefined) known.set(deploy, (tests = deploy.constraints.map(testOf)));
  return tests;
}

/** What can't be understood, nobody satisfies. */
function testOf(text: string): Test {
  const constraint = parseConstraint(text);
  return 'problem' in constraint ? () => false : (host) => satisfies(host, constraint);
}
