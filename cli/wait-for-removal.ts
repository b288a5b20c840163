/** `berth rm --wait`: follows services that were removed until none of their instances is left. */
import type { CoordinatorCalls, ListedInstance } from '../lib/rpc/types';
import { CommandError } from './exit-codes';
import { follow } from './follow';
import { describeLeft, progress, shortened, whyThere, type SeenLeft } from './leaving';

export interface WaitingForRemoval {
  readonly client: Pick<CoordinatorCalls, 'listServices' | 'listInstances'>;
  readonly services: readonly string[];
  readonly timeoutMs: number;
  readonly say: (line: string) => void;
  readonly pollMs?: number;
}

/** @throws CommandError with exit code 4 when it took too long, 1 when one of them was applied again meanwhile */
export async function waitForRemoval(waiting: WaitingForRemoval): Promise<void> {
  // The coordinator that is asked hears of the removal a moment after it was written.
  const gone = new Set<string>();
  await follow({
    ...waiting,
    look: () => look(waiting, gone),
    describeTimeout,
    onInterrupt: 'the services are removed, and their instances are still being stopped.',
  });
}

async function look({ client, services }: WaitingForRemoval, gone: Set<string>): Promise<SeenLeft> {
  const there = (await client.listServices({ services })).services.map(({ name }) => name);
  const again = there.find((name) => gone.has(name));
  if (again !== undefined) throw new CommandError(`${again} is there again: somebody applied it meanwhile.`);
  for (const name of services) if (!there.includes(name)) gone.add(name);
  const { instances, freshness } = await client.listInstances({ services, hosts: [] });
  const told = instances.map(why).filter((one) => one !== undefined);
  return {
    progress: [progress(instances)],
    troubles: [
      ...(freshness.etcdConnected ? [] : ['the coordinator lost touch with etcd; this is what it knew before']),
      ...shortened(told, (more) => `… and ${more} more; "berth ps" has all`),
    ].map((what) => ({ what })),
    left: instances,
    isDone: there.length === 0 && instances.length === 0 && freshness.etcdConnected,
  };
}

function why(instance: ListedInstance): string | undefined {
  const { id, host, hostLive } = instance;
  return hostLive ? whyThere(instance) : `${id} is on ${host}, which is lost: it is removed when its agent is back`;
}

function describeTimeout(seen: SeenLeft | undefined, progress: readonly string[]): string {
  return `Not all instances are gone yet; they go on being stopped.\n${describeLeft(seen, progress)}"berth ps" tells more.`;
}
