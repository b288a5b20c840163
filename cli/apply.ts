import type { Command } from 'commander';
import type { ApplyResponse } from '../lib/rpc/types';
import { findAndRead, type FileOptions } from './apply-file';
import type { ComposeFile } from './compose-file/compose-file';
import { CommandError, EXIT } from './exit-codes';
import { several, strayWord } from './file-words';
import { DEFAULT_TIMEOUT, readTimeout } from './follow';
import { clean } from './output/clean';
import { withCoordinator } from './session';
import { whoAmI } from './who-am-i';

const EXAMPLES = `
Examples:
  berth apply                               compose.yaml of this folder
  berth apply -f shop.yaml --wait           until everything runs as the file says
  docker compose config | berth apply -f -
  TAG=1.4.2 berth apply -f compose.yaml     \${TAG} in the file
  berth plan -f shop.yaml                   what it would change, on which host
  berth apply -f shop.yaml --at 4711-8f3a2c1d0b5e    only if nothing changed since that plan

The same file again, after its rollout failed, is another try.

Exit codes: 0 written (and, with --wait, landed), 1 could not be done, 2 refused, 3 rolled back, or
failed and stopped, 4 --wait timed out.`;

interface ApplyOptions extends FileOptions {
  readonly at?: string;
  readonly wait?: boolean;
  readonly timeout: string;
  readonly json?: boolean;
}

/** What a plan is called: an etcd revision and a hash. */
const PLAN = /^\d+-[0-9a-f]+$/;

/** Problems that are about a key rather than its value. */
const KEY_RULES = ['unknown-key', 'unsupported-key'];

export function registerApply(program: Command): void {
  program
    .command('apply')
    .description('run what a Compose file says')
    .option('-f, --file <file>', 'Compose file, or - for standard input (compose.yaml)', several)
    .option('--env-file <file>', 'variables for the file; a later one wins (.env beside it)', several)
    .option('-p, --project-name <name>', 'name of the project')
    .option('--at <plan>', 'refuse when anything changed since this plan ("berth plan" prints it)')
    .option('--wait', 'wait until every service runs as wanted')
    .option('--timeout <time>', 'give up waiting after so long: seconds, or 5m', DEFAULT_TIMEOUT)
    .option('--json', 'print JSON')
    .allowExcessArguments()
    .addHelpText('after', EXAMPLES)
    .action(async (options: ApplyOptions, command: Command) => {
      strayWord(command, 'apply');
      const timeoutMs = await readTimeout(options.timeout);
      if (options.at !== undefined && !PLAN.test(options.at))
        throw new CommandError(
          `--at: "${options.at}" is nothing that "berth plan" prints, like 4711-8f3a2c1d0b5e`,
          EXIT.usage,
        );
      const file = await findAndRead(options);
      for (const warning of file.warnings) process.stderr.write(`Warning: ${warning}\n`);
      const { project, services } = file;
      await withCoordinator(
        command,
        async (client) => {
          const answer = await client.apply({ project, services, by: whoAmI(), at: options.at ?? '' });
          if (options.json === true) process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
          if (answer.refused.length > 0)
            throw new CommandError(options.json === true ? '' : describeRefusal(answer.refused, file), EXIT.refused);
          if (options.json !== true) await printApplied(answer);
          if (options.wait !== true) {
            const isChanged = answer.applied.some(({ action }) => action !== 'unchanged');
            if (options.json !== true && isChanged) process.stdout.write('"berth ps" shows how it comes along.\n');
            return;
          }
          const { waitFor } = await import('./wait.js');
          const say = (line: string): void => void (options.json === true || process.stdout.write(`${line}\n`));
          await waitFor({ client, services: services.map(({ name }) => name), timeoutMs, say });
        },
        { isWrite: true },
      );
    });
}

async function printApplied({ applied }: ApplyResponse): Promise<void> {
  const { printRows } = await import('./output/table.js');
  printRows(applied.map(({ name, action }) => [name, action]));
  for (const { held } of applied) if (held !== '') process.stderr.write(`Warning: ${clean(held)}\n`);
}

export function describeRefusal(refused: ApplyResponse['refused'], file: ComposeFile): string {
  const troubles = refused.flatMap(({ name, problems }) =>
    problems.map(({ path, message, rule }) =>
      file.show(name, path, KEY_RULES.includes(rule), `${name}${path === '' ? '' : ` ${path}`}: ${message} [${rule}]`),
    ),
  );
  return `${troubles.join('\n\n')}\n\nRefused; nothing was written.`;
}
