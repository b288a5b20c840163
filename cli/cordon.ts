import type { Command } from 'commander';
import { instances, warnOfLost } from './output/host-words';
import { withCoordinator } from './session';
import { whoAmI } from './who-am-i';

const CORDON_EXAMPLES = `
What runs on it stays, and is restarted and probed as ever. To move it away too: berth drain.

Examples:
  berth cordon h2
  berth cordon h2 --reason "new kernel on Thursday"`;

const UNCORDON_EXAMPLES = `
Ends a drain too: what has moved away by then stays where it is.

Examples:
  berth uncordon h2`;

export function registerCordon(program: Command): void {
  program
    .command('cordon')
    .description('give a host no more instances')
    .argument('<host>')
    .option('--reason <text>', 'for those who wonder', '')
    .option('--json', 'print JSON')
    .addHelpText('after', CORDON_EXAMPLES)
    .action(async (host: string, { reason, json }: { reason: string; json?: boolean }, command: Command) => {
      const request = { host, action: 'cordon', reason, by: whoAmI() };
      const answer = await withCoordinator(command, (client) => client.changeHost(request), { isWrite: true });
      if (json === true) return void process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
      warnOfLost(host, answer);
      process.stdout.write(
        `${host} ${answer.changed ? 'is cordoned' : 'was cordoned already'}: it keeps its ${instances(answer.instances)} and gets no new ones. "berth uncordon ${host}" ends it.\n`,
      );
      if (answer.schedulableHosts === 0)
        process.stderr.write('Warning: no host is left that takes new instances. Nothing that runs is stopped.\n');
    });
}

export function registerUncordon(program: Command): void {
  program
    .command('uncordon')
    .description('let a host take instances again; ends a drain too')
    .argument('<host>')
    .option('--json', 'print JSON')
    .addHelpText('after', UNCORDON_EXAMPLES)
    .action(async (host: string, { json }: { json?: boolean }, command: Command) => {
      const request = { host, action: 'uncordon', reason: '', by: whoAmI() };
      const answer = await withCoordinator(command, (client) => client.changeHost(request), { isWrite: true });
      if (json === true) return void process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
      warnOfLost(host, answer);
      process.stdout.write(
        answer.changed ? `${host} takes instances again.\n` : `${host} was neither cordoned nor draining.\n`,
      );
    });
}
