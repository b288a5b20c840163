/**
 * The folder of a lab, `/var/tmp/berth-lab-<number>`: its sockets, logs, disks, and what made it.
 *
 * INVARIANTS
 * - A number is one lab's: the folder is claimed by making it, and the link of the same number by adding it.
 * - A lab is alive as long as the process that `lab.json` names; everything of a dead one may be taken away.
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_LABS } from './layout';

/** On a disk on every system, and the same for everyone, whatever TMPDIR says: a number is one lab's on this machine. */
const LABS = '/var/tmp';
const PREFIX = 'berth-lab-';
/** Between making a folder and writing into it, at most. */
const CLAIM_MS = 10_000;

interface LabRecord {
  /** A process id, and when that process started in clock ticks since boot: ids are used again. */
  readonly pid: number;
  readonly startTicks: string;
}

export class LabFolder {
  readonly path: string;

  constructor(readonly number: number) {
    this.path = join(LABS, `${PREFIX}${number}`);
  }

  /** Where the supervisor listens for verbs. */
  get socket(): string {
    return join(this.path, 'lab.sock');
  }
  /** Parent of the cgroups of all containers of the lab. */
  get cgroup(): string {
    return `berth-lab-${this.number}`;
  }
  engineSocket(host: string): string {
    return join(this.path, host, 'docker.sock');
  }
  agentSocket(host: string): string {
    return join(this.path, host, 'agent.sock');
  }
  log(name: string): string {
    return join(this.path, 'logs', `${name}.log`);
  }
  disk(machine: string): string {
    return join(this.path, machine);
  }

  /** @returns false when this number is another lab's */
  claim(): boolean {
    try {
      mkdirSync(this.path, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
    mkdirSync(join(this.path, 'logs'));
    writeFileSync(`${this.recordFile}.new`, JSON.stringify(ownRecord()));
    renameSync(`${this.recordFile}.new`, this.recordFile);
    return true;
  }

  /** Whether a supervisor holds it, or is about to. */
  isAlive(): boolean {
    return this.isHeld(this.changedMs());
  }

  /** The supervisor's process, if there is a record of it. */
  get pid(): number | undefined {
    return readRecord(this.recordFile)?.pid;
  }

  /**
   * Holds a dead lab, so that nobody else takes it away at the same time: whoever is late would hit the next lab of
   * the same number.
   * @returns false when it is alive, gone, or held by another process
   */
  takeOver(): boolean {
    const changedMs = this.changedMs();
    try {
      const holder = readRecord(this.sweeperFile);
      if (holder !== undefined && !isRunning(holder)) rmSync(this.sweeperFile, { force: true });
      writeFileSync(this.sweeperFile, JSON.stringify(ownRecord()), { flag: 'wx' });
    } catch {
      return false;
    }
    if (!this.isHeld(changedMs)) return true;
    rmSync(this.sweeperFile, { force: true });
    return false;
  }

  /** Removes it. Its number is free only when all of it is gone. */
  remove(): void {
    const options = { recursive: true, force: true, maxRetries: 5, retryDelay: 200 };
    const last = [this.recordFile, this.sweeperFile];
    for (const name of readdirSync(this.path))
      if (!last.includes(join(this.path, name))) rmSync(join(this.path, name), options);
    const gone = `${this.path}.gone-${process.pid}`;
    renameSync(this.path, gone);
    rmSync(gone, options);
  }

  private isHeld(changedMs: number | undefined): boolean {
    const record = readRecord(this.recordFile);
    if (record !== undefined) return isRunning(record);
    return changedMs !== undefined && Date.now() - changedMs < CLAIM_MS;
  }

  /** When something was last put into it, or taken out. */
  private changedMs(): number | undefined {
    return statSync(this.path, { throwIfNoEntry: false })?.mtimeMs;
  }

  private get recordFile(): string {
    return join(this.path, 'lab.json');
  }
  private get sweeperFile(): string {
    return join(this.path, 'sweeper.json');
  }
}

/** Folders of all labs on this machine, alive or not. Only ours: anyone may write into /var/tmp. */
export function allFolders(): readonly LabFolder[] {
  return readdirSync(LABS)
    .map((name) => new RegExp(`^${PREFIX}(\\d{1,3})$`).exec(name)?.[1])
    .filter((number) => number !== undefined)
    .map((number) => new LabFolder(Number(number)))
    .filter(({ number, path }) => {
      const stat = lstatSync(path, { throwIfNoEntry: false });
      return number < MAX_LABS && stat?.isDirectory() === true && stat.uid === process.getuid!();
    })
    .sort((a, b) => a.number - b.number);
}

const ownRecord = (): LabRecord => ({ pid: process.pid, startTicks: startTicks(process.pid)! });
const isRunning = ({ pid, startTicks: ticks }: LabRecord): boolean => startTicks(pid) === ticks;

function readRecord(file: string): LabRecord | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as LabRecord;
  } catch {
    return undefined;
  }
}

/**
 * When a process started, in clock ticks since boot. Field 22 of proc(5)'s stat; the name before it, in parentheses,
 * may hold anything.
 * @returns undefined when it has ended, even if nobody has asked how
 */
export function startTicks(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
