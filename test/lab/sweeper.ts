import { spawn, type ChildProcess } from 'node:child_process';
import { sourceCommand } from '../support/source-process';

/**
 * A process that waits for the end of this one, however that comes, and then takes away what the kernel does not.
 * @returns it, for who has taken everything away by itself
 */
export function startSweeper(): ChildProcess {
  const command = [process.execPath, ...sourceCommand('test/lab/cli.ts'), 'sweep'];
  const sweeper = spawn('sh', ['-c', 'read -r _; exec "$@"', 'sh', ...command], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  sweeper.unref();
  return sweeper;
}
