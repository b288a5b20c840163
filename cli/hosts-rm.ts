import type { Command } from 'commander';
import { clean } from './output/clean';
import { instances } from './output/host-words';
import { wantsJson, withCoordinator } from './session';

const EXAMPLES = `
A lost host is forgotten, and its pauses with it: its places are free, also those of instances whose
volumes it has. Its layer of config stays, for a host that takes its name. A host that lives is
refused: drain it, stop its agent, then remove it.

Examples:
  berth hosts rm h3`;

export function registerHostsRm(hosts: Command): void {
  hosts
    .command('rm')
    .description('forget a host that is lost')
    .argument('<host>')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (host: string, _: unknown, command: Command) => {
      const json = wantsJson(command);
      const answer = await withCoordinator(command, (client) => client.removeHost({ host }), { isWrite: true });
      if (json) return void process.stdout.write(`${JSON.stringify({ removed: host, ...answer }, null, 2)}\n`);
      process.stdout.write(
        `${host} is forgotten${answer.instances === 0 ? '' : `; the places of its ${instances(answer.instances)} are free`}.\n`,
      );
      if (answer.pauses > 0) process.stdout.write(`${several(answer.pauses)} ended with it.\n`);
      if (answer.configKey !== '')
        process.stdout.write(
          `Its layer of config stays, for the next host of this name: "etcdctl del ${clean(answer.configKey)}" removes it.\n`,
        );
    });
}

function several(pauses: number): string {
  return pauses === 1 ? 'A pause' : `${pauses} pauses`;
}
