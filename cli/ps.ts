import type { Command } from 'commander';
import type { ListedInstance } from '../lib/rpc/types';
import { warnIfStale, withCoordinator } from './session';

const EXAMPLES = `
Examples:
  berth ps                 every instance
  berth ps web api         those of two services
  berth ps --json | jq -r '.instances[] | select(.status.phase != "RUNNING") | .id'`;

export function registerPs(program: Command): void {
  program
    .command('ps')
    .description('list instances: where they are, and how they do')
    .argument('[service...]', 'only those of these services')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (services: string[], options: { json?: boolean }, command: Command) => {
      const answer = await withCoordinator(command, (client) => client.listInstances({ services }));
      const { paint, printJson, printTable } = await import('./output/table.js');
      warnIfStale(answer.freshness);
      if (options.json === true) return printJson(answer);
      if (answer.instances.length === 0) return void process.stdout.write('No instances.\n');
      const phase = (instance: ListedInstance): string => {
        const text = instance.hostLive ? instance.status.phase.toLowerCase() : 'unknown';
        return text === 'running'
          ? paint.green(text)
          : text === 'failed' || text === 'unknown'
            ? paint.red(text)
            : paint.yellow(text);
      };
      printTable(
        ['INSTANCE', 'RELEASE', 'HOST', 'PHASE', 'HEALTH', 'PORTS', 'RESTARTS', 'REASON'],
        answer.instances.map((instance) => [
          instance.id,
          `${instance.status.service}@${instance.status.release}`,
          instance.host,
          phase(instance),
          instance.status.health === 'none' ? '-' : instance.status.health,
          ports(instance),
          String(instance.status.restarts),
          instance.hostLive ? instance.status.reason : 'its host is lost; this is what it last said',
        ]),
      );
    });
}

function ports({ address, status }: ListedInstance): string {
  return (
    status.ports
      .map(
        ({ published, target, protocol }) =>
          `${address}:${published}→${target}${protocol === 'tcp' ? '' : `/${protocol}`}`,
      )
      .join(' ') || '-'
  );
}
