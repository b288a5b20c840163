/** Pure: which release a service is to be at, and the rollout that takes it there. docs/decisions/0015. */
import type { Release, Rollout, ServiceIntent, ServiceStatus } from '../../lib/documents/types';
import { sameContainer } from '../../lib/release/spec-hash';

export interface AimInput {
  readonly releases: ReadonlyMap<number, Release>;
  readonly newest: Release;
  /** As it was written last; undefined when there is none that can be read. */
  readonly status: ServiceStatus | undefined;
  readonly intent: ServiceIntent | undefined;
  /** Of the service's document. */
  readonly modRevision: number;
  readonly isFrozen: boolean;
  readonly wallMs: number;
}

/**
 * 'first': no release was whole yet. 'update': from a whole one to another. 'return': back to it, after a failure.
 * 'refresh': none is to change; instances that leave their host are replaced by others of the same release.
 */
export type Kind = 'first' | 'update' | 'return' | 'refresh';

export interface Aim {
  readonly target: Release;
  /** Number of the last release that was whole; 0 before there was one. */
  readonly current: number;
  /** Undefined also when it can't be read any more. */
  readonly whole: Release | undefined;
  readonly kind: Kind;
  /** Undefined: nothing is under way, as far as is written down. */
  readonly rollout: Rollout | undefined;
  /** All that was watched has passed just now. */
  readonly isProven?: boolean;
}

export function aimOf(input: AimInput): Aim {
  const { releases, status } = input;
  const before = status?.move;
  const target = targetOf(input);
  const last = status?.currentRelease ?? 0;
  const lastWhole = releases.get(last);
  // Nothing but numbers, limits and places changes: it is whole as it is, and a later failure goes back to no fewer.
  const isInPlace = lastWhole !== undefined && sameContainer(lastWhole, target);
  const current = isInPlace ? target.number : last;
  const whole = isInPlace ? target : lastWhole;
  if (current === target.number) {
    const isReturn = before?.isRollback === true && before.to === current && before.phase !== 'rolled-back';
    const rollout = before && ofRest(before, current, last);
    return { target, current, whole, kind: isReturn ? 'return' : 'refresh', rollout };
  }
  return {
    target,
    current,
    whole,
    kind: current === 0 ? 'first' : 'update',
    rollout: ofUpdate(input, target, current),
  };
}

/** The way back from what failed, to the release that was whole before it. */
export function wayBack(failed: Rollout, reason: string, modRevision: number, wallMs: number): Rollout {
  const { from, to, failures, lastExits } = failed;
  const isRollback = true;
  return {
    ...{ ...begun(from, from, wallMs), phase: 'moving', reason, failures, lastExits },
    ...{ isRollback, failedRelease: to, failedRevision: modRevision },
  };
}

export function begun(from: number, to: number, wallMs: number): Rollout {
  return {
    ...{ from, to, phase: 'waiting', reason: '', isRollback: false, failedRelease: 0, failedRevision: 0 },
    ...{ startedAtMs: wallMs, phaseSinceMs: wallMs, nextBatchAtMs: 0, watched: {}, failures: {}, moved: 0, total: 0 },
    ...{ promoted: false, beforeDone: false, job: '', asked: '', question: 0, asks: 0, lastExits: {}, noDigest: {} },
  };
}

function targetOf(input: AimInput): Release {
  const { releases, newest, status, intent, modRevision, isFrozen } = input;
  if (isFrozen) return releases.get(status?.targetRelease ?? 0) ?? newest;
  const wish = intent?.rollback;
  const wanted = (wish?.insteadOf === newest.number ? releases.get(wish.release) : undefined) ?? newest;
  const before = status?.move;
  const hasFailed =
    before?.isRollback === true && before.failedRelease === wanted.number && before.failedRevision === modRevision;
  return (hasFailed ? releases.get(before.from) : undefined) ?? wanted;
}

/** @param last what was whole before, if another number says the same now */
function ofRest(before: Rollout, current: number, last: number): Rollout | undefined {
  if (before.to === current) return before.from === current ? unasked(before) : undefined;
  // It was scaled, or the like, while instances left their hosts.
  const isSame = !before.isRollback && before.from === last && before.to === last;
  return isSame ? { ...unasked(before), from: current, to: current } : undefined;
}

function ofUpdate({ status, releases, modRevision, wallMs }: AimInput, target: Release, current: number): Rollout {
  const before = status?.move;
  const isOver = before?.phase === 'stopped' && before.failedRevision !== modRevision;
  if (before === undefined || before.from !== current || before.isRollback || isOver)
    return begun(current, target.number, wallMs);
  if (before.to === target.number) return unasked(before);
  // What was asked for meanwhile needs no other containers: the rollout goes on where it is.
  const aimedAt = releases.get(before.to);
  const goesOn = aimedAt !== undefined && before.phase !== 'stopped' && sameContainer(aimedAt, target);
  return goesOn ? { ...unasked(before), to: target.number } : begun(current, target.number, wallMs);
}

/** A question to a host concerns the next release, and no rollout. */
function unasked(before: Rollout): Rollout {
  const phase = before.phase === 'resolving' ? (before.isRollback ? 'rolled-back' : 'moving') : before.phase;
  return { ...before, phase, asked: '', question: 0, asks: 0, noDigest: {} };
}
