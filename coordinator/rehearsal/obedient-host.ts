/** Pure: a host that does at once, and without a fault, what its assignment says. */
import { emptyDocument } from '../../lib/documents/codec';
import type { AssignedInstance, Assignment, HostStatus, InstanceStatus, Release } from '../../lib/documents/types';
import { effectiveConfig } from '../../lib/release/config';
import { specHash } from '../../lib/release/spec-hash';

export interface Known {
  readonly releaseOf: (service: string, number: number) => Release | undefined;
  /** Why nobody gave a digest of this image of a service when it was last asked for; undefined when somebody did. */
  readonly unpinnedReason: (service: string, image: string) => string | undefined;
}

/** No digest is ever like this one. */
const DIGEST = `sha256:${'0'.repeat(64)}`;

/** @returns what it says then. Instances that were there already stay as they were */
export function obey(assignment: Assignment, before: HostStatus, { releaseOf, unpinnedReason }: Known): HostStatus {
  const kept = assignment.held.flatMap((id) => {
    const known = before.instances[id];
    return known === undefined ? [] : [[id, { ...known, held: true }] as const];
  });
  const run = Object.entries(assignment.instances).map(
    ([id, one]) => [id, report(one, before.instances[id], releaseOf)] as const,
  );
  return {
    ...before,
    assignmentRevision: assignment.revision,
    instances: Object.fromEntries([...kept, ...run]),
    prefetch: Object.fromEntries(assignment.prefetch.map((name) => [name, { done: true, message: '', failed: false }])),
    resolved: Object.fromEntries(
      Object.entries(assignment.resolve).map(([service, { image, question }]) => {
        // What no registry knew before, it does not know now: a plan tells no other image of those who change something else.
        const problem = unpinnedReason(service, image);
        return [service, { question, digest: problem === undefined ? DIGEST : '', problem: problem ?? '' }] as const;
      }),
    ),
  };
}

function report(
  one: AssignedInstance,
  before: InstanceStatus | undefined,
  releaseOf: Known['releaseOf'],
): InstanceStatus {
  const { service, slot, release } = one;
  const content = releaseOf(service, release);
  if (content === undefined && before !== undefined) return before;
  const spec = content === undefined ? '' : specHash(content.container, effectiveConfig(content.config, one.config));
  // It goes on as it is: what is changed in place changes at once.
  if (before?.spec === spec) return { ...before, release };
  const made = { service, slot, release, spec, containerId: 'made', ports: [], health: 'none', restarts: 0 };
  const quiet = { reason: '', held: false, progress: '', pausedUntilMs: 0, lastRestartReason: '', failedTries: 0 };
  if (!one.before) return { ...made, ...quiet, phase: 'RUNNING' };
  return { ...made, ...quiet, phase: 'STOPPED', lastExit: { code: 0, oomKilled: false, atMs: 0, signal: '', log: [] } };
}

export const NOTHING_SAID: HostStatus = emptyDocument('HostStatus');
