/** Pure: what is known of one run of a container by its probe, and what one more try makes of it. */
import type { Probe } from '../../lib/documents/types';

/** Of what has just been started, the next try follows soon, and each later one after twice as long. */
const FIRST_DELAY_MS = 100;
/** Intervals are that much longer or shorter by chance, so that probes do not fall into step. */
const JITTER = 0.05;

export type ProbeRules = Pick<Probe, 'intervalMs' | 'startPeriodMs' | 'failures' | 'successes'>;

export interface ProbeState {
  readonly health: 'starting' | 'healthy' | 'unhealthy';
  /** In a row. */
  readonly successes: number;
  /** In a row, of those that count. */
  readonly failures: number;
  /** Failures before they counted. */
  readonly early: number;
  /** Ends the time in which failures do not count. */
  readonly hasSucceeded: boolean;
  /** Of the last failure; empty after a success. */
  readonly reason: string;
}

const NOTHING: Omit<ProbeState, 'health'> = { successes: 0, failures: 0, early: 0, hasSucceeded: false, reason: '' };

/** Nobody has asked it yet. */
export const UNTRIED: ProbeState = { ...NOTHING, health: 'starting' };
/** In good health by an earlier release's probe, or that had none: so it stays until this one has failed often enough. */
export const KEPT: ProbeState = { ...NOTHING, health: 'healthy' };

/** It ran before the agent did: one success is enough, and a failure is the first. */
export function adopted({ successes }: ProbeRules): ProbeState {
  return { ...UNTRIED, successes: successes - 1 };
}

/**
 * Until the first success, failures do not count during the start period, nor during the first interval: what has just
 * been started is asked at once, and can't be expected to answer yet.
 * @param failure what went wrong; undefined for a success
 * @param ranForMs since the run began
 */
export function afterTry(
  before: ProbeState,
  rules: ProbeRules,
  failure: string | undefined,
  ranForMs: number,
): ProbeState {
  if (failure === undefined) {
    const successes = Math.min(rules.successes, before.successes + 1);
    const health = successes >= rules.successes ? 'healthy' : before.health;
    return { health, successes, failures: 0, early: 0, hasSucceeded: true, reason: '' };
  }
  const failed = { ...before, successes: 0, reason: failure };
  const isStarting = before.health === 'starting' && !before.hasSucceeded;
  if (isStarting && ranForMs < Math.max(rules.startPeriodMs, rules.intervalMs))
    return { ...failed, early: before.early + 1 };
  const failures = Math.min(rules.failures, before.failures + 1);
  return { ...failed, failures, health: failures >= rules.failures ? 'unhealthy' : before.health };
}

/**
 * From the end of a try to the beginning of the next, milliseconds.
 * @param random in [0, 1)
 */
export function delayMs(before: ProbeState, after: ProbeState, { intervalMs }: ProbeRules, random: number): number {
  // Many that were started or adopted together spread over the whole interval from here on.
  if (after.hasSucceeded && !before.hasSucceeded) return intervalMs * random;
  const spread = 1 - JITTER + 2 * JITTER * random;
  const soonMs = after.early > before.early ? FIRST_DELAY_MS * 2 ** Math.min(after.early - 1, 20) : intervalMs;
  return Math.min(soonMs, intervalMs) * spread;
}
