/** Pure: a host is asked for the digest of the next release's image, while the service goes on as it is. */
import type { Resolving } from '../releases/pin-image';
import { begun } from '../rollouts/aim';
import type { ServicePlan } from './plan-service';
import type { ServiceInput } from './types';

type Status = NonNullable<ServicePlan['status']>;

/** @param plan of the service without its next release. @param resolving undefined: nobody is asked */
export function withQuestion(plan: ServicePlan, input: ServiceInput, resolving: Resolving | undefined): ServicePlan {
  const { status } = plan;
  if (status === undefined) return plan;
  if (resolving === undefined) return { ...plan, status: unasked(status) };
  const { asked, question, asks, noDigest, image, reason, againInMs } = resolving;
  const { move } = status;
  const isAtRest = move === undefined || move.phase === 'rolled-back' || move.phase === 'resolving';
  const resting = { ...(move ?? questioning(input, status)), phase: 'resolving', reason };
  return {
    ...plan,
    status: {
      ...status,
      // A rollout that is under way, or stopped, is that until the next release is cut.
      move: { ...(isAtRest ? resting : move), asked, question, asks, noDigest },
      rollout: isAtRest ? 'rolling' : status.rollout,
    },
    resolve: { host: asked, image, question },
    againInMs: Math.min(againInMs, plan.againInMs ?? Infinity),
  };
}

/** The same as long as it is asked: what is written anew is planned anew. */
function questioning({ view, service, wallMs }: ServiceInput, { currentRelease }: Status): NonNullable<Status['move']> {
  const known = view.serviceStatuses.get(service)?.document?.move;
  return known?.phase === 'resolving' ? known : begun(currentRelease, currentRelease, wallMs);
}

/** Of a service that has no release that could go on. */
function unasked(status: Status): Status {
  const { move, ...others } = status;
  return move?.phase === 'resolving' ? { ...others, rollout: 'steady' } : status;
}
