import type { Command } from 'commander';
import { warnIfStale, withCoordinator } from './session';

const EXAMPLES = `
The newest first: when it was cut, who wrote the document, the image and its digest, and what it
says otherwise than the one before. The last 10 are kept, and can be gone back to.

Examples:
  berth history web
  berth history web --json | jq '.releases[] | select(.whole) | .number'
  berth rollback web --to 5`;

export function registerHistory(program: Command): void {
  program
    .command('history')
    .description('list the releases of a service: when, who, which image, what changed')
    .argument('<service>')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (service: string, options: { json?: boolean }, command: Command) => {
      const answer = await withCoordinator(command, (client) => client.getHistory({ service }));
      const { printJson } = await import('./output/table.js');
      warnIfStale(answer.freshness);
      if (options.json === true) return printJson(answer);
      const { printHistory } = await import('./output/history.js');
      printHistory(service, answer);
    });
}
