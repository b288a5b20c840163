/** Node with nothing of ours: what a figure of a daemon is compared with. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Runs `script` until `stop`. Settles when it has printed its first line, which is `line`. */
export async function startBareNode(script: string): Promise<{ pid: number; line: string; stop: () => void }> {
  // The kernel ends it with this process, however that ends.
  const args = ['--pdeathsig', 'KILL', process.execPath, '-e', script];
  const child: ChildProcess = spawn('setpriv', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [first] = (await once(child.stdout!, 'data')) as [Buffer];
  return { pid: child.pid!, line: first.toString().trim(), stop: () => void child.kill('SIGKILL') };
}

/** @returns milliseconds that `node -e 0` takes from its start to its end */
export function bareNodeStartMs(): number {
  const startedMs = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  return performance.now() - startedMs;
}
