/** What both pages of `berth why` say alike. */
import { isoTime } from '../../lib/iso-time';
import type { ListedInstance, ListedRelease, ListedService } from '../../lib/rpc/types';
import { clean } from './clean';

/** Characters of a digest that tell one from another, as Docker shows them. */
const DIGEST_CHARACTERS = 'sha256:'.length + 12;

/** "sha256:4d347239a72d" */
export function shortDigest(digest: string): string {
  return digest.slice(0, DIGEST_CHARACTERS);
}

export function describeRelease(release: ListedRelease, { currentRelease }: ListedService['status']): string {
  const { number, image, digest, author, createdAtMs, changes } = release;
  const pin = digest === '' ? 'unpinned' : shortDigest(digest);
  const by = author === '' ? '' : ` by ${clean(author)}`;
  const changed = changes.length === 0 ? '' : `; changes ${changes.map(clean).join(', ')}`;
  return `${clean(image)}, ${pin}, cut ${isoTime(createdAtMs)}${by}${number === currentRelease ? ', the last that was whole' : ''}${changed}`;
}

/** @returns "@3, @1 are unpinned: why", a line for each reason, whoever was asked */
export function describeUnpinned(releases: readonly ListedRelease[]): readonly string[] {
  const byReason = new Map<string, number[]>();
  for (const { digest, number, unpinnedReason } of releases) {
    if (digest !== '' || unpinnedReason === '') continue;
    // Which host was asked is of no interest where they all say the same.
    const known = [...byReason.keys()].find((one) => withoutHost(one) === withoutHost(unpinnedReason));
    byReason.set(known ?? unpinnedReason, [...(byReason.get(known ?? '') ?? []), number]);
  }
  return [...byReason].map(([reason, numbers]) => {
    const which = numbers.map((number) => `@${number}`).join(', ');
    return `${which} ${numbers.length === 1 ? 'is' : 'are'} unpinned: ${clean(reason)}`;
  });
}

function withoutHost(reason: string): string {
  return reason.replace(/^\S+ got no digest/, 'got no digest');
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
