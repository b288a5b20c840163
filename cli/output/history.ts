/** `berth history` for people. */
import { isoTime } from '../../lib/iso-time';
import type { GetHistoryResponse, ListedRelease } from '../../lib/rpc/types';
import { clean } from './clean';
import { paint, printTable } from './table';
import { describeUnpinned, shortDigest } from './why-words';

const MAX_CHANGES = 4;

type Status = GetHistoryResponse['status'];

export function printHistory(service: string, answer: GetHistoryResponse): void {
  const { releases, status, rollback, unreadable } = answer;
  if (releases.length === 0) process.stdout.write(`${service} has no release yet.\n`);
  else
    printTable(
      ['RELEASE', 'CUT', 'BY', 'IMAGE', 'DIGEST', 'STATE', 'CHANGES'],
      releases.map((release) => [
        `@${release.number}`,
        isoTime(release.createdAtMs),
        clean(release.author) || '-',
        clean(release.image),
        release.digest === '' ? paint.yellow('unpinned') : shortDigest(release.digest),
        state(release, status),
        changes(release),
      ]),
    );
  const notes = [
    ...(rollback === undefined
      ? []
      : [
          `@${rollback.release} instead of @${rollback.insteadOf}${rollback.by === '' ? '' : `, asked for by ${clean(rollback.by)}`}${rollback.atMs > 0 ? ` at ${isoTime(rollback.atMs)}` : ''}: until another release is cut.`,
        ]),
    ...(status.move === undefined || status.move.reason === ''
      ? []
      : [`${status.move.phase}: ${clean(status.move.reason)}`]),
    ...(status.frozen === '' ? [] : [clean(status.frozen)]),
    ...releases
      .filter(({ reason }) => reason !== '')
      .map(
        ({ number, author, reason }) =>
          `@${number} was ${clean(reason)}${author === '' ? '' : `, by ${clean(author)}`}`,
      ),
    ...describeUnpinned(releases),
    ...unreadable.map((number) => `@${number} can not be read.`),
  ];
  if (notes.length > 0) process.stdout.write(`\n${notes.join('\n')}\n`);
}

function state({ number, whole }: ListedRelease, { currentRelease, targetRelease, move, rollout }: Status): string {
  if (move?.failedRelease === number)
    return paint.red(rollout === 'rolled-back' || move.isRollback ? 'failed, rolled back' : 'failed');
  if (number === targetRelease && number !== currentRelease)
    return paint.yellow(`target${move === undefined ? '' : `, ${move.phase}`}`);
  if (number === currentRelease) return paint.green('current');
  return whole ? '-' : 'never whole';
}

function changes({ changes }: ListedRelease): string {
  const more = changes.length - MAX_CHANGES;
  const shown = changes.slice(0, MAX_CHANGES).map(clean).join(', ');
  return `${shown}${more > 0 ? `, ${more} more` : ''}` || '-';
}
