import type { Command } from 'commander';
import { registerHostsRm } from './hosts-rm';
import { warnIfStale, warnOfAlarms, withCoordinator } from './session';

const EXAMPLES = `
Examples:
  berth hosts
  berth hosts rm h3                    forgets a host that is lost
  berth hosts --json | jq -r '.hosts[] | select(.live | not) | .name'`;

export function registerHosts(program: Command): void {
  const hosts = program
    .command('hosts')
    .alias('host')
    .description('list hosts: whether they live, and what is reserved on them; or forget a lost one')
    .usage('[options] | rm HOST')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES);
  registerHostsRm(hosts);
  hosts.action(async (options: { json?: boolean }, command: Command) => {
    const answer = await withCoordinator(command, (client) => client.listHosts({ hosts: [] }));
    warnIfStale(answer.freshness);
    if (options.json === true) return void process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    warnOfAlarms(answer.alarms);
    if (answer.hosts.length === 0) return void process.stdout.write('No hosts. Start "berth agent" on one.\n');
    const { printHosts } = await import('./output/hosts.js');
    printHosts(answer.hosts, Date.now());
  });
}
