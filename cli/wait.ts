/** `--wait` of apply, rollback, redeploy and scale: follows services until they run as wanted, or have failed. */
import type { CoordinatorCalls, ListedService } from '../lib/rpc/types';
import { CommandError, EXIT } from './exit-codes';
import { follow, logLines, type Seen, type Trouble } from './follow';
import { clean } from './output/clean';
import {
  describeInstance,
  describeProgress,
  isTroubled,
  isUnfinished,
  troublesOf,
  untold,
} from './output/rollout-text';

/** Services whose names are told as something to ask about. */
const MAX_NAMED = 5;

export interface Waiting {
  readonly client: Pick<CoordinatorCalls, 'listServices' | 'listInstances'>;
  readonly services: readonly string[];
  /** Releases that are to run, where it is not the newest, by service. */
  readonly targets?: ReadonlyMap<string, number>;
  readonly timeoutMs: number;
  /** Takes a line of progress. */
  readonly say: (line: string) => void;
  readonly pollMs?: number;
  readonly quietMs?: number;
}

interface SeenServices extends Seen {
  /** Services that are not as wanted yet. */
  readonly late: readonly string[];
  /** Told at the end alone. */
  readonly unfinished: readonly Trouble[];
}

/** What instances said when they failed, by id: those of a rollout that is rolled back are soon gone. */
type LastWords = Map<string, Trouble & { readonly service: string }>;

/**
 * @throws CommandError with exit code 4 when it took too long, 3 when a rollout was rolled back or stopped, 2 when a service
 *   was refused after all
 */
export async function waitFor(waiting: Waiting): Promise<void> {
  const lastWords: LastWords = new Map();
  await follow({
    ...waiting,
    look: () => look(waiting, lastWords),
    describeTimeout,
    onInterrupt: 'the services are written, and Berth goes on with them.',
  });
}

async function look({ client, services, targets }: Waiting, lastWords: LastWords): Promise<SeenServices> {
  const answer = await client.listServices({ services });
  const mine = services.map((name) => ({ name, service: answer.services.find((one) => one.name === name) }));
  const known = mine.flatMap(({ service }) => (service === undefined ? [] : [service]));
  const refused = known.flatMap(refusals);
  if (refused.length > 0)
    throw new CommandError(`${refused.join('\n')}\nRefused; what ran before goes on running.`, EXIT.refused);
  const late = mine.filter(({ name, service }) => service === undefined || !isDone(service, targets?.get(name)));
  const { instances } =
    late.length === 0
      ? { instances: [] }
      : await client.listInstances({ services: late.map(({ name }) => name), hosts: [] });
  for (const one of instances.filter(isTroubled))
    lastWords.set(one.id, { ...describeInstance(one), service: one.status.service });
  const failed = known.filter((service) => hasFailed(service, targets?.get(service.name)));
  // The others may go on, but for those that wait for one that has failed.
  const isOver = late.every(({ service }) => service !== undefined && (failed.includes(service) || isWaiting(service)));
  if (failed.length > 0 && isOver) throw new CommandError(describeFailures(failed, lastWords), EXIT.rolledBack);
  const { etcdConnected } = answer.freshness;
  // Its own line says more, also after it: what fails again and again is well in between, and is not told of twice as often.
  const told = new Set(lastWords.keys());
  return {
    late: late.map(({ name }) => name),
    still: late.map(({ name, service }) => describeProgress(name, service)),
    progress: mine.map(({ name, service }) => describeProgress(name, service)),
    troubles: [
      ...(etcdConnected ? [] : [{ what: 'the coordinator lost touch with etcd; this is what it knew before' }]),
      ...known.flatMap((service) => troublesOf(service, told)),
      ...instances.filter(isTroubled).map(describeInstance),
    ],
    unfinished: instances.filter(isUnfinished).map(describeInstance),
    isDone: late.length === 0 && etcdConnected,
  };
}

/** @param target the release that is to run; undefined: the one that the leader goes to */
function isDone({ status }: ListedService, target?: number): boolean {
  return (
    (status.rollout === 'steady' || (target !== undefined && status.rollout === 'rolled-back')) &&
    status.accepted &&
    // What was written while it is frozen waits, and looks like rest.
    status.frozen === '' &&
    status.targetRelease > 0 &&
    status.targetRelease === (target ?? status.targetRelease) &&
    status.currentRelease === status.targetRelease &&
    status.running >= status.wanted
  );
}

/** @param target as above: of another release's rollout, an older failure says nothing */
function hasFailed({ status }: ListedService, target?: number): boolean {
  const { rollout, move } = status;
  if (rollout !== 'rolled-back' && rollout !== 'failed') return false;
  return target === undefined || failedRelease(move) === target;
}

function failedRelease(move: ListedService['status']['move']): number {
  return move === undefined || move.failedRelease > 0 ? (move?.failedRelease ?? 0) : move.to;
}

function isWaiting({ status }: ListedService): boolean {
  return status.rollout === 'rolling' && status.move?.phase === 'waiting';
}

function refusals({ name, status }: ListedService): readonly string[] {
  if (status.rollout === 'pending' || status.accepted) return [];
  return status.problems.map(
    ({ path, message, rule }) => `${name}${path === '' ? '' : ` ${path}`}: ${message} [${rule}]`,
  );
}

function describeFailures(failed: readonly ListedService[], lastWords: LastWords): string {
  return [
    ...failed.flatMap((service) => describeFailure(service, lastWords)),
    whoTellsMore(failed.map(({ name }) => name)),
  ].join('\n');
}

function describeFailure({ name, status }: ListedService, lastWords: LastWords): readonly string[] {
  const { move, rollout, currentRelease } = status;
  const failed = `${name}@${failedRelease(move)}`;
  const end = rollout === 'rolled-back' ? `was rolled back to @${currentRelease}` : 'stopped where it was';
  const reason = clean(move?.reason ?? '').replace(`${failed} failed: `, '');
  const { failures = {}, lastExits = {} } = move ?? {};
  const heard = [...lastWords].filter(([, { service }]) => service === name).map(([id]) => id);
  const troubles = [...new Set([...Object.keys(failures), ...heard])].map((id): Trouble => {
    const words = lastWords.get(id);
    const more = lastExits[id]?.log ?? words?.more ?? [];
    return { what: untold(words?.what ?? `${id} ${clean(failures[id] ?? '')}`, more), more };
  });
  const told = troubles.flatMap(({ more = [] }) => more);
  const why = reason === '' ? '' : `: ${untold(reason, told)}`;
  return [`${failed} failed and ${end}${why}`, ...troubles.flatMap(indented)];
}

function indented({ what, more = [] }: Trouble): readonly string[] {
  return [`  ${what}`, ...logLines(more)];
}

function describeTimeout(seen: SeenServices | undefined, progress: readonly string[]): string {
  const troubles = [...progress.map((what) => ({ what })), ...(seen?.troubles ?? []), ...(seen?.unfinished ?? [])];
  const lines = troubles.flatMap(indented).map((line) => `${line}\n`);
  const more = seen === undefined || seen.late.length === 0 ? '"berth services" tells more.' : whoTellsMore(seen.late);
  return `Not everything runs as wanted yet; Berth goes on trying.\n${lines.join('')}${more}`;
}

function whoTellsMore(services: readonly string[]): string {
  const asks = services.slice(0, MAX_NAMED).map((name) => `"berth why ${name}"`);
  return services.length > MAX_NAMED
    ? `${asks.join(', ')} and so on tell more.`
    : `${asks.join(', ')} ${services.length === 1 ? 'tells' : 'tell'} more.`;
}
