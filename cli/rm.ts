import type { Command } from 'commander';
import { withCoordinator } from './session';

const EXAMPLES = `
Examples:
  berth rm web
  berth rm web api         both, or neither when one is not there`;

export function registerRm(program: Command): void {
  program
    .command('rm')
    .description('remove services: their instances are stopped, with their grace period, and removed')
    .argument('<service...>', 'services to remove')
    .addHelpText('after', EXAMPLES)
    .action(async (services: string[], _options: unknown, command: Command) => {
      await withCoordinator(command, (client) => client.remove({ services }));
      for (const service of services) process.stdout.write(`${service} removed\n`);
      process.stdout.write('Its instances are being stopped; "berth ps" shows them until they are gone.\n');
    });
}
