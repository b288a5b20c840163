import type { Command } from 'commander';
import { CommandError, EXIT } from './exit-codes';
import { DEFAULT_TIMEOUT, readTimeout } from './follow';
import { clean } from './output/clean';
import { withCoordinator } from './session';
import { whoAmI } from './who-am-i';

const EXAMPLES = `
Changes deploy.replicas in the documents themselves, with everything else in them as it is, all of
them or none. Change your file too: the next "berth apply" writes what it says.

Examples:
  berth scale web=5
  berth scale web=5 worker=0 --wait

Exit codes: 0 written (and, with --wait, running), 1 could not be done, 2 refused, 4 --wait timed out.`;

/** What a count of a document may be. */
const MAX_REPLICAS = 2 ** 31 - 1;

interface Options {
  readonly wait?: boolean;
  readonly timeout: string;
  readonly json?: boolean;
}

export function registerScale(program: Command): void {
  program
    .command('scale')
    .description('run more or fewer instances of services')
    .argument('<service=count...>')
    .option('--wait', 'wait until as many run')
    .option('--timeout <time>', 'give up waiting after so long: seconds, or 5m', DEFAULT_TIMEOUT)
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (given: string[], { wait, timeout, json }: Options, command: Command) => {
      const services = given.map(readCount);
      const timeoutMs = await readTimeout(timeout);
      await withCoordinator(
        command,
        async (client) => {
          const answer = await client.scale({ services, by: whoAmI() });
          const say = (line: string): void => void (json === true || process.stdout.write(`${line}\n`));
          if (json === true) process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
          else {
            const { printRows } = await import('./output/table.js');
            printRows(
              answer.services.map(({ service, before, replicas }) => [
                ...[service, before === replicas ? `${replicas}, as before` : `${before} → ${replicas}`],
              ]),
            );
          }
          for (const { held } of answer.services) if (held !== '') process.stderr.write(`Warning: ${clean(held)}\n`);
          if (wait !== true) return;
          const { waitFor } = await import('./wait.js');
          await waitFor({ client, services: services.map(({ service }) => service), timeoutMs, say });
        },
        { isWrite: true },
      );
    });
}

function readCount(text: string): { readonly service: string; readonly replicas: number } {
  const [, service = '', count] = /^([^=]+)=(\d{1,10})$/.exec(text) ?? [];
  const replicas = Number(count);
  if (service === '' || replicas > MAX_REPLICAS)
    throw new CommandError(`"${text}" is no count of a service; write web=3`, EXIT.usage);
  return { service, replicas };
}
