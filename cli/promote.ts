import type { Command } from 'commander';
import { withCoordinator } from './session';

const EXAMPLES = `
Canaries (x-berth.canary) are watched, and wait for this; auto_promote does without.

Examples:
  berth promote web
  berth rollback web                     when they are no good`;

export function registerPromote(program: Command): void {
  program
    .command('promote')
    .description('let a rollout go on that waits with its canaries')
    .argument('<service>')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (service: string, { json }: { json?: boolean }, command: Command) => {
      const answer = await withCoordinator(command, (client) => client.promote({ service }), { isWrite: true });
      if (json === true) return void process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
      process.stdout.write(`${service}@${answer.release} is promoted; the rest follows.\n`);
    });
}
