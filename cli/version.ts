import type { Command } from 'commander';
import { VERSION } from '../lib/version';
import { withCoordinator } from './session';

const EXAMPLES = `
Examples:
  berth version            of this program alone
  berth version --remote   of the coordinator too`;

export function registerVersion(program: Command): void {
  program
    .command('version')
    .description('print the version')
    .option('--remote', 'ask the coordinator for its version too')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (options: { remote?: boolean; json?: boolean }, command: Command) => {
      const remote =
        options.remote === true ? await withCoordinator(command, (client) => client.getVersion({})) : undefined;
      if (options.json === true)
        return void process.stdout.write(
          `${JSON.stringify({ version: VERSION, ...(remote && { coordinator: remote }) })}\n`,
        );
      process.stdout.write(`berth ${VERSION}\n`);
      if (remote !== undefined)
        process.stdout.write(`coordinator ${remote.version}${remote.leader ? ', leads' : ', stands by'}\n`);
    });
}
