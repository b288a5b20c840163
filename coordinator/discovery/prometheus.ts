/** The targets of Prometheus as its http_sd and file_sd read them, one group on a line. */
import type { Candidate } from '../../lib/documents/types';
import type { ClusterView } from '../view';
import { inSlices } from './kept-page';
import { coordinatorTargets, hostTargets, type TargetGroup } from './targets';

/** @returns a JSON array; sorted, so that an equal cluster gives equal text */
export async function prometheusPage(
  { hosts, releases }: Pick<ClusterView, 'hosts' | 'releases'>,
  candidates: readonly Candidate[],
  own: Candidate,
): Promise<string> {
  const lines: string[] = [];
  const add = (group: TargetGroup): unknown => lines.push(JSON.stringify(group));
  coordinatorTargets(candidates, own).forEach(add);
  const sorted = [...hosts.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  await inSlices(sorted, (host) => hostTargets(host, releases).forEach(add));
  return `[${lines.length === 0 ? '' : `\n${lines.join(',\n')}\n`}]\n`;
}
