/** One command's conversation with a coordinator. */
import type { Command } from 'commander';
import type { Alarm } from '../lib/documents/types';
import type { CoordinatorClient, Freshness } from '../lib/rpc/types';
import { CommandError, EXIT } from './exit-codes';
import { explainTrouble } from './coordinator-trouble';
import { clean } from './output/clean';

const DEFAULT_COORDINATOR = '127.0.0.1:7420';
const MAX_PORT = 65535;

/**
 * Runs `talk` with a client, and turns what can go wrong into words that say what to do.
 * @param isWrite whether a call that breaks off may have changed something
 */
export async function withCoordinator<T>(
  command: Command,
  talk: (client: CoordinatorClient) => Promise<T>,
  { isWrite = false }: { readonly isWrite?: boolean } = {},
): Promise<T> {
  const options = command.optsWithGlobals<{ coordinator?: string }>();
  const address = options.coordinator ?? (process.env['BERTH_COORDINATOR'] || DEFAULT_COORDINATOR);
  if (!isAddress(address))
    throw new CommandError(
      `"${address}" is no address of a coordinator; write host:port, e.g. ${DEFAULT_COORDINATOR}`,
      EXIT.usage,
    );
  // Loaded here, since it takes longer to load than `berth version` may take in all.
  const { connectCoordinator } = await import('../lib/rpc/client.js');
  const { RpcError } = await import('../lib/rpc/types.js');
  const client = connectCoordinator(address);
  try {
    return await talk(client);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    throw new CommandError(
      explainTrouble(error, address, isWrite),
      error.code === 'refused' ? EXIT.refused : EXIT.failed,
    );
  } finally {
    client.close();
  }
}

function isAddress(text: string): boolean {
  const port = /^(?:\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})$/.exec(text)?.[1];
  return port !== undefined && Number(port) >= 1 && Number(port) <= MAX_PORT;
}

/** Says on standard error what Berth does not do before an operator says so. */
export function warnOfAlarms(alarms: readonly Alarm[]): void {
  for (const { kind, message } of alarms) process.stderr.write(`Warning: ${clean(message)} [${clean(kind)}]\n`);
}

/** Of a command below a list, which has a flag of this name and takes what is given here for its own. */
export function wantsJson(command: Command): boolean {
  return command.optsWithGlobals<{ json?: boolean }>().json === true;
}

/** Says on standard error when an answer is old. */
export function warnIfStale({ etcdConnected, ageMs }: Freshness): void {
  if (!etcdConnected)
    process.stderr.write(
      `Warning: the coordinator lost touch with etcd ${Math.round(ageMs / 1000)} s ago; this is what it knew then.\n`,
    );
}
