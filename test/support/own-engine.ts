/** A Docker Engine of a test's own: it holds no images, trusts whom the test says, and may have a small disk. Needs root. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from './wait';

const run = promisify(execFile);

/** It has the machine's docker0, as any engine here, and no rules of its own: with --bridge=none it would delete that bridge. */
const FLAGS = ['--iptables=false', '--ip-forward=false', '--ip-masq=false', '--max-download-attempts=2'];
/** In a mount namespace, so that /etc/docker is the test's; it ends with the test, however that ends. */
const START = 'mkdir -p /etc/docker && mount --bind "$1" /etc/docker && shift && exec dockerd "$@"';

export interface OwnEngine {
  /** unix:///… */
  readonly address: string;
  /** Where it keeps images: a file system of its own when it was given a size. */
  readonly dataRoot: string;
  /** Docker's command line. @returns standard output, trimmed */
  docker(...args: string[]): Promise<string>;
  /** @param registry host:port @param ca of the authority that signed its certificate, PEM */
  trust(registry: string, ca: string): void;
  /** With all of its containers and images. */
  stop(): Promise<void>;
}

export async function startOwnEngine({ diskMegabytes = 0 } = {}): Promise<OwnEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-test-engine-'));
  const [etc, dataRoot, execRoot] = ['etc', 'data', 'exec'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const each of [etc, dataRoot, execRoot]) mkdirSync(each);
  if (diskMegabytes > 0) await run('mount', ['-t', 'tmpfs', '-o', `size=${diskMegabytes}m`, 'berth-test', dataRoot]);
  const address = `unix://${join(folder, 'docker.sock')}`;
  const places = ['--data-root', dataRoot, '--exec-root', execRoot, '--pidfile', join(folder, 'pid'), '-H', address];
  const flags = [...FLAGS, ...ownAddresses()];
  const program = ['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', START, 'sh', etc, ...places, ...flags];
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', ...program], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-10_000)));
  const exited = once(child, 'exit');
  const docker = async (...args: string[]): Promise<string> =>
    (await run('docker', ['-H', address, ...args], { maxBuffer: 16e6 })).stdout.trim();
  const stop = async (): Promise<void> => {
    const ids = await docker('ps', '-aq').catch(() => '');
    if (ids !== '') await docker('rm', '-fv', ...ids.split('\n'));
    child.kill('SIGTERM');
    await exited;
    await unmountUnder(folder);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until('the engine to answer', () => {
      if (child.exitCode !== null) throw new Error(said);
      return docker('version');
    });
  } catch (error) {
    await stop();
    throw new Error(`dockerd did not start: ${said}`, { cause: error });
  }
  const trust = (registry: string, ca: string): void => {
    const place = join(etc, 'certs.d', registry);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'ca.crt'), ca);
  };
  return { address, dataRoot, docker, trust, stop };
}

let started = 0;
/**
 * Engines that share a bridge know nothing of each other, and each would give its first container the bridge's second
 * address: a part of the bridge's network for each engine of each worker, far from where the machine's own begins.
 */
function ownAddresses(): readonly string[] {
  const address = networkInterfaces()['docker0']?.find(({ family }) => family === 'IPv4');
  // The first engine here makes the bridge.
  if (address === undefined) return [];
  if (!address.cidr!.endsWith('/16')) throw new Error(`docker0 is ${address.cidr}, where these tests count on a /16`);
  const part = 128 + ((Number(process.env.JEST_WORKER_ID ?? 0) * 8 + started++) % 127);
  return ['--fixed-cidr', address.cidr!.replace(/\.\d+\.\d+\/16$/, `.${part}.0/24`)];
}

/** What an engine has left mounted, the innermost first. */
export async function unmountUnder(folder: string): Promise<void> {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const ours = mounts.map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(`${folder}/`));
  if (ours.length > 0) await run('umount', ['--lazy', ...ours.reverse()]);
}
