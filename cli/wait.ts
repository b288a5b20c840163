/** `berth apply --wait`: follows services until they run as wanted. */
import { RpcError, type CoordinatorCalls, type ListedInstance, type ListedService } from '../lib/rpc/types';
import { shortReason } from './coordinator-trouble';
import { CommandError, EXIT } from './exit-codes';
import { clean } from './output/clean';
import { describePause } from './output/pause-text';

const POLL_MS = 500;
const TROUBLED = ['FAILED', 'BACKOFF', 'STOPPED'];

export interface Waiting {
  readonly client: Pick<CoordinatorCalls, 'listServices' | 'listInstances'>;
  readonly services: readonly string[];
  readonly timeoutMs: number;
  /** Takes a line of progress. */
  readonly say: (line: string) => void;
  readonly pollMs?: number;
}

interface Seen {
  readonly progress: string;
  /** Why it is not further; a line each. */
  readonly troubles: readonly string[];
  /** Told at the end alone. */
  readonly unfinished: readonly string[];
  readonly isDone: boolean;
}

/**
 * Says each change and each new trouble once. A coordinator that goes away meanwhile may come back.
 * @throws CommandError with exit code 4 when it took too long, 1 when a service was refused or removed meanwhile
 */
export async function waitFor(waiting: Waiting): Promise<void> {
  const startedMs = performance.now();
  const said = new Set<string>();
  const say = (line: string): void =>
    waiting.say(`  ${((performance.now() - startedMs) / 1000).toFixed(1)} s: ${line}`);
  const forgetInterrupt = sayOnInterrupt();
  try {
    for (let last = ''; ;) {
      const seen = await look(waiting);
      if (seen.progress !== last) say(seen.progress);
      last = seen.progress;
      for (const trouble of seen.troubles) if (!said.has(trouble)) say(trouble);
      // What goes away and comes back is said again.
      said.clear();
      for (const trouble of seen.troubles) said.add(trouble);
      if (seen.isDone) return;
      if (performance.now() - startedMs > waiting.timeoutMs)
        throw new CommandError(describeTimeout(seen), EXIT.timedOut);
      await new Promise((wake) => setTimeout(wake, waiting.pollMs ?? POLL_MS));
    }
  } finally {
    forgetInterrupt();
  }
}

async function look({ client, services }: Waiting): Promise<Seen> {
  try {
    const answer = await client.listServices({});
    const mine = services.map((name) => ({ name, service: answer.services.find((one) => one.name === name) }));
    const late = mine.filter(({ service }) => service === undefined || !isDone(service)).map(({ name }) => name);
    const refused = mine.flatMap(({ service }) => (service === undefined ? [] : refusals(service)));
    if (refused.length > 0) throw new CommandError(`${refused.join('\n')}\nRefused; what ran before goes on running.`);
    const { instances } = late.length === 0 ? { instances: [] } : await client.listInstances({ services: late });
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
  } catch (error) {
    if (!(error instanceof RpcError && error.temporary)) throw error;
    return { progress: `no answer (${shortReason(error)}); asking again`, troubles: [], unfinished: [], isDone: false };
  }
}

function isDone({ status }: ListedService): boolean {
  return (
    status.rollout === 'steady' &&
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

function describeTimeout({ progress, troubles, unfinished }: Seen): string {
  const lines = [progress, ...troubles, ...unfinished].map((line) => `  ${line}\n`);
  return `Not everything runs as wanted yet; Berth goes on trying.\n${lines.join('')}"berth services" and "berth ps" tell more.`;
}

/** @returns a function that gives Ctrl-C its usual meaning back */
function sayOnInterrupt(): () => void {
  const stop = (): never => {
    process.stderr.write('\nWaiting no longer; the services are written, and Berth goes on with them.\n');
    process.exit(EXIT.interrupted);
  };
  process.once('SIGINT', stop);
  return () => void process.off('SIGINT', stop);
}
