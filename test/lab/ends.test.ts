/** What becomes of a lab when something dies, and what people can do with it from a shell. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PLAIN_ENVIRONMENT, type CommandResult } from '../support/cluster';
import { sourceCommand, startSource, type SourceProcess } from '../support/source-process';
import { until } from '../support/wait';
import { allFolders, LabFolder, startTicks } from './folder';
import { MAX_LABS } from './layout';
import { Lab } from './lab';
import { sweepDeadLabs, tracesOf } from './traces';
import type { LabStatus } from './verbs';

const TEST_MS = 120_000;
const PATIENCE_MS = 60_000;

/** As `npm run lab -- …` does. */
function cli(...words: string[]): Promise<CommandResult> {
  const args = [...sourceCommand('test/lab/cli.ts'), ...words];
  return new Promise((resolve) =>
    execFile(process.execPath, args, { env: PLAIN_ENVIRONMENT }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    ),
  );
}

/** Rejects when it ends. */
async function neverEnds(owner: SourceProcess): Promise<never> {
  throw new Error(`it ended with ${await owner.exit()}`);
}

test.each([
  ['the process that made it', (owner: number) => owner],
  ['its supervisor', (_: number, folder: LabFolder) => folder.pid!],
])(
  '%s killed: all of the lab is gone, and nothing else',
  async (_, victimOf) => {
    const other = await Lab.up({ hosts: 1 });
    const owner = startSource('test/lab/owner-process.ts', []);
    try {
      const line = await Promise.race([until('a lab', () => owner.lines.at(-1), TEST_MS), neverEnds(owner)]);
      const { number, machines } = JSON.parse(line) as LabStatus;
      const folder = new LabFolder(number);
      expect(number).not.toBe(other.folder.number);
      expect(tracesOf(folder).join('\n')).toMatch(/process \d+[^]*link berthlab\d[^]*cgroup[^]*berth-lab-/);
      const pids = machines.flatMap(({ parts }) => parts.map(({ pid }) => pid!));
      expect(pids.length).toBe(4);

      process.kill(victimOf(owner.child.pid!, folder), 'SIGKILL');
      await until('the end of it', () => tracesOf(folder).length === 0, PATIENCE_MS);
      for (const pid of pids) expect([pid, startTicks(pid)]).toEqual([pid, undefined]);
      expect(await other.status()).toEqual(other.made);
      expect(await other.docker('h1', 'images', '--quiet')).not.toBe('');
    } finally {
      await owner.stop();
      await other.down();
    }
    expect(tracesOf(other.folder)).toEqual([]);
  },
  TEST_MS,
);

/** The lab that a process makes, from when its supervisor has claimed it. */
function labOf(owner: number): LabFolder | undefined {
  // Field 4 of proc(5)'s stat.
  const parentOf = (pid: number): string | undefined =>
    readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[1];
  return allFolders().find(
    (folder) => folder.isAlive() && folder.pid !== undefined && parentOf(folder.pid) === String(owner),
  );
}

test(
  'its owner killed while the lab is being made: nothing is left of it',
  async () => {
    const owner = startSource('test/lab/owner-process.ts', []);
    try {
      const folder = await until('a claim', () => labOf(owner.child.pid!), PATIENCE_MS);
      await until('processes', () => tracesOf(folder).some((trace) => trace.startsWith('process ')), PATIENCE_MS);
      expect(owner.lines).toEqual([]);
      owner.child.kill('SIGKILL');
      await until('the end of it', () => tracesOf(folder).length === 0, PATIENCE_MS);
    } finally {
      await owner.stop();
    }
  },
  TEST_MS,
);

test(
  'a lab that can not be made says why, and goes',
  async () => {
    const made = expect(Lab.up({ hosts: 1, leaseTtl: 'long' })).rejects.toThrow(
      /ended \(64\).*--lease-ttl: "long" is not a duration/s,
    );
    const folder = await until('a claim', () => labOf(process.pid), PATIENCE_MS);
    await made;
    await until('the end of it', () => tracesOf(folder).length === 0, PATIENCE_MS);
  },
  TEST_MS,
);

test('what a dead lab left is swept, by one at a time; a lab that lives is not', async () => {
  const taken = new Set(allFolders().map(({ number }) => number));
  const number = Array.from({ length: MAX_LABS }, (_, index) => MAX_LABS - 1 - index).find((each) => !taken.has(each))!;
  const folder = new LabFolder(number);
  expect(folder.claim()).toBe(true);
  expect(folder.claim()).toBe(false);
  expect(folder.isAlive()).toBe(true);
  expect(await sweepDeadLabs()).not.toContain(number);
  expect(tracesOf(folder)).toEqual([folder.path]);

  // The same process id, of an earlier process.
  const record = JSON.parse(readFileSync(join(folder.path, 'lab.json'), 'utf8'));
  writeFileSync(join(folder.path, 'lab.json'), JSON.stringify({ ...record, startTicks: '1' }));
  mkdirSync(join(folder.path, 'h1/docker'), { recursive: true });
  expect(folder.isAlive()).toBe(false);
  expect(folder.takeOver()).toBe(true);
  expect(folder.takeOver()).toBe(false);
  expect(await sweepDeadLabs()).not.toContain(number); // it is this process's to take away
  folder.remove();
  expect(tracesOf(folder)).toEqual([]);

  // Killed before it could say whose it is, or while it was being removed: only once it is old.
  mkdirSync(join(folder.path, 'h1'), { recursive: true });
  expect(await sweepDeadLabs()).not.toContain(number);
  utimesSync(folder.path, 0, 0);
  expect(await sweepDeadLabs()).toContain(number);
  expect(tracesOf(folder)).toEqual([]);
});

test(
  'a lab whose supervisor hangs is taken away all the same',
  async () => {
    const lab = await Lab.up({ hosts: 1 });
    process.kill(lab.folder.pid!, 'SIGSTOP');
    expect(await cli('down', '--lab', String(lab.folder.number))).toMatchObject({ code: 0, stderr: '' });
    await until('the end of it', () => tracesOf(lab.folder).length === 0, PATIENCE_MS);
    await lab.down(); // nothing to do, and no trouble
  },
  TEST_MS,
);

test(
  'from a shell: up, status, a verb on some machines, down',
  async () => {
    const made = await cli('up', '2', '--lease-ttl', '2s', '--owner', String(process.pid));
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const number = /Lab (\d+) runs/.exec(made.stdout)![1]!;
    const coordinator = /export BERTH_COORDINATOR=(\S+)/.exec(made.stdout)![1]!;
    const folder = new LabFolder(Number(number));
    const status = async (): Promise<LabStatus> => JSON.parse((await cli('status', '--json', '--lab', number)).stdout);
    try {
      expect(await status()).toMatchObject({ owner: 'process', coordinators: [coordinator] });
      expect(await cli('kill', 'agent', 'h1', 'h2', '--lab', number)).toEqual({
        code: 0,
        stdout: '[lab] kill agent of h1: done\n[lab] kill agent of h2: done\n',
        stderr: '',
      });
      for (const { kind, parts } of (await status()).machines)
        if (kind === 'host') expect(parts.map(({ state }) => state)).toEqual(['running', 'ended']);
      expect(await cli('kill', 'agent', 'h3', '--lab', number)).toMatchObject({
        code: 64,
        stderr: 'lab: there is no h3 in this lab; there are e1, c1, h1, h2\n',
      });
      expect((await cli('status', '--lab', number)).stdout).toMatch(
        /h2 +\S+ +on +whole +engine running \(\d+\), agent ended/,
      );
    } finally {
      expect(await cli('down', '--lab', number)).toEqual({
        code: 0,
        stdout: `[lab] lab ${number} is gone\n`,
        stderr: '',
      });
    }
    expect(tracesOf(folder)).toEqual([]);
    expect(await cli('status', '--lab', number)).toMatchObject({ code: 1, stderr: `lab: there is no lab ${number}\n` });
  },
  TEST_MS,
);
