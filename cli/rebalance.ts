import type { Command } from 'commander';
import { CommandError, EXIT } from './exit-codes';
import { clean } from './output/clean';
import { warnIfStale, withCoordinator } from './session';

const EXAMPLES = `
Nothing moves by itself when a host comes or a label changes. This shows what would be better off
elsewhere, the most urgent first, and moves it with --yes, within the update limits of each service.

Examples:
  berth rebalance                        what would move, 10 at most
  berth rebalance --max-moves 50
  berth rebalance --max-moves 50 --yes`;

const DEFAULT_MOVES = '10';

interface Options {
  readonly maxMoves: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function registerRebalance(program: Command): void {
  program
    .command('rebalance')
    .description('show what would be better off on other hosts, and move it with --yes')
    .option('--max-moves <number>', 'so many at most', DEFAULT_MOVES)
    .option('--yes', 'move them')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async ({ maxMoves, yes, json }: Options, command: Command) => {
      if (!/^[1-9]\d{0,3}$/.test(maxMoves))
        throw new CommandError(`"${maxMoves}" is no number of moves; write --max-moves 10`, EXIT.usage);
      const request = { maxMoves: Number(maxMoves), isPreview: yes !== true };
      const answer = await withCoordinator(command, (client) => client.rebalance(request), { isWrite: yes === true });
      warnIfStale(answer.freshness);
      if (json === true) return void process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
      if (answer.moves.length === 0)
        return void process.stdout.write(
          'Nothing would be better off elsewhere. Services in the middle of a rollout are not looked at.\n',
        );
      const { printTable } = await import('./output/table.js');
      printTable(
        ['INSTANCE', 'FROM', 'TO', 'WHY'],
        answer.moves.map(({ id, from, to, reason }) => [id, from, to, clean(reason)]),
      );
      process.stdout.write(
        yes === true
          ? '\nThey move within the update limits of their services; "berth services" shows how it comes along.\n'
          : `\nNothing moved. To move them: berth rebalance --max-moves ${maxMoves} --yes\n`,
      );
    });
}
