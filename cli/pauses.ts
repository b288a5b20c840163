import type { Command } from 'commander';
import { clean } from './output/clean';
import { warnIfStale, withCoordinator } from './session';

const EXAMPLES = `
Examples:
  berth pauses
  berth pauses --json | jq -r '.pauses[] | select(.kind == "host") | .name'`;

export function registerPauses(program: Command): void {
  program
    .command('pauses')
    .description('list what is left alone, until when, by whom and why')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (options: { json?: boolean }, command: Command) => {
      const answer = await withCoordinator(command, (client) => client.listPauses({}));
      const { paint, printJson, printTable } = await import('./output/table.js');
      const { isoTime } = await import('../lib/iso-time.js');
      warnIfStale(answer.freshness);
      if (options.json === true) return printJson(answer);
      if (answer.pauses.length === 0) process.stdout.write('Nothing is paused.\n');
      else
        printTable(
          ['KIND', 'NAME', 'UNTIL', 'BY', 'REASON'],
          answer.pauses.map(({ kind, name, untilMs, by, reason }) => [
            ...[kind, clean(name), isoTime(untilMs), clean(by) || '-', clean(reason) || '-'],
          ]),
        );
      for (const { key, message, rule } of answer.problems)
        process.stdout.write(`\n${paint.red(clean(key))}: ${clean(message)} [${rule}]\n`);
    });
}
