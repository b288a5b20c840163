import { isDeepStrictEqual } from 'node:util';
import type { HostStatus, InstanceStatus, PrefetchStatus } from '../lib/documents/types';
import { buildStatus, type StatusInput } from './status';

/**
 * The words of a failure may differ with each try (a time, a count of free bytes), though nothing happened: so often they
 * change in etcd. `berth agent status` has the last ones.
 */
const SAME_WORDS_MS = 5 * 60_000;

interface Told<Status> {
  readonly status: Status;
  /** When its words were told first; monotonic. */
  readonly sinceMs: number;
}

/** What the agent reports, without words that are no news: a host on which nothing happens writes nothing to etcd. */
export class SteadyStatus {
  private readonly instances = new Words<InstanceStatus>('reason');
  private readonly prefetch = new Words<PrefetchStatus>('message');

  /** @returns the status as it is to be told now */
  of(input: StatusInput): HostStatus {
    const { instances, prefetch, ...rest } = buildStatus(input);
    const { memory, nowMs } = input;
    const isTrouble = ({ health, phase }: InstanceStatus, id: string): boolean =>
      health === 'unhealthy' || phase === 'FAILED' || memory.instances.get(id)?.isFailing === true;
    return {
      ...rest,
      instances: this.instances.tell(instances, isTrouble, nowMs),
      prefetch: this.prefetch.tell(prefetch, ({ failed }) => failed, nowMs),
    };
  }
}

/** Of statuses by name, what was told last. */
class Words<Status extends object> {
  private told: ReadonlyMap<string, Told<Status>> = new Map();

  /** @param field that has the words */
  constructor(private readonly field: keyof Status & string) {}

  /** @param isTrouble whether the words of this one are those of a failure */
  tell(
    statuses: Readonly<Record<string, Status>>,
    isTrouble: (status: Status, name: string) => boolean,
    nowMs: number,
  ): Readonly<Record<string, Status>> {
    const entries = Object.entries(statuses).map(([name, status]): [string, Told<Status>] => [
      name,
      this.tellOne(status, this.told.get(name), isTrouble(status, name), nowMs),
    ]);
    this.told = new Map(entries);
    return Object.fromEntries(entries.map(([name, { status }]) => [name, status]));
  }

  private tellOne(status: Status, before: Told<Status> | undefined, isTrouble: boolean, nowMs: number): Told<Status> {
    if (before === undefined) return { status, sinceMs: nowMs };
    const [words, wordsBefore] = [String(status[this.field]), String(before.status[this.field])];
    if (words === wordsBefore) return { status, sinceMs: before.sinceMs };
    const isOldNews =
      isTrouble &&
      nowMs - before.sinceMs < SAME_WORDS_MS &&
      kindOf(words) === kindOf(wordsBefore) &&
      isDeepStrictEqual({ ...status, [this.field]: '' }, { ...before.status, [this.field]: '' });
    return isOldNews ? before : { status, sinceMs: nowMs };
  }
}

/** "unhealthy", "create failed": what comes before the words of others. */
function kindOf(words: string): string {
  return words.split(':', 1)[0]!;
}
