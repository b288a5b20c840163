/** What a service is doing, in a word and in a line. */
import type { ListedService } from '../../lib/rpc/types';
import { clean } from './clean';
import { paint } from './table';

type Status = ListedService['status'];

/** For a column. */
export function stateWord({ status }: ListedService): string {
  const { rollout, accepted, pause, frozen, move } = status;
  if (rollout === 'pending') return 'pending';
  if (!accepted) return paint.red('refused');
  if (pause !== undefined) return paint.yellow('paused');
  if (rollout === 'rolling')
    return paint.yellow(`${move === undefined ? rollout : phaseWord(move)}${frozen === '' ? '' : ', frozen'}`);
  if (rollout === 'failed' || rollout === 'rolled-back' || rollout === 'held') return paint.red(rollout);
  if (frozen !== '') return paint.yellow('frozen');
  return rollout || '-';
}

/** "moving 4/20", "going back 1/3", "canary" */
export function phaseWord({ phase, isRollback, moved, total }: NonNullable<Status['move']>): string {
  const counts = phase === 'moving' && total > 0 ? ` ${moved}/${total}` : '';
  return `${isRollback && phase === 'moving' ? 'going back' : phase}${counts}`;
}

/** Where it is and where it goes: "@7 → @8" */
export function releaseWord({ currentRelease, targetRelease }: Status): string {
  if (targetRelease === 0) return '-';
  return currentRelease === targetRelease || currentRelease === 0
    ? `@${targetRelease}`
    : `@${currentRelease} → @${targetRelease}`;
}

/** Why it is not at rest, or not at its newest release; empty when there is nothing to say. */
export function reasonWord({ frozen, move, rollout }: Status): string {
  const isTold = move !== undefined && move.reason !== '' && ['rolling', 'failed', 'rolled-back'].includes(rollout);
  return [isTold ? clean(move.reason) : '', clean(frozen)].filter((text) => text !== '').join('; ');
}
