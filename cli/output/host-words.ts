import { hostsByReason } from '../../lib/hosts-by-reason';
import type { ChangeHostResponse } from '../../lib/rpc/types';
import { clean } from './clean';

/** @returns "1 instance", "12 instances" */
export function instances(count: number): string {
  return `${count} instance${count === 1 ? '' : 's'}`;
}

/** Of hosts that say the same, the first tell enough. */
const MAX_HOSTS = 5;

/** @returns "h1, h2 and 4 more: cordoned", a line for each reason, in the order in which they are said first */
export function describeRefusals(
  refusals: readonly { readonly host: string; readonly reason: string }[],
): readonly string[] {
  return hostsByReason(refusals.map(({ host, reason }) => [host, reason])).map(([reason, names]) => {
    const more = names.length - MAX_HOSTS;
    return `${names.slice(0, MAX_HOSTS).join(', ')}${more > 0 ? ` and ${more} more` : ''}: ${clean(reason)}`;
  });
}

export function warnOfLost(host: string, { live }: ChangeHostResponse): void {
  if (!live) process.stderr.write(`Warning: ${host} is lost now; what was asked for counts when it is back.\n`);
}
