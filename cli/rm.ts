import type { Command } from 'commander';
import { withCoordinator } from './session';

const EXAMPLES = `
Examples:
  berth rm web
  berth rm web api         both, or neither when one is not there, or is frozen`;

export function registerRm(program: Command): void {
  program
    .command('rm')
    .description('remove services: their instances are stopped, with their grace period, and removed')
    .argument('<service...>', 'services to remove')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (given: string[], options: { json?: boolean }, command: Command) => {
      const services = [...new Set(given)];
      await withCoordinator(command, (client) => client.remove({ services }), { isWrite: true });
      if (options.json === true)
        return void process.stdout.write(`${JSON.stringify({ removed: services }, null, 2)}\n`);
      for (const service of services) process.stdout.write(`${service} removed\n`);
      process.stdout.write(
        `${services.length === 1 ? 'Its' : 'Their'} instances are being stopped, paused ones at the end of their pause; "berth ps" shows them until they are gone.\n`,
      );
    });
}
