import { Command, CommanderError } from 'commander';
import { VERSION } from '../lib/version';
import { registerAgent } from './agent';
import { registerAlarms } from './alarms';
import { registerApply } from './apply';
import { registerCordon, registerUncordon } from './cordon';
import { registerCoordinator } from './coordinator';
import { registerDns } from './dns';
import { registerDrain } from './drain';
import { registerEndpoints } from './endpoints';
import { registerFreeze, registerUnfreeze } from './freeze';
import { registerHistory } from './history';
import { registerPlan } from './plan';
import { registerPromote } from './promote';
import { registerRebalance } from './rebalance';
import { registerRedeploy } from './redeploy';
import { registerRollback } from './rollback';
import { registerScale } from './scale';
import { CommandError, EXIT } from './exit-codes';
import { registerHosts } from './hosts';
import { registerPause } from './pause';
import { registerPauses } from './pauses';
import { registerPs } from './ps';
import { registerResume } from './resume';
import { registerRm } from './rm';
import { registerServices } from './services';
import { registerWhy } from './why';
import { registerVersion } from './version';

const EXAMPLES = `
Examples:
  berth apply -f compose.yaml          run what the file says
  berth plan -f compose.yaml           what it would change, on which host
  docker compose config | berth apply -f -
  berth ps                             every instance, where it is and how it does
  berth services --json                for scripts
  berth why web                        what it waits for, and why
  berth rm web                         stop and remove a service
  berth pause web --for 1h             leave a service alone for an hour

Where the coordinator is: --coordinator, or BERTH_COORDINATOR (127.0.0.1:7420 unless given).`;

export function createProgram(): Command {
  const program = new Command('berth')
    .description('Runs containers on your own hosts with Docker Engine, etcd and systemd.')
    .option('--coordinator <host:port>', 'coordinator to ask')
    .version(VERSION, '-V, --version')
    .addHelpText('after', EXAMPLES)
    .configureHelp({ showGlobalOptions: true });
  for (const register of [
    registerApply,
    registerPlan,
    registerPs,
    registerServices,
    registerHosts,
    registerEndpoints,
    registerDns,
    registerWhy,
    registerAlarms,
    registerRm,
    registerHistory,
    registerRedeploy,
    registerRollback,
    registerScale,
    registerPromote,
    registerFreeze,
    registerUnfreeze,
    registerCordon,
    registerUncordon,
    registerDrain,
    registerRebalance,
    registerPause,
    registerResume,
    registerPauses,
    registerVersion,
    registerAgent,
    registerCoordinator,
  ])
    register(program);
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    const above = command.parent === null || command.parent === program ? [] : [command.parent.name()];
    const words = command === program ? [] : [...above, command.name()];
    command.exitOverride().showHelpAfterError(`(${['berth', ...words].join(' ')} --help tells more)`);
  }
  return program;
}

/** @returns the exit code */
export async function run(argv: readonly string[]): Promise<number> {
  try {
    const program = createProgram();
    await program.parseAsync(isKnown(program, argv[2]) ? [...argv] : argv.slice(0, 3));
    return process.exitCode === undefined ? EXIT.ok : Number(process.exitCode);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (error instanceof CommandError) {
      if (error.message !== '') process.stderr.write(`${error.message}\n`);
      return error.exitCode;
    }
    throw error;
  }
}

/** Asked for help on a command that is not there, commander would tell of all the others and call it a success. */
function isKnown({ commands }: Command, word: string | undefined): boolean {
  if (word === undefined || word.startsWith('-') || word === 'help') return true;
  return commands.some((command) => command.name() === word || command.aliases().includes(word));
}
