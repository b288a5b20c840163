import type { Command } from 'commander';
import type { CoordinatorCalls } from '../lib/rpc/types';
import { CommandError, EXIT } from './exit-codes';
import { DEFAULT_TIMEOUT, readTimeout } from './follow';
import { clean } from './output/clean';
import { withCoordinator } from './session';
import { whoAmI } from './who-am-i';

const EXAMPLES = `
A tag may have been moved in the registry: a host asks what it means now. When it means something
else, a new release is cut and rolled out, within the limits of update_config. When it means the
same, nothing happens; --force makes every instance anew all the same, as a rollout like any other.

Examples:
  berth redeploy web
  berth redeploy web --wait --reason "new base image"
  berth redeploy web --force --wait      no new image: fresh containers

Exit codes: 0 asked and, where it changed, rolled out (with --wait: landed), 1 could not be done, or
no registry says what the tag means, 2 refused, 3 rolled back, or failed and stopped, 4 timed out.`;

interface Options {
  readonly force?: boolean;
  readonly reason: string;
  readonly wait?: boolean;
  readonly timeout: string;
  readonly json?: boolean;
}

export function registerRedeploy(program: Command): void {
  program
    .command('redeploy')
    .description('ask anew what the tag of a service’s image means, and roll it out when that changed')
    .argument('<service>')
    .option('--force', 'make every instance anew, also with the same image')
    .option('--reason <text>', 'for those who read the history', '')
    .option('--wait', 'wait until it runs')
    .option('--timeout <time>', 'give up waiting after so long: seconds, or 5m', DEFAULT_TIMEOUT)
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (service: string, options: Options, command: Command) => {
      const timeoutMs = await readTimeout(options.timeout);
      await withCoordinator(command, (client) => redeploy(client, service, { ...options, timeoutMs }), {
        isWrite: true,
      });
    });
}

type Client = Pick<CoordinatorCalls, 'redeploy' | 'getHistory' | 'listServices' | 'listInstances'>;

async function redeploy(
  client: Client,
  service: string,
  { force = false, reason, wait, timeoutMs, json }: Options & { readonly timeoutMs: number },
): Promise<void> {
  const startedMs = performance.now();
  const answer = await client.redeploy({ service, force, reason, by: whoAmI() });
  if (answer.held !== '') process.stderr.write(`Warning: ${clean(answer.held)}\n`);
  const say = (line: string): void => void (json === true || process.stdout.write(`${line}\n`));
  if (answer.held !== '' && wait !== true) {
    if (json === true) process.stdout.write(`${JSON.stringify({ service, outcome: 'held', ...answer }, null, 2)}\n`);
    return say(`It is asked for then; "berth history ${service}" shows what came of it.`);
  }
  const { becomeOf, describe } = await import('./output/redeploy.js');
  const outcome = await becomeOf({ client, service, answer, timeoutMs, say });
  if (json === true) process.stdout.write(`${JSON.stringify(outcome, null, 2)}\n`);
  if (outcome.outcome === 'unknown') throw new CommandError(json === true ? '' : describe(outcome), EXIT.failed);
  say(describe(outcome));
  if (outcome.outcome !== 'released') return;
  if (wait !== true) return say(`"berth history ${service}" and "berth ps ${service}" show how it comes along.`);
  const { waitFor } = await import('./wait.js');
  const targets = new Map([[service, outcome.release]]);
  const leftMs = Math.max(1, timeoutMs - (performance.now() - startedMs));
  await waitFor({ client, services: [service], targets, timeoutMs: leftMs, say });
}
