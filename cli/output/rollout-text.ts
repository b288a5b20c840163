/** How far a service is, in words. */
import type { ListedInstance, ListedService } from '../../lib/rpc/types';
import type { Trouble } from '../follow';
import { clean } from './clean';
import { describeRefusals } from './host-words';
import { describePause } from './pause-text';
import { countWord } from './service-words';

const TROUBLED = ['FAILED', 'BACKOFF', 'STOPPED'];
/** Phases in which a rollout is over. */
const OVER = ['rolled-back', 'stopped'];

/** @param name of the service. @param service undefined when a coordinator knows nothing of it */
export function describeProgress(name: string, service: ListedService | undefined): string {
  if (service === undefined) return `${name} is not there`;
  const { status } = service;
  if (status.rollout === 'pending') return `${name} is not taken up by a leading coordinator yet`;
  const { targetRelease, currentRelease, running, wanted, move, rollout } = status;
  const counts = `${running}/${wanted}`;
  const at = targetRelease === 0 ? name : `${name} @${targetRelease}`;
  if (['stopping', 'paused', 'held'].includes(rollout)) return `${at} ${counts} ${rollout}`;
  if (move !== undefined && rollout === 'rolling' && !OVER.includes(move.phase)) {
    const to = move.isRollback ? `${name} goes back to @${move.to}:` : move.to > 0 ? `${name} @${move.to}` : name;
    const reason = clean(move.reason);
    // "waits for db" says that it is waiting.
    if (move.phase === 'waiting' && reason.startsWith('waits ')) return `${to} ${reason}`;
    return `${to} ${move.phase}${countWord(status)}${reason === '' ? '' : `: ${reason}`}`;
  }
  return `${at} ${counts}${targetRelease === currentRelease || currentRelease === 0 ? '' : `, from @${currentRelease}`}`;
}

/**
 * Why a service is not further.
 * @param told ids of instances that are told of by themselves
 */
export function troublesOf({ name, status }: ListedService, told: ReadonlySet<string>): readonly Trouble[] {
  const { rollout, pause, frozen, move } = status;
  if (rollout === 'pending') return [];
  const failed = Object.entries(rollout === 'rolling' ? (move?.failures ?? {}) : {});
  return [
    ...(pause === undefined ? [] : [`${name}: ${describePause(pause)}`]),
    ...(frozen === '' ? [] : [`${name}: ${clean(frozen)}`]),
    ...unplaced(name, status),
    ...failed.filter(([id]) => !told.has(id)).map(([id, why]) => `${id} ${clean(why)}`),
  ].map((what) => ({ what }));
}

function unplaced(name: string, { placed, wanted, unplaced }: ListedService['status']): readonly string[] {
  if (placed >= wanted || unplaced.length === 0) return [];
  return [`${name}: no place for ${wanted - placed} of ${wanted}: ${describeRefusals(unplaced).join('; ')}`];
}

export function isTroubled({ status }: ListedInstance): boolean {
  const isJobDone = status.slot === 0 && status.phase === 'STOPPED' && status.lastExit?.code === 0;
  return !isJobDone && status.reason !== '' && (TROUBLED.includes(status.phase) || status.health === 'unhealthy');
}

/** On its way, as far as is known: no trouble as it happens, but one when the time is up. */
export function isUnfinished(instance: ListedInstance): boolean {
  return instance.status.reason !== '' && instance.status.phase !== 'RUNNING' && !isTroubled(instance);
}

/** With the last lines of its log, when it exited. */
export function describeInstance(instance: ListedInstance): Trouble {
  const { id, host, status } = instance;
  const what = `${id} on ${host}: ${status.phase.toLowerCase()}: ${clean(status.reason)}`;
  const log = isTroubled(instance) ? (status.lastExit?.log ?? []) : [];
  return log.length === 0 ? { what } : { what, more: log };
}

/** What is shown in full below needs no telling in short. */
export function untold(text: string, log: readonly string[]): string {
  return log.length === 0 ? text : text.replace(/, after it said: .*$/, '');
}
