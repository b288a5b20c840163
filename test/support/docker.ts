/** The real Docker Engine, by its own command line. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A service that does nothing until it is stopped, which it is at once. Its image is that of ensureTestImage(). */
export const IDLE = 'image: berth-test/busybox:1\ncommand: sleep 86400\nstop_signal: SIGKILL\n';

/** @returns standard output, trimmed */
export async function docker(...args: string[]): Promise<string> {
  return (await run('docker', args, { maxBuffer: 16e6 })).stdout.trim();
}

/** What a container is, as far as tests ask. */
export interface SeenContainer {
  readonly id: string;
  readonly instance: string;
  readonly state: string;
}

/** All containers of one cluster, on all of its hosts. */
export async function containersOf(prefix: string): Promise<readonly SeenContainer[]> {
  const format = '{{.ID}} {{.Label "berth.instance"}} {{.State}}';
  const lines = await docker('ps', '-a', '--no-trunc', '--filter', `label=berth.prefix=${prefix}`, '--format', format);
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '))
    .map(([id, instance, state]) => ({ id: id!, instance: instance!, state: state! }))
    .sort((a, b) => (a.instance < b.instance ? -1 : 1));
}

export async function removeContainers(prefix: string): Promise<void> {
  const containers = await containersOf(prefix);
  if (containers.length > 0) await docker('rm', '-f', ...containers.map(({ id }) => id));
}
