import type { Command } from 'commander';
import { clean } from './output/clean';
import { kindOption } from './pause';
import { withCoordinator } from './session';

const EXAMPLES = `
What was asked for meanwhile is done now.

Examples:
  berth resume web-1-x7k2
  berth resume web
  berth resume db --kind host              when a service called db is paused too`;

export function registerResume(program: Command): void {
  program
    .command('resume')
    .description('end a pause before its time')
    .argument('<name>', 'an instance (its id), a service or a host')
    .addOption(kindOption())
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, options: { kind?: string; json?: boolean }, command: Command) => {
      const request = { name, kind: options.kind ?? '' };
      const { kind } = await withCoordinator(command, (client) => client.resume(request), { isWrite: true });
      if (options.json === true)
        return void process.stdout.write(`${JSON.stringify({ resumed: { kind, name } }, null, 2)}\n`);
      process.stdout.write(`${kind} ${clean(name)} is taken care of again.\n`);
    });
}
