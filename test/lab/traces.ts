/** What a lab leaves on this machine when it ends, and how that is taken away. Nothing else is touched. */
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../support/wait';
import { run } from './command';
import { allFolders, type LabFolder } from './folder';
import { layOut } from './layout';
import { MARK } from './machine';

const CGROUPS = '/sys/fs/cgroup';
/** For the kernel to be done with namespaces whose last process has ended. */
const GONE_MS = 30_000;

/**
 * Ends every process of the lab but this one, and takes away its link, its cgroups and its folder.
 * @throws Error naming what is left
 */
export async function removeTraces(folder: LabFolder): Promise<void> {
  const { device } = layOut(folder.number, { hosts: 0, etcd: 0, coordinators: 0 }).uplink;
  await until(`the end of the processes of lab ${folder.number}`, () => kill(processesOf(folder)), GONE_MS);
  await until(`the end of the link ${device}`, () => removeLink(device), GONE_MS);
  await until(`the end of the cgroups of lab ${folder.number}`, () => cgroupsOf(folder).every(removeTree), GONE_MS);
  folder.remove();
}

/**
 * Takes away what labs left whose supervisors are dead.
 * @returns their numbers
 */
export async function sweepDeadLabs(): Promise<readonly number[]> {
  const dead = allFolders().filter((folder) => !folder.isAlive() && folder.takeOver());
  for (const folder of dead) await removeTraces(folder);
  return dead.map(({ number }) => number);
}

/** What there is of a lab outside of its folder, and the folder: for whoever has to see that nothing is left. */
export function tracesOf(folder: LabFolder): readonly string[] {
  const { device } = layOut(folder.number, { hosts: 0, etcd: 0, coordinators: 0 }).uplink;
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return [
    ...processesOf(folder).map((pid) => `process ${pid}`),
    ...mounts.filter((line) => line.includes(` ${folder.path}/`)).map((line) => `mount ${line}`),
    ...(isLink(device) ? [`link ${device}`] : []),
    ...cgroupsOf(folder),
    ...(existsSync(folder.path) ? [folder.path] : []),
  ];
}

/** Every process that the lab's supervisor started, and their descendants but for those within containers. */
function processesOf(folder: LabFolder): readonly number[] {
  const mark = Buffer.from(`${MARK}=${folder.path}\0`);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`);
        const at = environment.indexOf(mark);
        return at === 0 || (at > 0 && environment[at - 1] === 0);
      } catch {
        return false;
      }
    })
    .map(Number);
}

function kill(pids: readonly number[]): boolean {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  }
  return pids.length === 0;
}

/** Of this process's network, which /sys need not be about. */
function isLink(device: string): boolean {
  const lines = readFileSync('/proc/self/net/dev', 'utf8').split('\n');
  return lines.some((line) => line.trimStart().startsWith(`${device}:`));
}

async function removeLink(device: string): Promise<boolean> {
  if (!isLink(device)) return true;
  // The kernel may be quicker.
  await run('ip', ['link', 'del', device]).catch(() => undefined);
  return false;
}

/** One in each hierarchy of version 1, one in all of version 2. */
function cgroupsOf({ cgroup }: LabFolder): readonly string[] {
  const hierarchies = existsSync(CGROUPS) ? readdirSync(CGROUPS).map((name) => join(CGROUPS, name)) : [];
  return [CGROUPS, ...hierarchies].map((hierarchy) => join(hierarchy, cgroup)).filter((path) => existsSync(path));
}

/** @returns whether all of it is gone; a process that is about to end still holds its own */
function removeTree(path: string): boolean {
  try {
    for (const entry of readdirSync(path, { withFileTypes: true }))
      if (entry.isDirectory()) removeTree(join(path, entry.name));
    rmdirSync(path);
  } catch {
    // Told by what is there afterwards.
  }
  return !existsSync(path);
}
