/** `berth apply --wait`: follows services until they run as wanted. */
import type { CoordinatorCalls, ListedInstance, ListedService } from '../lib/rpc/types';
import { CommandError } from './exit-codes';
import { follow, type Seen } from './follow';
import { clean } from './output/clean';
import { describePause } from './output/pause-text';

const TROUBLED = ['FAILED', 'BACKOFF', 'STOPPED'];

export interface Waiting {
  readonly client: Pick<CoordinatorCalls, 'listServices' | 'listInstances'>;
  readonly services: readonly string[];
  /** Releases that are to run, where it is not the newest, by service. */
  readonly targets?: ReadonlyMap<string, number>;
  readonly timeoutMs: number;
  /** Takes a line of progress. */
  readonly say: (line: string) => void;
  readonly pollMs?: number;
}

interface SeenServices extends Seen {
  /** Told at the end alone. */
  readonly unfinished: readonly string[];
}

/** @throws CommandError with exit code 4 when it took too long, 1 when a service was refused or removed meanwhile */
export async function waitFor(waiting: Waiting): Promise<void> {
  await follow({
    ...waiting,
    look: () => look(waiting),
    describeTimeout,
    onInterrupt: 'the services are written, and Berth goes on with them.',
  });
}

async function look({ client, services, targets }: Waiting): Promise<SeenServices> {
  const answer = await client.listServices({});
  const mine = services.map((name) => ({ name, service: answer.services.find((one) => one.name === name) }));
  const late = mine
    .filter(({ service }) => service === undefined || !isDone(service, targets?.get(service.name)))
    .map(({ name }) => name);
  const refused = mine.flatMap(({ service }) => (service === undefined ? [] : refusals(service)));
  if (refused.length > 0) throw new CommandError(`${refused.join('\n')}\nRefused; what ran before goes on running.`);
  const { instances } =
    late.length === 0 ? { instances: [] } : await client.listInstances({ services: late, hosts: [] });
  const { etcdConnected } = answer.freshness;
  return {
    progress: mine.map(({ name, service }) => progress(name, service)).join(', '),
    troubles: [
      ...(etcdConnected ? [] : ['the coordinator lost touch with etcd; this is what it knew before']),
      ...mine.flatMap(({ service }) => (service === undefined ? [] : [...paused(service), ...unplaced(service)])),
      ...instances.filter(isTroubled).map(describeInstance),
    ],
    unfinished: instances.filter(isUnfinished).map(describeInstance),
    isDone: late.length === 0 && etcdConnected,
  };
}

/** @param target the release that is to run; undefined: the one that the leader goes to */
function isDone({ status }: ListedService, target: number = status.targetRelease): boolean {
  return (
    status.rollout === 'steady' &&
    status.targetRelease === target &&
    status.accepted &&
    status.targetRelease > 0 &&
    status.currentRelease === status.targetRelease &&
    status.running >= status.wanted
  );
}

function progress(name: string, service: ListedService | undefined): string {
  if (service === undefined) return `${name} is not there`;
  const { status } = service;
  if (status.rollout === 'pending') return `${name} is not taken up by a leading coordinator yet`;
  const release = status.targetRelease === status.currentRelease ? '' : ` @${status.targetRelease}`;
  const word = status.rollout === 'stopping' || status.rollout === 'paused' ? ` ${status.rollout}` : '';
  return `${name}${release} ${status.running}/${status.wanted}${word}`;
}

function refusals({ name, status }: ListedService): readonly string[] {
  if (status.rollout === 'pending' || status.accepted) return [];
  return status.problems.map(
    ({ path, message, rule }) => `${name}${path === '' ? '' : ` ${path}`}: ${message} [${rule}]`,
  );
}

function unplaced({ name, status }: ListedService): readonly string[] {
  if (status.rollout === 'pending' || status.placed >= status.wanted) return [];
  const missing = status.wanted - status.placed;
  return status.unplaced.map(({ host, reason }) => `${name}: ${missing} can not be placed: ${host}: ${clean(reason)}`);
}

function paused({ name, status }: ListedService): readonly string[] {
  return status.pause === undefined ? [] : [`${name}: ${describePause(status.pause)}`];
}

function isTroubled({ status }: ListedInstance): boolean {
  return status.reason !== '' && (TROUBLED.includes(status.phase) || status.health === 'unhealthy');
}

/** On its way, as far as is known: no trouble as it happens, but one when the time is up. */
function isUnfinished(instance: ListedInstance): boolean {
  return instance.status.reason !== '' && instance.status.phase !== 'RUNNING' && !isTroubled(instance);
}

function describeInstance({ id, host, status }: ListedInstance): string {
  return `${id} on ${host}: ${status.phase.toLowerCase()}: ${clean(status.reason)}`;
}

function describeTimeout(seen: SeenServices | undefined, progress: string): string {
  const lines = [progress, ...(seen?.troubles ?? []), ...(seen?.unfinished ?? [])].map((line) => `  ${line}\n`);
  return `Not everything runs as wanted yet; Berth goes on trying.\n${lines.join('')}"berth services" and "berth ps" tell more.`;
}
