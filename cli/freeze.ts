import type { Command } from 'commander';
import { clean } from './output/clean';
import { withCoordinator } from './session';
import { whoAmI } from './who-am-i';

const FREEZE_EXAMPLES = `
Nothing changes but repairs: crashed instances are restarted, those of lost hosts replaced. No
release is cut, no rollout goes on, nothing drains. What is applied meanwhile waits.

Examples:
  berth freeze web --reason "finance closes the month"
  berth freeze --reason "black friday"        the whole cluster
  berth pause web --for 1h                    not even repairs`;

const UNFREEZE_EXAMPLES = `
What was asked for meanwhile is done now.

Examples:
  berth unfreeze web
  berth unfreeze                              the cluster; services that are frozen themselves stay so`;

export function registerFreeze(program: Command): void {
  program
    .command('freeze')
    .description('change nothing but repairs, of a service or of the whole cluster')
    .argument('[service]', 'the cluster when none is named')
    .option('--reason <text>', 'for those who wonder', '')
    .option('--json', 'print JSON')
    .addHelpText('after', FREEZE_EXAMPLES)
    .action(async (service: string | undefined, options: { reason: string; json?: boolean }, command: Command) => {
      const request = { service: service ?? '', frozen: true, reason: options.reason, by: whoAmI() };
      const answer = await withCoordinator(command, (client) => client.changeFreeze(request), { isWrite: true });
      if (options.json === true) return void process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
      const { before } = answer;
      const already = before === undefined ? 'is frozen' : `was frozen already${by(before.by)}${why(before.reason)}`;
      const end = `berth unfreeze${service === undefined ? '' : ` ${service}`}`;
      process.stdout.write(`${service ?? 'The cluster'} ${already}: nothing changes but repairs. "${end}" ends it.\n`);
    });
}

export function registerUnfreeze(program: Command): void {
  program
    .command('unfreeze')
    .description('end a freeze')
    .argument('[service]', 'the cluster when none is named')
    .option('--json', 'print JSON')
    .addHelpText('after', UNFREEZE_EXAMPLES)
    .action(async (service: string | undefined, { json }: { json?: boolean }, command: Command) => {
      const request = { service: service ?? '', frozen: false, reason: '', by: whoAmI() };
      const answer = await withCoordinator(command, (client) => client.changeFreeze(request), { isWrite: true });
      if (json === true) return void process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
      const what = service ?? 'The cluster';
      process.stdout.write(
        answer.before === undefined
          ? `${what} was not frozen.\n`
          : `${what} is not frozen any more; what was asked for meanwhile is done now.\n`,
      );
      if (answer.cluster !== undefined)
        process.stderr.write(
          `Warning: the cluster is frozen${by(answer.cluster.by)}${answer.cluster.reason === '' ? '' : `: ${clean(answer.cluster.reason)}`}, and ${what} with it. "berth unfreeze" ends that.\n`,
        );
    });
}

function why(reason: string): string {
  return reason === '' ? '' : ` ("${clean(reason)}")`;
}

function by(who: string): string {
  return who === '' ? '' : ` by ${clean(who)}`;
}
