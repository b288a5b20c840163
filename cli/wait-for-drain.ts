/** `berth drain --wait`: follows a host until nothing is left on it. */
import type { CoordinatorCalls, ListedHost, ListedInstance } from '../lib/rpc/types';
import { CommandError } from './exit-codes';
import { follow, type Seen } from './follow';
import { clean } from './output/clean';
import { instances as counted } from './output/host-words';
import { isoTime } from '../lib/iso-time';

const LEAVING = ['STOPPING', 'DRAINING'];
/** Of a host with hundreds, the first tell enough. */
const MAX_TOLD = 20;

export interface WaitingForDrain {
  readonly client: Pick<CoordinatorCalls, 'listHosts' | 'listInstances'>;
  readonly host: string;
  readonly timeoutMs: number;
  readonly say: (line: string) => void;
  readonly pollMs?: number;
}

interface SeenHost extends Seen {
  readonly left: readonly ListedInstance[];
}

/** @throws CommandError with exit code 4 when it took too long, 1 when the drain was ended or the host was removed meanwhile */
export async function waitForDrain(waiting: WaitingForDrain): Promise<void> {
  await follow({
    ...waiting,
    look: () => look(waiting),
    describeTimeout: (seen, progress) => describeTimeout(waiting.host, seen, progress),
    onInterrupt: `${waiting.host} goes on draining.`,
  });
}

async function look({ client, host }: WaitingForDrain): Promise<SeenHost> {
  const { hosts, freshness } = await client.listHosts({ hosts: [host] });
  const [listed] = hosts;
  if (listed === undefined) throw new CommandError(`${host} was removed meanwhile.`);
  if (!listed.intent.drain) throw new CommandError(`${host} does not drain any more: somebody ended it meanwhile.`);
  const { instances } = await client.listInstances({ services: [], hosts: [host] });
  const { etcdConnected } = freshness;
  const told = instances.map(whyThere).filter((why) => why !== undefined);
  return {
    progress: [progress(instances)],
    troubles: [
      ...(etcdConnected ? [] : ['the coordinator lost touch with etcd; this is what it knew before']),
      ...describeHost(listed),
      ...told.slice(0, MAX_TOLD),
      ...(told.length > MAX_TOLD ? [`… and ${told.length - MAX_TOLD} more; "berth ps --host ${host}" has all`] : []),
    ].map((what) => ({ what })),
    left: instances,
    isDone: instances.length === 0 && etcdConnected,
  };
}

function describeHost({ name, live, pause }: ListedHost): readonly string[] {
  if (!live) return [`${name} is lost: its agent says nothing, and its instances are placed elsewhere`];
  return pause === undefined
    ? []
    : [`${name} is paused until ${isoTime(pause.untilMs)}; "berth resume ${name}" ends it`];
}

function progress(instances: readonly ListedInstance[]): string {
  if (instances.length === 0) return 'nothing is left';
  const leaving = instances.filter(({ status }) => LEAVING.includes(status.phase)).length;
  return `${counted(instances.length)} left${leaving === 0 ? '' : `, ${leaving} on the way out`}`;
}

/** @returns undefined when it is only a matter of time */
function whyThere({ id, stuck, status }: ListedInstance): string | undefined {
  if (stuck !== '') return `${id} can not move: ${clean(stuck)}`;
  if (status.held) return `${id} is held: etcd knows nothing of its service "${clean(status.service)}"`;
  if (status.pausedUntilMs > 0) return `${id} is paused until ${isoTime(status.pausedUntilMs)}`;
  return undefined;
}

function describeTimeout(host: string, seen: SeenHost | undefined, progress: readonly string[]): string {
  const lines = seen === undefined ? progress : seen.left.slice(0, MAX_TOLD).map((one) => describeLeft(one, seen.left));
  const more = (seen?.left.length ?? 0) - MAX_TOLD;
  const rest = more > 0 ? `  … and ${more} more\n` : '';
  return `${host} is not empty yet; it goes on draining.\n${lines.map((line) => `  ${line}\n`).join('')}${rest}"berth ps --host ${host}" tells more; "berth uncordon ${host}" ends the drain.`;
}

function describeLeft(instance: ListedInstance, left: readonly ListedInstance[]): string {
  const { id, status } = instance;
  const first = left.find((one) => one.stuck !== '' && one.status.service === status.service);
  const isInTurn = first !== undefined && status.phase === 'RUNNING' && status.reason === '';
  return (
    whyThere(instance) ??
    (isInTurn ? `${id} goes after ${first.id}` : undefined) ??
    `${id} is ${status.phase.toLowerCase()}${status.reason === '' ? '' : `: ${clean(status.reason)}`}`
  );
}
