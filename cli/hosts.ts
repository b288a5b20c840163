import type { Command } from 'commander';
import type { ListedHost } from '../lib/rpc/types';
import { clean } from './output/clean';
import { warnIfStale, withCoordinator } from './session';

const EXAMPLES = `
Examples:
  berth hosts
  berth hosts --json | jq -r '.hosts[] | select(.live | not) | .name'`;

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

export function registerHosts(program: Command): void {
  program
    .command('hosts')
    .description('list hosts: whether they live, and what is reserved on them')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (options: { json?: boolean }, command: Command) => {
      const answer = await withCoordinator(command, (client) => client.listHosts({}));
      const { paint, printJson, printTable } = await import('./output/table.js');
      warnIfStale(answer.freshness);
      if (options.json === true) return printJson(answer);
      if (answer.hosts.length === 0) return void process.stdout.write('No hosts. Start "berth agent" on one.\n');
      printTable(
        ['HOST', 'STATE', 'ADDRESS', 'INSTANCES', 'CPU RESERVED', 'MEMORY RESERVED', 'LABELS', 'AGENT', 'DOCKER'],
        answer.hosts.map((host) => [
          host.name,
          !host.live ? paint.red('lost') : host.pause ? paint.yellow('paused') : paint.green(state(host)),
          host.record.address || '-',
          String(host.instances),
          `${host.reserved.nanoCpus / 1e9}/${host.record.capacity.nanoCpus / 1e9}`,
          `${size(host.reserved.memoryBytes)}/${size(host.record.capacity.memoryBytes)}`,
          Object.entries(host.record.labels)
            .map(([name, value]) => clean(`${name}=${value}`))
            .join(',') || '-',
          clean(host.record.agentVersion) || '-',
          clean(host.record.dockerVersion) || '-',
        ]),
      );
      const paused = answer.hosts.filter(({ pause }) => pause);
      if (paused.length > 0) {
        const { describePause } = await import('./output/pause-text.js');
        for (const { name, pause } of paused)
          process.stdout.write(`\n${paint.yellow(name)}: ${describePause(pause!)}\n`);
      }
      for (const { name, problems } of answer.hosts)
        for (const { message, rule } of problems)
          process.stdout.write(`\n${paint.red(name)}: ${clean(message)} [${rule}]\n`);
    });
}

function state({ intent }: ListedHost): string {
  return intent.drain ? 'draining' : intent.schedulable === false ? 'cordoned' : 'live';
}

function size(bytes: number): string {
  if (bytes === 0) return '0';
  return bytes < GIB ? `${Math.ceil(bytes / MIB)} MiB` : `${(bytes / GIB).toFixed(1)} GiB`;
}
