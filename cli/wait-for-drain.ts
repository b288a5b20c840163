/** `berth drain --wait`: follows a host until nothing is left on it. */
import type { CoordinatorCalls, ListedHost } from '../lib/rpc/types';
import { CommandError } from './exit-codes';
import { follow } from './follow';
import { describeLeft, progress, shortened, whyThere, type SeenLeft } from './leaving';
import { isoTime } from '../lib/iso-time';

export interface WaitingForDrain {
  readonly client: Pick<CoordinatorCalls, 'listHosts' | 'listInstances'>;
  readonly host: string;
  readonly timeoutMs: number;
  readonly say: (line: string) => void;
  readonly pollMs?: number;
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

async function look({ client, host }: WaitingForDrain): Promise<SeenLeft> {
  const { hosts, freshness } = await client.listHosts({ hosts: [host] });
  const [listed] = hosts;
  if (listed === undefined) throw new CommandError(`${host} was removed meanwhile.`);
  if (!listed.intent.drain) throw new CommandError(`${host} does not drain any more: somebody ended it meanwhile.`);
  const { instances } = await client.listInstances({ services: [], hosts: [host] });
  const { etcdConnected } = freshness;
  const told = instances.map(whyThere).filter((why) => why !== undefined);
  const all = `"berth ps --host ${host}" has all`;
  return {
    progress: [progress(instances)],
    troubles: [
      ...(etcdConnected ? [] : ['the coordinator lost touch with etcd; this is what it knew before']),
      ...describeHost(listed),
      ...shortened(told, (more) => `… and ${more} more; ${all}`),
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

function describeTimeout(host: string, seen: SeenLeft | undefined, progress: readonly string[]): string {
  return `${host} is not empty yet; it goes on draining.\n${describeLeft(seen, progress)}"berth ps --host ${host}" tells more; "berth uncordon ${host}" ends the drain.`;
}
