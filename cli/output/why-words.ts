/** What both pages of `berth why` say alike. */
import { isoTime } from '../../lib/iso-time';
import type { ListedInstance, ListedRelease, ListedService } from '../../lib/rpc/types';
import { clean } from './clean';

const DIGEST_CHARACTERS = 'sha256:'.length + 12;

export function describeRelease(release: ListedRelease, { currentRelease }: ListedService['status']): string {
  const { number, image, digest, unpinnedReason, author, createdAtMs, changes } = release;
  const pin =
    digest === ''
      ? `unpinned${unpinnedReason === '' ? '' : ` (${clean(unpinnedReason)})`}`
      : digest.slice(0, DIGEST_CHARACTERS);
  const by = author === '' ? '' : ` by ${clean(author)}`;
  const changed = changes.length === 0 ? '' : `; changes ${changes.map(clean).join(', ')}`;
  return `${clean(image)}, ${pin}, cut ${isoTime(createdAtMs)}${by}${number === currentRelease ? ', the last that was whole' : ''}${changed}`;
}

export function describeExit({
  code,
  signal,
  oomKilled,
  atMs,
}: NonNullable<ListedInstance['status']['lastExit']>): string {
  const how = `exited with code ${code}${signal === '' ? '' : `, ${signal}`}${oomKilled ? ', out of memory' : ''}`;
  return atMs === 0 ? how : `${how} at ${isoTime(atMs)}`;
}

export function section(head: string, lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`\n${head}\n${lines.join('\n')}\n`);
}
