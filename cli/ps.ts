import type { Command } from 'commander';
import { nearestName } from '../lib/nearest';
import type { CoordinatorClient, ListedInstance, ListInstancesResponse } from '../lib/rpc/types';
import { CommandError } from './exit-codes';
import { clean } from './output/clean';
import { warnIfStale, withCoordinator } from './session';

const EXAMPLES = `
Examples:
  berth ps                 every instance
  berth ps web api         those of two services
  berth ps --host h2       those on a host
  berth ps --json | jq -r '.instances[] | select(.status.phase != "RUNNING") | .id'`;

export function registerPs(program: Command): void {
  program
    .command('ps')
    .description('list instances: where they are, and how they do')
    .argument('[service...]', 'only those of these services')
    .option('--host <host>', 'only those on this host; several: once for each', (one, before: string[] = []) => [
      ...before,
      one,
    ])
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (services: string[], options: { host?: string[]; json?: boolean }, command: Command) => {
      const { answer, missing } = await withCoordinator(command, async (client) => {
        const answer = await client.listInstances({ services, hosts: options.host ?? [] });
        return { answer, missing: await findMissing(services, answer, client) };
      });
      const { printJson } = await import('./output/table.js');
      warnIfStale(answer.freshness);
      if (options.json === true) printJson(answer);
      else if (answer.instances.length > 0) await printInstances(answer.instances);
      else if (missing.length === 0) process.stdout.write('No instances.\n');
      if (missing.length > 0) throw new CommandError(`There is no service ${missing.join(', ')}.`);
    });
}

/** @returns services that were asked for, that do not exist, and of which no instance is left */
async function findMissing(
  services: readonly string[],
  { instances }: ListInstancesResponse,
  client: CoordinatorClient,
): Promise<readonly string[]> {
  const seen = new Set(instances.map(({ status }) => status.service));
  const unseen = [...new Set(services)].filter((name) => !seen.has(name));
  if (unseen.length === 0) return [];
  const known = new Set((await client.listServices({ services: [] })).services.map(({ name }) => name));
  return unseen
    .filter((name) => !known.has(name))
    .map((name) => {
      const nearest = nearestName(name, known);
      return `"${clean(name)}"${nearest === undefined ? '' : ` (did you mean "${nearest}"?)`}`;
    });
}

async function printInstances(instances: readonly ListedInstance[]): Promise<void> {
  const { paint, printTable } = await import('./output/table.js');
  const phase = (instance: ListedInstance): string => {
    const text = instance.hostLive ? instance.status.phase.toLowerCase() : 'unknown';
    if (instance.status.pausedUntilMs > 0) return paint.yellow(`${text}, paused`);
    return text === 'running'
      ? paint.green(text)
      : text === 'failed' || text === 'unknown'
        ? paint.red(text)
        : paint.yellow(text);
  };
  printTable(
    ['INSTANCE', 'RELEASE', 'HOST', 'PHASE', 'HEALTH', 'PORTS', 'RESTARTS', 'REASON'],
    instances.map((instance) => [
      instance.id,
      `${instance.status.service}@${instance.status.release}`,
      instance.host,
      phase(instance),
      instance.status.health === 'none' ? '-' : instance.status.health || '-',
      ports(instance),
      String(instance.status.restarts),
      instance.hostLive ? why(instance) : 'its host is lost; this is what it last said',
    ]),
  );
}

/** With how far it is, while something is being done. Where all is well, the count of restarts asks for its reason. */
function why({ stuck, status: { reason, progress, lastRestartReason } }: ListedInstance): string {
  const now = [reason, progress, stuck === '' ? '' : `can not move: ${stuck}`].filter((text) => text !== '');
  if (now.length === 0 && lastRestartReason !== '') return `last restart: ${clean(lastRestartReason)}`;
  return now.map(clean).join('; ');
}

function ports({ address, status }: ListedInstance): string {
  return (
    status.ports
      .map(
        ({ published, target, protocol }) =>
          `${address.includes(':') ? `[${address}]` : address}:${published}→${target}${protocol === 'tcp' ? '' : `/${protocol}`}`,
      )
      .join(' ') || '-'
  );
}
