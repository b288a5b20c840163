/** A process that takes all files that it may have, and runs a command then, and again when it has given them back. */
import { closeSync, openSync } from 'node:fs';
import { runCommand } from '../../agent/templates/command';

const run = (): Promise<string | undefined> =>
  runCommand({ command: 'true', env: {}, signal: new AbortController().signal });

async function main(): Promise<void> {
  const files: number[] = [];
  try {
    for (;;) files.push(openSync('/dev/null', 'r'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error;
  }
  const without = await run();
  for (const file of files) closeSync(file);
  const afterwards = await run();
  console.log(JSON.stringify([without ?? null, afterwards ?? null]));
}

void main();
