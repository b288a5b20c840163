import type { Command } from 'commander';
import type { ListedEndpoint, ListEndpointsResponse } from '../lib/rpc/types';
import { joinAddress } from '../lib/listen-address';
import { CommandError } from './exit-codes';
import { clean } from './output/clean';
import { portsOf } from './output/ports';
import { warnIfStale, withCoordinator } from './session';

const EXAMPLES = `
What etcd says now: what DNS, templates and proxies on every host go by.

Examples:
  berth endpoints                every service's
  berth endpoints web            where web answers, and which of its instances do not, and why
  berth endpoints web --json | jq -r '.endpoints[] | "\\(.endpoint.host):\\(.endpoint.ports.http)"'`;

export function registerEndpoints(program: Command): void {
  program
    .command('endpoints')
    .description('list where instances answer, and which of them are not published')
    .argument('[service...]', 'only those of these services')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (services: string[], options: { json?: boolean }, command: Command) => {
      const answer = await withCoordinator(command, (client) => client.listEndpoints({ services }));
      warnIfStale(answer.freshness);
      if (options.json === true) (await import('./output/table.js')).printJson(answer);
      else await print(answer);
      for (const { key, message, rule } of answer.problems)
        process.stderr.write(
          `Warning: ${clean(key)} is no endpoint, and nobody answers with it: ${clean(message)} [${clean(rule)}]\n`,
        );
      if (answer.unknown.length > 0)
        throw new CommandError(`There is no service ${answer.unknown.map((name) => `"${clean(name)}"`).join(', ')}.`);
    });
}

async function print({ endpoints, unpublished, unknown }: ListEndpointsResponse): Promise<void> {
  const { paint, printTable } = await import('./output/table.js');
  if (endpoints.length > 0)
    printTable(
      ['SERVICE', 'INSTANCE', 'HOST', 'ADDRESS', 'PORTS', 'RELEASE', 'WEIGHT'],
      endpoints.map(({ service, instance, endpoint }) => [
        ...[service, instance, endpoint.hostName || '-', addressOf(endpoint)].map(clean),
        clean(portsOf(endpoint)),
        endpoint.release === 0 ? '-' : `@${endpoint.release}`,
        endpoint.weight === 0 ? '-' : String(endpoint.weight),
      ]),
    );
  else if (unpublished.length > 0) process.stdout.write('No endpoints.\n');
  else if (unknown.length === 0) process.stdout.write('No endpoints, and no instances that could have one.\n');
  for (const { instance, doubt } of endpoints)
    if (doubt !== '') process.stdout.write(`\n${paint.yellow(clean(instance))}: ${clean(doubt)}\n`);
  if (unpublished.length === 0) return;
  process.stdout.write('\nNot published:\n');
  printTable(
    ['SERVICE', 'INSTANCE', 'HOST', 'RELEASE', 'WHY'],
    unpublished.map(({ service, instance, host, release, reason }) => [
      ...[service, instance, host, `@${release}`, reason].map(clean),
    ]),
  );
}

function addressOf({ host, port }: ListedEndpoint['endpoint']): string {
  return port === 0 ? host : joinAddress(host, port);
}
