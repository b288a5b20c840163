import { Option, type Command } from 'commander';
import { CommandError, EXIT } from './exit-codes';
import { clean } from './output/clean';
import { withCoordinator } from './session';
import { whoAmI } from './who-am-i';

const DEFAULT_FOR = '1h';

const EXAMPLES = `
Hands off: nothing is started, stopped, replaced, moved or changed until the time is up, or until
"berth resume". Pausing again changes the end.

Examples:
  berth pause web-1-x7k2 --for 2h --reason "looking into its memory"
  berth pause web                          the service: no rollout, scaling or restarts for an hour
  berth pause h1 --for 1d                  all that is on a host
  berth pause db --kind host               when a service is called db too`;

interface Options {
  readonly for: string;
  readonly reason?: string;
  readonly kind?: string;
  readonly json?: boolean;
}

export function registerPause(program: Command): void {
  program
    .command('pause')
    .description('leave an instance, a service or a host alone for a while')
    .argument('<name>', 'an instance (its id), a service or a host')
    .option('--for <duration>', '30m, 2h, 1d, up to 30d', DEFAULT_FOR)
    .option('--reason <text>', 'for those who wonder')
    .addOption(kindOption())
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, options: Options, command: Command) => {
      const forMs = await readFor(options.for);
      const request = { name, forMs, kind: options.kind ?? '', reason: options.reason ?? '', by: whoAmI() };
      const { pause } = await withCoordinator(command, (client) => client.pause(request), { isWrite: true });
      if (options.json === true) return void process.stdout.write(`${JSON.stringify({ pause }, null, 2)}\n`);
      const { isoTime } = await import('../lib/iso-time.js');
      process.stdout.write(
        `${pause.kind} ${clean(pause.name)} is left alone until ${isoTime(pause.untilMs)}; "berth resume ${clean(pause.name)}" ends it before.\n`,
      );
    });
}

export function kindOption(): Option {
  return new Option('--kind <kind>', 'where the name alone does not tell').choices(['instance', 'service', 'host']);
}

async function readFor(text: string): Promise<number> {
  const { asDurationMs } = await import('../lib/config/parse.js');
  const { MAX_PAUSE_MS, MIN_PAUSE_MS } = await import('../lib/pauses.js');
  try {
    return asDurationMs(MIN_PAUSE_MS, MAX_PAUSE_MS)(text);
  } catch (error) {
    throw new CommandError(`--for: ${(error as Error).message}`, EXIT.usage);
  }
}
