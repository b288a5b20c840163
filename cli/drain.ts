import type { Command } from 'commander';
import type { ChangeHostResponse } from '../lib/rpc/types';
import { DEFAULT_TIMEOUT, readTimeout } from './follow';
import { instances, warnOfLost } from './output/host-words';
import { withCoordinator } from './session';
import { whoAmI } from './who-am-i';

const EXAMPLES = `
Each instance is made elsewhere, and then stopped here, within the update limits of its service.
What has no other place stays, and runs on. The host gets nothing new until "berth uncordon".

Examples:
  berth drain h2 --reason "new disk"
  berth drain h2 --wait                  until it is empty
  berth drain h2 --wait --timeout 30m && ssh h2 reboot

Exit codes: 0 asked for (and, with --wait, empty), 1 could not be done, 4 --wait timed out: what is
left, and why, is told.`;

interface Options {
  readonly reason: string;
  readonly wait?: boolean;
  readonly timeout: string;
  readonly json?: boolean;
}

export function registerDrain(program: Command): void {
  program
    .command('drain')
    .description('move everything away from a host')
    .argument('<host>')
    .option('--reason <text>', 'for those who wonder', '')
    .option('--wait', 'wait until nothing is left on it')
    .option('--timeout <time>', 'give up waiting after so long: seconds, or 5m', DEFAULT_TIMEOUT)
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (host: string, { reason, wait, timeout, json }: Options, command: Command) => {
      const timeoutMs = await readTimeout(timeout);
      await withCoordinator(
        command,
        async (client) => {
          const answer = await client.changeHost({ host, action: 'drain', reason, by: whoAmI() });
          if (json === true) process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
          else printDrain(host, answer);
          if (wait !== true) return;
          const { waitForDrain } = await import('./wait-for-drain.js');
          const say = (line: string): void => void (json === true || process.stdout.write(`${line}\n`));
          await waitForDrain({ client, host, timeoutMs, say });
          say(`${host} is empty. It gets nothing until "berth uncordon ${host}".`);
        },
        { isWrite: true },
      );
    });
}

function printDrain(host: string, answer: ChangeHostResponse): void {
  warnOfLost(host, answer);
  if (answer.schedulableHosts === 0)
    process.stderr.write(
      'Warning: no host is left that takes instances: nothing can move, and everything stays where it is. Nothing is stopped.\n',
    );
  const what =
    answer.instances === 0
      ? 'nothing is on it'
      : answer.schedulableHosts === 0
        ? `its ${instances(answer.instances)} stay, until another host takes instances ("berth uncordon" of one, or a new one)`
        : `its ${instances(answer.instances)} move away within the update limits of their services`;
  process.stdout.write(
    `${host} ${answer.changed ? 'is draining' : 'was draining already'}: ${what}. "berth uncordon ${host}" ends it.\n`,
  );
}
