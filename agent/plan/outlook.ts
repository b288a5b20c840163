import { dueMs } from './plan-host';
import { planInstance, type InstanceInput } from './plan-instance';
import { REASONS } from './reasons';
import type { StepKind } from './types';

/** What will be done next with an instance, as far as it can be told now: proto/berth/v1/agent.proto. */
export interface Outlook {
  /** Empty: nothing. */
  readonly step: StepKind | '';
  readonly underWay: boolean;
  /** Milliseconds until then, at the least. */
  readonly inMs: number;
  /** Why; without a step, why there is none, or empty when the instance is as it should be. */
  readonly reason: string;
}

interface Now {
  /** Of the step that is being done, by instance. */
  readonly busy: ReadonlyMap<string, StepKind>;
  /** Of the steps that are due and wait for others to end, by instance: for which. */
  readonly turns: ReadonlyMap<string, string>;
  /** Monotonic. */
  readonly nowMs: number;
  /** The end of a pause is a time of the wall clock. */
  readonly wallMs: number;
}

/** Pure. The same decision as the agent's own (planHost), told before it is due. */
export function outlookOf(one: InstanceInput, { busy, turns, nowMs, wallMs }: Now): Outlook {
  const doing = busy.get(one.instance);
  const { pause } = one;
  const { step, waiting = '' } = planInstance({ ...one, pause: undefined });
  if (doing !== undefined) {
    const reason = step?.kind === doing ? step.reason : '';
    return { step: doing, underWay: true, inMs: 0, reason };
  }
  const pausedMs = pause === undefined ? 0 : Math.max(0, pause.untilMs - wallMs);
  const handsOff = pause === undefined ? '' : REASONS.handsOff(pause);
  if (step === undefined) return { step: '', underWay: false, inMs: 0, reason: handsOff || waiting };
  const inMs = Math.max(0, pausedMs, dueMs(step, one) - nowMs);
  const why = REASONS.turn(step.reason, turns.get(one.instance));
  const reason = handsOff === '' ? why : `${why}; ${handsOff}`;
  return { step: step.kind, underWay: false, inMs: Math.ceil(inMs), reason };
}
