import { isDeepStrictEqual } from 'node:util';
import type { HostStatus, InstanceStatus } from '../lib/documents/types';
import { buildStatus, type StatusInput } from './status';

/**
 * The words of a failure may differ with each try (a time, a count of free bytes), though nothing happened: so often they
 * change in etcd. `berth agent status` has the last ones.
 */
const SAME_WORDS_MS = 5 * 60_000;

interface Told {
  readonly status: InstanceStatus;
  /** When its reason was told first; monotonic. */
  readonly sinceMs: number;
}

/** What the agent reports, without words that are no news: a host on which nothing happens writes nothing to etcd. */
export class SteadyStatus {
  private told: ReadonlyMap<string, Told> = new Map();

  /** @returns the status as it is to be told now */
  of(input: StatusInput): HostStatus {
    const { instances, ...rest } = buildStatus(input);
    const { memory, nowMs } = input;
    const told = new Map<string, Told>();
    for (const [id, status] of Object.entries(instances)) {
      const isTrouble =
        status.health === 'unhealthy' || status.phase === 'FAILED' || memory.instances.get(id)?.isFailing === true;
      told.set(id, tell(status, this.told.get(id), isTrouble, nowMs));
    }
    this.told = told;
    return { ...rest, instances: Object.fromEntries([...told].map(([id, { status }]) => [id, status])) };
  }
}

function tell(status: InstanceStatus, before: Told | undefined, isTrouble: boolean, nowMs: number): Told {
  if (before === undefined) return { status, sinceMs: nowMs };
  if (status.reason === before.status.reason) return { status, sinceMs: before.sinceMs };
  const isOldNews =
    isTrouble &&
    nowMs - before.sinceMs < SAME_WORDS_MS &&
    kindOf(status) === kindOf(before.status) &&
    isDeepStrictEqual({ ...status, reason: '' }, { ...before.status, reason: '' });
  return isOldNews ? before : { status, sinceMs: nowMs };
}

/** "unhealthy", "create failed": what comes before the words of others. */
function kindOf({ reason }: InstanceStatus): string {
  return reason.split(':', 1)[0]!;
}
