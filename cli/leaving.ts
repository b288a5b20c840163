/** Instances that are to go, and why they are still there, for people. */
import type { ListedInstance } from '../lib/rpc/types';
import { isoTime } from '../lib/iso-time';
import type { Seen } from './follow';
import { clean } from './output/clean';
import { instances as counted } from './output/host-words';

const LEAVING = ['STOPPING', 'DRAINING'];
/** Of hundreds, the first tell enough. */
const MAX_TOLD = 20;

export interface SeenLeft extends Seen {
  readonly left: readonly ListedInstance[];
}

export function progress(instances: readonly ListedInstance[]): string {
  if (instances.length === 0) return 'nothing is left';
  const leaving = instances.filter(({ status }) => LEAVING.includes(status.phase)).length;
  return `${counted(instances.length)} left${leaving === 0 ? '' : `, ${leaving} on the way out`}`;
}

/** @returns undefined when it is only a matter of time */
export function whyThere({ id, stuck, status }: ListedInstance): string | undefined {
  if (stuck !== '') return `${id} can not move: ${clean(stuck)}`;
  if (status.held) return `${id} is held: etcd knows nothing of its service "${clean(status.service)}"`;
  if (status.pausedUntilMs > 0) return `${id} is paused until ${isoTime(status.pausedUntilMs)}`;
  return undefined;
}

/** @param rest says how many are left out */
export function shortened(lines: readonly string[], rest: (more: number) => string): readonly string[] {
  const more = lines.length - MAX_TOLD;
  return more > 0 ? [...lines.slice(0, MAX_TOLD), rest(more)] : lines;
}

/** When the time is up. @param seen undefined: no coordinator answered. @returns an indented line for each */
export function describeLeft(seen: SeenLeft | undefined, progress: readonly string[]): string {
  const lines = seen?.left.map((one) => describeOne(one, seen.left));
  const told = lines === undefined ? progress : shortened(lines, (more) => `… and ${more} more`);
  return told.map((line) => `  ${line}\n`).join('');
}

function describeOne(instance: ListedInstance, left: readonly ListedInstance[]): string {
  const { id, status } = instance;
  const first = left.find((one) => one.stuck !== '' && one.status.service === status.service);
  const isInTurn = first !== undefined && status.phase === 'RUNNING' && status.reason === '';
  return (
    whyThere(instance) ??
    (isInTurn ? `${id} goes after ${first.id}` : undefined) ??
    `${id} is ${status.phase.toLowerCase()}${status.reason === '' ? '' : `: ${clean(status.reason)}`}`
  );
}
