/** One command's conversation with a coordinator. */
import type { Command } from 'commander';
import type { CoordinatorClient, Freshness } from '../lib/rpc/types';
import { CommandError } from './exit-codes';

const DEFAULT_COORDINATOR = '127.0.0.1:7420';

/** Runs `talk` with a client, and turns what can go wrong into words that say what to do. */
export async function withCoordinator<T>(
  command: Command,
  talk: (client: CoordinatorClient) => Promise<T>,
): Promise<T> {
  const options = command.optsWithGlobals<{ coordinator?: string }>();
  const address = options.coordinator ?? process.env['BERTH_COORDINATOR'] ?? DEFAULT_COORDINATOR;
  if (!/^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d+$/.test(address))
    throw new CommandError(`"${address}" is no address of a coordinator; write host:port`, 64);
  // Loaded here, since it takes longer to load than `berth version` may take in all.
  const { connectCoordinator } = await import('../lib/rpc/client.js');
  const { RpcError } = await import('../lib/rpc/types.js');
  const client = connectCoordinator(address);
  try {
    return await talk(client);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    throw new CommandError(explain(error.code, error.message, address));
  } finally {
    client.close();
  }
}

function explain(code: string, message: string, address: string): string {
  // grpc-js words for a connection that could not be made, in contrast to a coordinator's own words.
  const isUnreachable =
    code === 'unavailable' &&
    /no connection established|name resolution failed|ECONNREFUSED|connection dropped/i.test(message);
  if (isUnreachable || code === 'deadline')
    return (
      `No coordinator answers at ${address}: ${message}\n` +
      `Is one running ("systemctl status berth-coordinator")? Is it another address? Set --coordinator or BERTH_COORDINATOR.\n` +
      `Containers go on running without it.`
    );
  return `The coordinator at ${address} says: ${message}`;
}

/** Says on standard error when an answer is old. */
export function warnIfStale({ etcdConnected, ageMs }: Freshness): void {
  if (!etcdConnected)
    process.stderr.write(
      `Warning: the coordinator lost touch with etcd ${Math.round(ageMs / 1000)} s ago; this is what it knew then.\n`,
    );
}
