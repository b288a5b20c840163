import type { Command } from 'commander';
import { findAndRead, type FileOptions } from './apply-file';
import { describeRefusal } from './apply';
import { CommandError, EXIT } from './exit-codes';
import { several, strayWord } from './file-words';
import { warnIfStale, withCoordinator } from './session';

const EXAMPLES = `
The coordinator's own plans on a copy of the cluster, with hosts that do as they are told, to the
end of each rollout. Nothing is written.

Examples:
  berth plan                                compose.yaml of this folder
  berth plan -f shop.yaml
  berth apply -f shop.yaml --at 4711-8f3a2c1d0b5e    only if nothing changed since (the plan prints it)

Exit codes: 0 planned, 1 could not be done, 2 apply would refuse it.`;

interface PlanOptions extends FileOptions {
  readonly json?: boolean;
}

export function registerPlan(program: Command): void {
  program
    .command('plan')
    .description('show what applying a Compose file would change, host by host; nothing is written')
    .option('-f, --file <file>', 'Compose file, or - for standard input (compose.yaml)', several)
    .option('--env-file <file>', 'variables for the file; a later one wins (.env beside it)', several)
    .option('-p, --project-name <name>', 'name of the project')
    .option('--json', 'print JSON')
    .allowExcessArguments()
    .addHelpText('after', EXAMPLES)
    .action(async (options: PlanOptions, command: Command) => {
      strayWord(command, 'plan');
      const file = await findAndRead(options);
      for (const warning of file.warnings) process.stderr.write(`Warning: ${warning}\n`);
      const { project, services } = file;
      const answer = await withCoordinator(command, (client) => client.plan({ project, services }));
      warnIfStale(answer.freshness);
      if (options.json === true) process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
      if (answer.refused.length > 0)
        throw new CommandError(options.json === true ? '' : describeRefusal(answer.refused, file), EXIT.refused);
      if (options.json === true) return;
      const { printPlan } = await import('./output/plan.js');
      printPlan(answer, options.file?.[0]);
    });
}
