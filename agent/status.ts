/** Pure: what the agent reports of its host, from what it wants, sees and remembers. */
import type { HostStatus, InstanceStatus, LastExit, Phase, Problem } from '../lib/documents/types';
import { slotOf, slotsLeaving, whyHeld } from './plan/plan-host';
import { planInstance, type Decision } from './plan/plan-instance';
import { NOTHING_REMEMBERED } from './plan/types';
import type { Actual, ActualContainer, Desired, DesiredInstance, Memory, StepKind } from './plan/types';

export interface StatusInput {
  readonly desired: Desired;
  readonly actual: Actual;
  /** Of the step that is being done, by instance. */
  readonly busy: ReadonlyMap<string, StepKind>;
  readonly memory: RememberedForStatus;
  readonly problems: readonly Problem[];
}

export interface RememberedForStatus extends Memory {
  /** What went wrong with the last step, until one succeeds. */
  errorOf(instance: string): string | undefined;
  /** Of its last run that ended, as far as the agent saw it. */
  lastExitOf(instance: string): LastExit | undefined;
  /** Restarts since the agent first saw the instance. */
  restartsOf(instance: string): number;
}

export function buildStatus(input: StatusInput): HostStatus {
  const { desired, actual } = input;
  const instances: Record<string, InstanceStatus> = {};
  const leaving = slotsLeaving(desired, actual);
  for (const id of [...new Set([...desired.instances.keys(), ...actual.containers.keys()])].sort())
    instances[id] = instanceStatus(id, input, leaving);
  return { assignmentRevision: desired.assignmentRevision, instances, problems: input.problems };
}

function instanceStatus(id: string, input: StatusInput, leaving: ReadonlySet<string>): InstanceStatus {
  const { desired, actual } = input;
  const wanted = desired.instances.get(id);
  const container = actual.containers.get(id)?.[0];
  const isHeld = desired.held.has(id) || !desired.isComplete;
  const lastExit = container?.exit ?? input.memory.lastExitOf(id);
  const who = container ?? wanted;
  const decision = decisionOf(id, container, wanted, input, leaving);
  // What went wrong counts as long as there is something to be done.
  const error = decision.step === undefined ? undefined : input.memory.errorOf(id);
  const isCurrent = container !== undefined && wanted?.specHash === container.spec;
  return {
    service: who?.service ?? '',
    slot: who?.slot ?? 0,
    // A container that needs no change for a newer release runs that release, whatever its label says.
    release: (isCurrent ? wanted?.release : who?.release) ?? 0,
    phase: phaseOf(container, wanted, input.busy.get(id), isHeld, decision, error),
    containerId: container?.id ?? '',
    ports: container?.ports ?? [],
    health: container?.health ?? 'none',
    restarts: input.memory.restartsOf(id),
    ...(lastExit !== undefined && { lastExit }),
    reason: error ?? decision.waiting ?? decision.step?.reason ?? '',
    held: isHeld,
    spec: container?.spec ?? '',
  };
}

function phaseOf(
  container: ActualContainer | undefined,
  wanted: DesiredInstance | undefined,
  busy: StepKind | undefined,
  isHeld: boolean,
  decision: Decision,
  error: string | undefined,
): Phase {
  if (busy === 'pull') return 'PULLING';
  if (busy === 'stop' || (container !== undefined && wanted === undefined && !isHeld)) return 'STOPPING';
  if (error !== undefined && container?.state !== 'running') return 'FAILED';
  if (container === undefined) return busy === 'create' ? 'STARTING' : 'PENDING';
  switch (container.state) {
    case 'running':
    case 'paused':
    case 'restarting':
      return 'RUNNING';
    case 'created':
      return 'STARTING';
    case 'exited':
      return decision.step === undefined && wanted?.spec !== undefined ? 'STOPPED' : 'BACKOFF';
    case 'dead':
    case 'removing':
      return 'STOPPING';
    default:
      return container.state satisfies never;
  }
}

function decisionOf(
  instance: string,
  container: ActualContainer | undefined,
  wanted: DesiredInstance | undefined,
  { desired, memory }: StatusInput,
  leaving: ReadonlySet<string>,
): Decision {
  const remembered = memory.instances.get(instance) ?? NOTHING_REMEMBERED;
  return planInstance({
    instance,
    containers: container === undefined ? [] : [container],
    wanted,
    held: whyHeld(instance, desired),
    hasImage: true,
    hasPredecessor: wanted !== undefined && leaving.has(slotOf(wanted)),
    restarts: remembered.restarts,
    lostPort: remembered.lostPort,
  });
}
