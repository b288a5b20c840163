import type { Command } from 'commander';
import { warnIfStale, warnOfAlarms, withCoordinator } from './session';

const EXAMPLES = `
Examples:
  berth why web                          a service: its document, rollout, instances, and what is in their way
  berth why web-1-x7k2                   one instance: what it does, and how it ended last
  berth why web --json | jq '.fits[] | select(.reasons == []) | .hosts'`;

export function registerWhy(program: Command): void {
  program
    .command('why')
    .description('say why a service or an instance is as it is')
    .argument('<name>', 'a service, or the id of an instance')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, options: { json?: boolean }, command: Command) => {
      const answer = await withCoordinator(command, (client) => client.why({ name }));
      warnIfStale(answer.freshness);
      if (options.json === true) return void process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
      warnOfAlarms(answer.alarms);
      if (answer.isInstance) (await import('./output/why-instance.js')).printInstance(answer);
      else (await import('./output/why.js')).printService(answer);
    });
}
