import type { Command } from 'commander';
import type { ListedService } from '../lib/rpc/types';
import { clean } from './output/clean';
import { describeRefusals } from './output/host-words';
import { describeProblem } from './output/problem-text';
import { warnIfStale, warnOfAlarms, withCoordinator } from './session';

const EXAMPLES = `
Examples:
  berth services
  berth services --json | jq '.services[] | select(.status.accepted | not)'`;

export function registerServices(program: Command): void {
  program
    .command('services')
    .description('list services: what runs of them, their releases, and what is wrong with them')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (options: { json?: boolean }, command: Command) => {
      const answer = await withCoordinator(command, (client) => client.listServices({ services: [] }));
      const { paint, printJson, printTable } = await import('./output/table.js');
      const { reasonWord, releaseWord, stateWord } = await import('./output/service-words.js');
      warnIfStale(answer.freshness);
      if (options.json === true) return printJson(answer);
      warnOfAlarms(answer.alarms);
      if (answer.services.length === 0)
        return void process.stdout.write('No services. "berth apply -f compose.yaml" makes some.\n');
      printTable(
        ['SERVICE', 'MODE', 'RUNNING', 'RELEASE', 'ROLLOUT', 'IMAGE', 'PROJECT'],
        answer.services.map((service) => [
          service.name,
          service.mode || '-',
          `${service.status.running}/${service.status.wanted}`,
          releaseWord(service.status),
          stateWord(service),
          clean(service.image) || '-',
          service.project || '-',
        ]),
      );
      for (const { name, status } of answer.services) {
        const reason = reasonWord(status);
        if (reason !== '') process.stdout.write(`\n${paint.yellow(name)}: ${reason}\n`);
      }
      const paused = answer.services.filter(({ status }) => status.pause);
      if (paused.length > 0) {
        const { describePause } = await import('./output/pause-text.js');
        for (const { name, status } of paused)
          process.stdout.write(`\n${paint.yellow(name)}: ${describePause(status.pause!)}\n`);
      }
      for (const service of answer.services) printTroubles(service, paint.red);
    });
}

function printTroubles({ name, status }: ListedService, red: (text: string) => string): void {
  for (const problem of status.problems) process.stdout.write(`\n${red(name)}: ${describeProblem(problem)}\n`);
  if (status.placed >= status.wanted || status.unplaced.length === 0) return;
  process.stdout.write(`\n${red(name)}: no place for ${status.wanted - status.placed} of ${status.wanted}:\n`);
  for (const line of describeRefusals(status.unplaced)) process.stdout.write(`  ${line}\n`);
}
