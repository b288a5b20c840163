import type { Pause, Release } from '../../lib/documents/types';
import { isMadeFrom } from '../../lib/release/spec-hash';
import { limitsToUpdate, toldLimits, wantedLimits } from './limits';
import { configOf } from './made-from';
import { planJob } from './plan-job';
import { REASONS } from './reasons';
import {
  runOf,
  type ActualContainer,
  type AppliedLimits,
  type Capacity,
  type DesiredInstance,
  type InstanceMemory,
  type LostPort,
  type StartStep,
  type Step,
} from './types';

export interface InstanceInput {
  readonly instance: string;
  /** Sorted: the one to keep comes first. */
  readonly containers: readonly ActualContainer[];
  /** Undefined when the assignment does not name it. */
  readonly wanted: DesiredInstance | undefined;
  /** Why it is left exactly as it is; undefined when it is not. */
  readonly held: string | undefined;
  /** In force. */
  readonly pause: Pause | undefined;
  readonly hasImage: boolean;
  /** A container of the same slot that is on its way out of this host: it goes first (its ports, its volumes). */
  readonly hasPredecessor: boolean;
  /** Service on this host that is to start, or to stop, first. */
  readonly after: { readonly start: string | undefined; readonly stop: string | undefined };
  readonly remembered: InstanceMemory;
  readonly capacity: Capacity;
}

/** The next step, or why there is none although the instance is not as it should be; neither when all is well. */
export interface Decision {
  readonly step?: Step;
  readonly waiting?: string;
}

/** Decides for one instance. Its order is that of an instance's life, from the end: what must go, goes first. */
export function planInstance(input: InstanceInput): Decision {
  const { containers, wanted, held, pause, remembered } = input;
  const [kept, duplicate] = containers;
  if (held !== undefined) return kept === undefined ? {} : { waiting: held };
  if (pause !== undefined) return { waiting: REASONS.handsOff(pause) };
  // Its removal is under way: asked for again, Docker would say yes at once each time.
  if ((duplicate ?? kept)?.state === 'removing') return { waiting: REASONS.removing };
  if (duplicate !== undefined) return { step: away(duplicate, REASONS.duplicate, remembered) };
  if (wanted === undefined) return kept === undefined ? {} : leave(kept, input);
  if (wanted.spec === undefined || wanted.specHash === undefined)
    return { waiting: REASONS.releaseUnreadable(wanted.specProblem ?? `release ${wanted.release} is not there`) };
  const { spec, specHash } = wanted;
  if (wanted.before) return planJob(input, () => make(input, wanted, spec, specHash));
  const cutOff = planCutOff(input, wanted, spec);
  if (cutOff !== undefined) return cutOff;
  if (kept === undefined) return make(input, wanted, spec, specHash);
  if (!isCurrent(kept, wanted)) {
    // The image first: what runs goes on running while the next one is fetched.
    const image = fetchImage(input, spec, specHash);
    return image ?? { step: away(kept, REASONS.specChanged(kept.release, wanted.release), remembered) };
  }
  return keepRunning(kept, spec, input);
}

/**
 * Of a service that is not to run on a host that is cut off: its container stays, down, so that nothing of it is lost.
 * @returns undefined when that changes nothing
 */
function planCutOff(
  { containers: [container], remembered }: InstanceInput,
  wanted: DesiredInstance,
  { deploy }: Release,
): Decision | undefined {
  if (remembered.cutOff === 'none') return undefined;
  const isStopped = remembered.cutOff === 'stopped';
  const reason = isStopped ? REASONS.cutOff(deploy.onDisconnect.stopAfterMs) : REASONS.cutOffUnknown;
  const isUp = container?.state === 'running' || container?.state === 'restarting';
  if (!isUp) return { waiting: reason };
  // What is replaced would be gone, and nothing in its place.
  if (!isStopped) return isCurrent(container, wanted) ? undefined : { waiting: reason };
  const step = away(container, reason, remembered);
  return { step: step.kind === 'stop' ? { ...step, cutRun: runOf(container) } : step };
}

/** Whether the container is made from the release that is wanted, whatever its number was. A job is never another one. */
export function isCurrent(container: ActualContainer, wanted: DesiredInstance): boolean {
  const { spec, specHash, before } = wanted;
  if (spec === undefined) return false;
  return before || container.spec === specHash || isMadeFrom(container.spec, spec.container, configOf(wanted, spec));
}

function make(input: InstanceInput, wanted: DesiredInstance, release: Release, specHash: string): Decision {
  const { instance } = input;
  const { slot, before: isJob } = wanted;
  const image = fetchImage(input, release, specHash);
  if (image !== undefined) return image;
  if (input.hasPredecessor) return { waiting: REASONS.predecessor };
  if (input.after.start !== undefined) return { waiting: REASONS.startsAfter(input.after.start) };
  const config = configOf(wanted, release);
  return { step: { kind: 'create', instance, release, slot, specHash, config, isJob, reason: REASONS.newInstance } };
}

/** @returns undefined when the image is there, as the pull policy wants it */
function fetchImage(input: InstanceInput, release: Release, specHash: string): Decision | undefined {
  const { instance, hasImage, remembered } = input;
  const { pullPolicy, image } = release.container;
  if (pullPolicy === 'never') return hasImage ? undefined : { waiting: REASONS.pullNever(image) };
  // A digest always means the same bits.
  const isOwed = pullPolicy === 'always' && !image.includes('@') && remembered.pulledFor !== specHash;
  if (hasImage && !isOwed) return undefined;
  return {
    step: { kind: 'pull', instance, release, specHash, reason: hasImage ? REASONS.pullAlways : REASONS.imageMissing },
  };
}

function leave(container: ActualContainer, { after, remembered }: InstanceInput): Decision {
  const step = away(container, REASONS.notAssigned, remembered);
  if (after.stop !== undefined && step.kind !== 'remove') return { waiting: REASONS.stopsAfter(after.stop) };
  return { step };
}

/** Leave discovery and drain, stop what runs, then remove it. */
function away(container: ActualContainer, reason: string, { drained }: InstanceMemory): Step {
  const { instance, id, leave } = container;
  const isUp = container.state === 'running' || container.state === 'paused' || container.state === 'restarting';
  if (!isUp) return { kind: 'remove', instance, containerId: id, reason };
  const hasToDrain = leave.drainMs > 0 || leave.preStop.length > 0;
  if (hasToDrain && container.state === 'running' && drained !== id)
    return { kind: 'drain', instance, containerId: id, leave, reason };
  return { kind: 'stop', instance, containerId: id, graceMs: container.stopGracePeriodMs, reason };
}

function keepRunning(container: ActualContainer, release: Release, input: InstanceInput): Decision {
  const { remembered } = input;
  switch (container.state) {
    case 'running':
      return lookAfter(container, release, input);
    case 'restarting':
      return {};
    case 'removing':
      return { waiting: REASONS.removing };
    case 'paused':
      return { waiting: REASONS.paused };
    case 'created':
      // It never ran, so nothing is lost; the host port that was picked for it may be somebody else's by now.
      return { step: away(container, REASONS.neverStarted, remembered) };
    case 'dead':
      return { step: away(container, REASONS.dead, remembered) };
    case 'exited': {
      const { code = 0, oomKilled = false, signal = '' } = container.exit ?? {};
      if (remembered.cutRun === runOf(container))
        return { step: startOf(container, REASONS.returned, { isReturn: true }) };
      const refusal = whyNotRestarted(release.deploy.restartPolicy, code, remembered.restarts);
      if (refusal !== undefined) return { waiting: refusal };
      if (hasLostPicked(container, release, remembered.lostPort))
        return { step: away(container, REASONS.portLost(remembered.lostPort?.port), remembered) };
      // First the limits, which may be why it exited. Should Docker refuse them, it starts with those that it has.
      const limits = limitsOwed(container, release, input);
      if (limits !== undefined && !remembered.isFailing) return { step: updateOf(container, limits) };
      return { step: startOf(container, REASONS.exited(code, oomKilled, signal)) };
    }
    default:
      return container.state satisfies never;
  }
}

/** Of a container that runs as its release wants it, but perhaps not in every way. */
function lookAfter(container: ActualContainer, release: Release, input: InstanceInput): Decision {
  const { instance, id: containerId } = container;
  const { remembered, capacity } = input;
  const { onUnhealthy, restartPolicy } = release.deploy;
  if (container.health === 'unhealthy') {
    // Never stopped when it would not be started again: what is unhealthy may still be of use.
    const refusal =
      onUnhealthy === 'withdraw' ? REASONS.onlyWithdrawn : whyNotRestarted(restartPolicy, 1, remembered.restarts);
    if (refusal !== undefined) return { waiting: REASONS.unhealthyLeft(container.healthReason, refusal) };
    const graceMs = container.stopGracePeriodMs;
    const reason = REASONS.unhealthy(container.healthReason);
    return { step: { kind: 'restart', instance, containerId, graceMs, reason } };
  }
  const limits = limitsOwed(container, release, input);
  if (limits !== undefined) return { step: updateOf(container, limits) };
  const { postStart: hooks } = release.container;
  const run = runOf(container);
  // Which run it is, Docker may not say for a while (ContainerList): that is no new one.
  if (hooks.length > 0 && container.startedAtMs > 0 && remembered.hookedRun !== run)
    return { step: { kind: 'post_start', instance, containerId, run, hooks, reason: REASONS.postStart } };
  return limitsToUpdate(wantedLimits(release), container.limits, capacity) === undefined
    ? {}
    : { waiting: REASONS.limitsNotApplied };
}

/** @returns undefined when they are as wanted, or Docker has taken them and does not apply them */
function limitsOwed(
  container: ActualContainer,
  release: Release,
  { remembered, capacity }: InstanceInput,
): AppliedLimits | undefined {
  const limits = limitsToUpdate(wantedLimits(release), container.limits, capacity);
  return limits !== undefined && remembered.toldLimits === toldLimits(container.id, limits) ? undefined : limits;
}

function startOf(
  { instance, id: containerId }: ActualContainer,
  reason: string,
  rest: Pick<StartStep, 'isReturn'> = {},
): Step {
  return { kind: 'start', instance, containerId, reason, ...rest };
}

function updateOf({ instance, id: containerId }: ActualContainer, limits: AppliedLimits): Step {
  return { kind: 'update', instance, containerId, limits, reason: REASONS.limits };
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
