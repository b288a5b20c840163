import type { Command } from 'commander';
import { clean } from './output/clean';
import { wantsJson, warnIfStale, withCoordinator } from './session';

const EXAMPLES = `
Some things happen by mistake more often than on purpose. Berth then does nothing, and waits for
a word: lost-hosts (too many hosts at once), deleted-services (too many services at once).

Examples:
  berth alarms
  berth alarms release lost-hosts        replaces what was on them
  berth alarms --json | jq -r '.alarms[].alarm.kind'`;

const RELEASE_EXAMPLES = `
Is about what the alarm names now; what is lost or deleted later is another one.

Examples:
  berth alarms release lost-hosts
  berth alarms release deleted-services`;

export function registerAlarms(program: Command): void {
  const alarms = program
    .command('alarms')
    .description('list what Berth does not do before an operator says so; or release it')
    .usage('[options] | release KIND')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES);
  alarms
    .command('release')
    .description('let Berth do what an alarm keeps it from')
    .argument('<kind>')
    .option('--json', 'print JSON')
    .addHelpText('after', RELEASE_EXAMPLES)
    .action(async (kind: string, _: unknown, command: Command) => {
      const json = wantsJson(command);
      const answer = await withCoordinator(command, (client) => client.releaseAlarm({ kind }), { isWrite: true });
      if (json) return void process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
      process.stdout.write(`${clean(kind)} is released: ${clean(answer.alarm.names.join(', '))}\n`);
    });
  alarms.action(async ({ json }: { json?: boolean }, command: Command) => {
    const answer = await withCoordinator(command, (client) => client.listAlarms({}));
    warnIfStale(answer.freshness);
    if (json === true) return void process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    if (answer.alarms.length === 0) return void process.stdout.write('No alarms.\n');
    const { printAlarms } = await import('./output/alarms.js');
    printAlarms(answer.alarms);
  });
}
