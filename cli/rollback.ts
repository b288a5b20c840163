import type { Command } from 'commander';
import { CommandError, EXIT } from './exit-codes';
import { DEFAULT_TIMEOUT, readTimeout } from './follow';
import { withCoordinator } from './session';
import { whoAmI } from './who-am-i';

const EXAMPLES = `
The older release itself is rolled out again: the same bits, environment, config and limits, within
the limits of rollback_config. It stays until the document or the config changes.

Examples:
  berth rollback web                     to the last whole release before the present one
  berth rollback web --to 5 --wait
  berth history web                      what there is to go back to

Exit codes: 0 asked for (and, with --wait, landed), 1 could not be done, 2 refused, 3 it failed too,
4 --wait timed out.`;

interface Options {
  readonly to?: string;
  readonly wait?: boolean;
  readonly timeout: string;
  readonly json?: boolean;
}

export function registerRollback(program: Command): void {
  program
    .command('rollback')
    .description('go back to an older release of a service')
    .argument('<service>')
    .option('--to <number>', 'this release (the last whole one before the present one)')
    .option('--wait', 'wait until it runs')
    .option('--timeout <time>', 'give up waiting after so long: seconds, or 5m', DEFAULT_TIMEOUT)
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (service: string, { to, wait, timeout, json }: Options, command: Command) => {
      const release = to === undefined ? 0 : readRelease(to, service);
      const timeoutMs = await readTimeout(timeout);
      await withCoordinator(
        command,
        async (client) => {
          const answer = await client.rollback({ service, release, by: whoAmI() });
          const say = (line: string): void => void (json === true || process.stdout.write(`${line}\n`));
          if (json === true) process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
          const direction = answer.release < answer.from ? 'goes back' : 'goes';
          say(`${service} ${direction} from @${answer.from} to @${answer.release}.`);
          if (wait !== true)
            return say(`"berth history ${service}" and "berth ps ${service}" show how it comes along.`);
          const { waitFor } = await import('./wait.js');
          const targets = new Map([[service, answer.release]]);
          await waitFor({ client, services: [service], targets, timeoutMs, say });
        },
        { isWrite: true },
      );
    });
}

/** @param text "5", "@5" or "web@5" */
function readRelease(text: string, service: string): number {
  const number = Number(/^@?([1-9]\d{0,14})$/.exec(text.replace(`${service}@`, '@'))?.[1] ?? NaN);
  if (Number.isNaN(number)) throw new CommandError(`"${text}" is no number of a release; write --to 5`, EXIT.usage);
  return number;
}
