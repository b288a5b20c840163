/** What commands that read a Compose file have in common. */
import type { Command } from 'commander';
import { CommandError, EXIT } from './exit-codes';

export const several = (one: string, before: readonly string[] = []): readonly string[] => [...before, one];

/** @throws CommandError for a file without -f, which Docker Compose would not take either */
export function strayWord({ args: [stray] }: Command, name: string): void {
  if (stray === undefined) return;
  throw new CommandError(
    `"${stray}" is one word too many; a file is named by -f: berth ${name} -f ${stray}`,
    EXIT.usage,
  );
}
