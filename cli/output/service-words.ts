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
    return paint.yellow(`${move === undefined ? rollout : phaseWord(status, move)}${frozen === '' ? '' : ', frozen'}`);
  if (rollout === 'failed' || rollout === 'rolled-back' || rollout === 'held') return paint.red(rollout);
  if (frozen !== '') return paint.yellow('frozen');
  return rollout || '-';
}

/** "moving 4/20", "going back 1/3", "canary" */
export function phaseWord(status: Status, { phase, isRollback }: NonNullable<Status['move']>): string {
  return `${isRollback && phase === 'moving' ? 'going back' : phase}${countWord(status)}`;
}

/** " 4/20" of instances that a rollout moves; of a first release nothing is left behind, and those that run are counted. */
export function countWord({ move, running, wanted }: Status): string {
  if (move?.phase !== 'moving' || move.total === 0) return '';
  return move.from === 0 ? ` ${running}/${wanted}` : ` ${move.moved}/${move.total}`;
}

/** @returns the reason, but for what each host says: where that is told by itself */
export function withoutHosts(reason: string): string {
  return reason.replace(/(?<=\bno host takes another one): .*$/s, '');
}

/** Where it is and where it goes: "@7 → @8" */
export function releaseWord({ currentRelease, targetRelease }: Status): string {
  if (targetRelease === 0) return '-';
  return currentRelease === targetRelease || currentRelease === 0
    ? `@${targetRelease}`
    : `@${currentRelease} → @${targetRelease}`;
}

/** Why it is not at rest, or not at its newest release; empty when there is nothing to say. */
export function reasonWord({ frozen, move, rollout, unplaced }: Status): string {
  const isTold = move !== undefined && move.reason !== '' && ['rolling', 'failed', 'rolled-back'].includes(rollout);
  const reason = isTold ? (unplaced.length > 0 ? withoutHosts(move.reason) : move.reason) : '';
  return [clean(reason), clean(frozen)].filter((text) => text !== '').join('; ');
}
