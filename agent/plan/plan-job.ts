/**
 * Pure: what becomes of a `before` job. One container, one run, whatever comes of it: a job that is run twice may do harm
 * that one which is not run at all does not.
 */
import type { Decision, InstanceInput } from './plan-instance';
import { REASONS } from './reasons';
import type { ActualContainer, RemoveStep } from './types';

/** @param make what a new instance's first step is */
export function planJob({ containers: [container], remembered }: InstanceInput, make: () => Decision): Decision {
  if (container === undefined) return remembered.isBegun ? { waiting: REASONS.jobGone } : make();
  switch (container.state) {
    case 'running':
    case 'restarting':
      return {};
    case 'removing':
      return { waiting: REASONS.removing };
    case 'paused':
      return { waiting: REASONS.paused };
    case 'created':
      // Docker may have been told to start it, and say so late.
      if (remembered.mayStillStart) return { waiting: REASONS.jobMayStart };
      return { step: removal(container, REASONS.neverStarted, { hasNotRun: true }) };
    case 'exited': {
      const { code = 0, oomKilled = false, signal = '' } = container.exit ?? {};
      return { waiting: REASONS.jobEnded(REASONS.exited(code, oomKilled, signal)) };
    }
    case 'dead':
      return { step: removal(container, REASONS.dead) };
    default:
      return container.state satisfies never;
  }
}

function removal(
  { instance, id: containerId }: ActualContainer,
  reason: string,
  rest: Pick<RemoveStep, 'hasNotRun'> = {},
): RemoveStep {
  return { kind: 'remove', instance, containerId, reason, ...rest };
}
