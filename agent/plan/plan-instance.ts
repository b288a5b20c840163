import type { Release } from '../../lib/documents/types';
import { REASONS } from './reasons';
import type { ActualContainer, DesiredInstance, LostPort, Step } from './types';

export interface InstanceInput {
  readonly instance: string;
  /** Sorted: the one to keep comes first. */
  readonly containers: readonly ActualContainer[];
  /** Undefined when the assignment does not name it. */
  readonly wanted: DesiredInstance | undefined;
  /** Why it is left exactly as it is; undefined when it is not. */
  readonly held: string | undefined;
  readonly hasImage: boolean;
  /** A container of the same slot that is on its way out of this host: it goes first (its ports, its volumes). */
  readonly hasPredecessor: boolean;
  /** Starts after exits since the last success. */
  readonly restarts: number;
  readonly lostPort: LostPort | undefined;
}

/** The next step, or why there is none although the instance is not as it should be; neither when all is well. */
export interface Decision {
  readonly step?: Step;
  readonly waiting?: string;
}

/** Decides for one instance. Its order is that of an instance's life, from the end: what must go, goes first. */
export function planInstance(input: InstanceInput): Decision {
  const { containers, wanted, held } = input;
  const [kept, duplicate] = containers;
  if (held !== undefined) return kept === undefined ? {} : { waiting: held };
  if (duplicate !== undefined) return { step: away(duplicate, REASONS.duplicate) };
  if (wanted === undefined) return kept === undefined ? {} : { step: away(kept, REASONS.notAssigned) };
  if (wanted.spec === undefined || wanted.specHash === undefined)
    return { waiting: REASONS.releaseUnreadable(wanted.specProblem ?? `release ${wanted.release} is not there`) };
  if (kept === undefined) return make(input, wanted.spec, wanted.specHash, wanted.slot);
  if (kept.spec !== wanted.specHash) {
    // The image first: what runs goes on running while the next one is fetched.
    if (!input.hasImage)
      return { step: { kind: 'pull', instance: input.instance, release: wanted.spec, reason: REASONS.imageMissing } };
    return { step: away(kept, REASONS.specChanged(kept.release, wanted.release)) };
  }
  return keepRunning(kept, wanted.spec, input);
}

function make(input: InstanceInput, release: Release, specHash: string, slot: number): Decision {
  const { instance } = input;
  if (!input.hasImage) return { step: { kind: 'pull', instance, release, reason: REASONS.imageMissing } };
  if (input.hasPredecessor) return { waiting: REASONS.predecessor };
  return { step: { kind: 'create', instance, release, slot, specHash, reason: REASONS.newInstance } };
}

/** Stop what runs, then remove it. */
function away(container: ActualContainer, reason: string): Step {
  const { instance, id } = container;
  const isUp = container.state === 'running' || container.state === 'paused' || container.state === 'restarting';
  if (!isUp) return { kind: 'remove', instance, containerId: id, reason };
  return { kind: 'stop', instance, containerId: id, graceMs: container.stopGracePeriodMs, reason };
}

function keepRunning(container: ActualContainer, release: Release, { restarts, lostPort }: InstanceInput): Decision {
  switch (container.state) {
    case 'running':
    case 'restarting':
    case 'removing':
      return {};
    case 'paused':
      return { waiting: REASONS.paused };
    case 'created':
      // It never ran, so nothing is lost; the host port that was picked for it may be somebody else's by now.
      return { step: away(container, REASONS.neverStarted) };
    case 'dead':
      return { step: away(container, REASONS.dead) };
    case 'exited': {
      const code = container.exit?.code ?? 0;
      const refusal = whyNotRestarted(release.deploy.restartPolicy, code, restarts);
      if (refusal !== undefined) return { waiting: refusal };
      if (hasLostPicked(container, release, lostPort))
        return { step: away(container, REASONS.portLost(lostPort?.port)) };
      const reason = REASONS.exited(code, container.exit?.oomKilled ?? false);
      return { step: { kind: 'start', instance: container.instance, containerId: container.id, reason } };
    }
    default:
      return container.state satisfies never;
  }
}

/** A container keeps its host ports for life. One that the operator fixed is waited for; one that we picked is not. */
function hasLostPicked({ id, ports }: ActualContainer, { container }: Release, lost: LostPort | undefined): boolean {
  if (lost?.containerId !== id) return false;
  return ports.some(({ published }, index) => {
    const isPicked = container.ports[index]?.published === 0;
    return isPicked && (lost.port === undefined || lost.port === published);
  });
}

function whyNotRestarted(
  policy: Release['deploy']['restartPolicy'],
  exitCode: number,
  restarts: number,
): string | undefined {
  if (policy.condition === 'none') return REASONS.restartPolicyNone;
  if (policy.condition === 'on-failure' && exitCode === 0) return REASONS.restartPolicyOnFailure;
  if (policy.maxAttempts > 0 && restarts >= policy.maxAttempts) return REASONS.attemptsExhausted(restarts);
  return undefined;
}
