/** Pure: what the agent reports of its host, from what it wants, sees and remembers. */
import type { HostStatus, InstanceStatus, LastExit, Phase, Problem } from '../lib/documents/types';
import { instancesOf, type HostInput } from './plan/plan-host';
import { isCurrent, planInstance, type Decision, type InstanceInput } from './plan/plan-instance';
import { prefetchStatus } from './plan/prefetch';
import { REASONS } from './plan/reasons';
import type { Failure, Memory, Step, StepKind } from './plan/types';

/** Of the logs of all last exits together. etcd takes 1.5 MB, and a host where everything has crashed has to say so; the oldest give way. */
const MAX_LOG_CHARACTERS = 200_000;

/** More of them are no news: a host on which nothing changes writes nothing. */
const MAX_FAILED_TRIES = 3;

/** What is told of the host and no pass of the loop finds out. */
export type Besides = Pick<HostStatus, 'resolved' | 'volumes'>;

export interface StatusInput extends HostInput {
  /** Of the step that is being done, by instance. */
  readonly busy: ReadonlyMap<string, StepKind>;
  /** Of the steps that are due and wait for others to end, by instance: for which. */
  readonly turns: ReadonlyMap<string, string>;
  readonly memory: RememberedForStatus;
  readonly problems: readonly Problem[];
  readonly besides: Besides;
}

export interface RememberedForStatus extends Memory {
  /** What went wrong with the last step, until one succeeds. */
  failureOf(instance: string): Failure | undefined;
  /** Of the last try to pull an image, for whichever instance. */
  pullFailureOf(image: string): Failure | undefined;
  /** Of its last run that ended, as far as the agent saw it. */
  lastExitOf(instance: string): LastExit | undefined;
  /** Restarts since the agent first saw the instance. */
  restartsOf(instance: string): number;
  /** Why the last of them; empty before the first. */
  lastRestartReasonOf(instance: string): string;
  /** Of the step that is being done; empty when there is nothing to say. */
  progressOf(instance: string): string;
}

export function buildStatus(input: StatusInput): HostStatus {
  const instances: Record<string, InstanceStatus> = {};
  for (const one of instancesOf(input)) instances[one.instance] = instanceStatus(one, input);
  boundLogs(instances);
  return {
    ...{ assignmentRevision: input.desired.assignmentRevision, instances, problems: input.problems },
    ...{ prefetch: prefetchStatus(input), ...input.besides },
  };
}

function boundLogs(instances: Record<string, InstanceStatus>): void {
  const latestFirst = Object.entries(instances)
    .flatMap(([id, { lastExit }]) => (lastExit === undefined ? [] : [{ id, lastExit }]))
    .sort((a, b) => b.lastExit.atMs - a.lastExit.atMs);
  let left = MAX_LOG_CHARACTERS;
  for (const { id, lastExit } of latestFirst) {
    left -= lastExit.log.join('').length;
    if (left < 0) instances[id] = { ...instances[id]!, lastExit: { ...lastExit, log: [] } };
  }
}

function instanceStatus(one: InstanceInput, { desired, memory, busy, turns }: StatusInput): InstanceStatus {
  const { instance, wanted, pause } = one;
  const [container] = one.containers;
  const isHeld = desired.held.has(instance) || !desired.isComplete;
  // Etcd may have lost its release, whether or not it has an assignment again, and though we still know it.
  const isForgotten = isHeld || (wanted !== undefined && (wanted.spec === undefined || wanted.hash === ''));
  const lastExit = lastExitOf(container?.exit, memory.lastExitOf(instance));
  const who = container ?? wanted;
  const decision = planInstance(one);
  const { step } = decision;
  // What went wrong counts as long as there is something to be done.
  const failure = step === undefined ? undefined : (memory.failureOf(instance) ?? pullFailure(step, memory));
  const phase = phaseOf(one, busy.get(instance), isHeld, decision, failure);
  const isOfRelease = container !== undefined && wanted !== undefined && isCurrent(container, wanted);
  return {
    service: who?.service ?? '',
    slot: who?.slot ?? 0,
    // A container that needs no change for a newer release runs that release, whatever its label says.
    release: (isOfRelease ? wanted.release : who?.release) ?? 0,
    phase,
    containerId: container?.id ?? '',
    ports: container?.ports ?? [],
    health: container?.health ?? 'none',
    restarts: memory.restartsOf(instance),
    lastRestartReason: memory.lastRestartReasonOf(instance),
    ...(lastExit !== undefined && { lastExit }),
    reason:
      failure?.error ?? decision.waiting ?? (step === undefined ? '' : REASONS.turn(step.reason, turns.get(instance))),
    held: isHeld,
    spec: container?.spec ?? '',
    // It costs 100 bytes, and nobody asks while etcd has the release.
    ...(isForgotten && container?.image !== undefined && { image: container.image }),
    progress: memory.progressOf(instance),
    pausedUntilMs: pause?.untilMs ?? 0,
    failedTries: phase === 'FAILED' ? Math.min(failure?.tries ?? 0, MAX_FAILED_TRIES) : 0,
  };
}

/** What is remembered of the same exit has its log too, and its time, which Docker does not always say. */
function lastExitOf(shown: LastExit | undefined, remembered: LastExit | undefined): LastExit | undefined {
  if (shown === undefined) return remembered;
  const isSame = shown.atMs === 0 || shown.atMs === remembered?.atMs;
  return isSame ? (remembered ?? shown) : shown;
}

/** What went wrong for another instance that wants the same image: this one waits with it. */
function pullFailure(step: Step, memory: RememberedForStatus): Failure | undefined {
  return step.kind === 'pull' ? memory.pullFailureOf(step.release.container.image) : undefined;
}

function phaseOf(
  { containers: [container], wanted, pause, remembered }: InstanceInput,
  busy: StepKind | undefined,
  isHeld: boolean,
  decision: Decision,
  failure: Failure | undefined,
): Phase {
  if (busy === 'pull') return 'PULLING';
  if (busy === 'drain') return 'DRAINING';
  const isLeaving = container !== undefined && wanted === undefined && !isHeld && pause === undefined;
  if (busy === 'stop' || isLeaving) return 'STOPPING';
  if (failure !== undefined && container?.state !== 'running') return 'FAILED';
  if (container === undefined) {
    if (busy === 'create') return 'STARTING';
    return wanted?.before === true && remembered.isBegun ? 'STOPPED' : 'PENDING';
  }
  switch (container.state) {
    case 'running':
      // Its post_start hooks are part of its start: a rollout must not count on what they did not prepare.
      return decision.step?.kind === 'post_start' ? 'STARTING' : 'RUNNING';
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
