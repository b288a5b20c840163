import type { Command } from 'commander';
import { VERSION } from '../lib/version';
import { CommandError } from './exit-codes';
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
      if (options.json !== true) process.stdout.write(`berth ${VERSION}\n`);
      try {
        const remote =
          options.remote === true ? await withCoordinator(command, (client) => client.getVersion({})) : undefined;
        if (options.json === true) printJson(remote);
        else if (remote !== undefined)
          process.stdout.write(`coordinator ${remote.version}${remote.leader ? ', leads' : ', stands by'}\n`);
      } catch (error) {
        // What this program is, it knows by itself.
        if (options.json === true && error instanceof CommandError) printJson(undefined);
        throw error;
      }
    });
}

/** Without the tables' module: this is the command whose start is measured. */
function printJson(coordinator: unknown): void {
  process.stdout.write(
    `${JSON.stringify({ version: VERSION, ...(coordinator !== undefined && { coordinator }) }, null, 2)}\n`,
  );
}
