import type { Command } from 'commander';
import { DEFAULT_TIMEOUT, readTimeout } from './follow';
import { withCoordinator } from './session';

const EXAMPLES = `
Examples:
  berth rm web
  berth rm web api         both, or neither when one is not there, or is frozen
  berth rm web --wait      until its last instance is gone

Exit codes: 0 removed (and, with --wait, gone), 1 could not be done, 2 refused, 4 --wait timed out:
what is left, and why, is told.`;

interface Options {
  readonly wait?: boolean;
  readonly timeout: string;
  readonly json?: boolean;
}

export function registerRm(program: Command): void {
  program
    .command('rm')
    .description('remove services: their instances are stopped, with their grace period, and removed')
    .argument('<service...>', 'services to remove')
    .option('--wait', 'wait until none of their instances is left')
    .option('--timeout <time>', 'give up waiting after so long: seconds, or 5m', DEFAULT_TIMEOUT)
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (given: string[], { wait, timeout, json }: Options, command: Command) => {
      const services = [...new Set(given)];
      const timeoutMs = await readTimeout(timeout);
      await withCoordinator(
        command,
        async (client) => {
          await client.remove({ services });
          const say = (line: string): void => void (json === true || process.stdout.write(`${line}\n`));
          if (json === true) process.stdout.write(`${JSON.stringify({ removed: services }, null, 2)}\n`);
          for (const service of services) say(`${service} removed`);
          const whose = services.length === 1 ? 'Its' : 'Their';
          say(
            `${whose} instances are being stopped, paused ones at the end of their pause${wait === true ? '.' : '; "berth ps" shows them until they are gone.'}`,
          );
          if (wait !== true) return;
          const { waitForRemoval } = await import('./wait-for-removal.js');
          await waitForRemoval({ client, services, timeoutMs, say });
        },
        { isWrite: true },
      );
    });
}
