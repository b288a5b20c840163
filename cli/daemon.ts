/** What the two daemon commands share: their settings as flags, and the configuration file. */
import { readFileSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { CommandError, EXIT } from './exit-codes';
import { surviveBrokenPipe } from './output/broken-pipe';

export interface FlagDescription {
  readonly flag: string;
  readonly what: string;
}

export function addFlags(command: Command, flags: readonly FlagDescription[], configFile: string): void {
  for (const { flag, what } of flags) command.addOption(new Option(flag, what));
  command.option('--config <file>', `YAML file with the same names (${configFile} when it is there)`);
}

/** @returns undefined when there is none and none was asked for */
export function readConfigFile(given: string | undefined, usual: string): { name: string; text: string } | undefined {
  const name = given ?? process.env['BERTH_CONFIG'] ?? usual;
  try {
    return { name, text: readFileSync(name, 'utf8') };
  } catch (error) {
    const isUsual = given === undefined && process.env['BERTH_CONFIG'] === undefined;
    if (isUsual && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CommandError(`can not read the configuration file ${name}: ${(error as Error).message}`, EXIT.usage);
  }
}

/** Runs a daemon; a configuration that can't be used, or a port that is taken, is said plainly. */
export async function runDaemon(name: string, run: () => Promise<number>): Promise<void> {
  surviveBrokenPipe();
  const { ConfigError } = await import('../lib/config/settings.js');
  let code: number;
  try {
    code = await run();
  } catch (error) {
    if (error instanceof ConfigError) throw new CommandError(`${name}: ${error.message}`, EXIT.usage);
    if (error instanceof Error) throw new CommandError(`${name}: ${error.message}`);
    throw error;
  }
  // Whatever a library still has open must not keep a daemon that is done.
  process.exit(code);
}
