import type { Command } from 'commander';
import { nearestName } from '../lib/nearest';
import type { AgentStatus } from '../lib/rpc/types';
import { DEFAULT_SOCKET, withAgent } from './agent-session';
import { CommandError } from './exit-codes';
import { clean } from './output/clean';

const EXAMPLES = `
From the agent of this host alone: etcd and coordinators may be gone.

Examples:
  berth agent status                what should run here, what runs, and what is done next
  berth agent status web-1-x7k2     all that is known of one instance, its last log lines too
  berth agent status --json | jq -r '.instances[] | select(.outlook.step != "") | .id'`;

interface Options {
  readonly socket?: string;
  readonly json?: boolean;
}

export function registerAgentStatus(agent: Command): void {
  agent
    .command('status')
    .description('what the agent of this host knows, without etcd or a coordinator')
    .argument('[instance]', 'all that is known of this one')
    .option('--socket <path>', `socket of the agent (BERTH_SOCKET, else ${DEFAULT_SOCKET})`)
    .option('--json', 'print JSON')
    .configureHelp({ showGlobalOptions: false })
    .addHelpText('after', EXAMPLES)
    .action(async (instance: string | undefined, { json }: Options, command: Command) => {
      // The daemon has a flag of this name, and takes what is given here for its own.
      const { socket } = command.optsWithGlobals<Options>();
      const status = await withAgent(socket, (client) => client.getStatus({}));
      const found = instance === undefined ? undefined : status.instances.find(({ id }) => id === instance);
      if (instance !== undefined && found === undefined) throw new CommandError(whyNone(instance, status));
      if (json === true) return void process.stdout.write(`${JSON.stringify(found ?? status, null, 2)}\n`);
      const { printHost, printInstance } = await import('./output/agent-status.js');
      if (found === undefined) printHost(status);
      else printInstance(found);
    });
}

function whyNone(instance: string, { host, instances }: AgentStatus): string {
  const nearest = nearestName(
    instance,
    instances.map(({ id }) => id),
  );
  return `There is no instance "${clean(instance)}" on ${host}${nearest === undefined ? '' : ` (did you mean "${nearest}"?)`}.`;
}
