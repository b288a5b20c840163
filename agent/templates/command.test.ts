import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sourceCommand } from '../../test/support/source-process';
import { until } from '../../test/support/wait';
import { MAX_OUTPUT, runCommand } from './command';

const never = new AbortController().signal;
const run = (command: string, timeoutMs = 20_000): Promise<string | undefined> =>
  runCommand({ command, env: { FILE: '/the file' }, timeoutMs, signal: never });

test.each<[string, string | undefined]>([
  ['true', undefined],
  ['test "$FILE" = "/the file"', undefined],
  ['test -n "$PATH"', undefined],
  ['cat', undefined],
  ['false', 'exited with 1'],
  ['echo out; echo err >&2; exit 7', 'exited with 7: out\nerr'],
  ['kill -TERM $$', 'was ended by SIGTERM'],
  ['no-such-program', 'exited with 127: /bin/sh: 1: no-such-program: not found'],
])('%s', async (command, why) => {
  expect(await run(command)).toBe(why);
});

test('what prints without end is kept to its end', async () => {
  const why = await run('yes | head -c 3000000; echo the end; exit 1');
  expect(why).toMatch(/^exited with 1: (y\n)+the end$/);
  expect(why!.length).toBeLessThan(MAX_OUTPUT + 20);
});

test('what the kernel does not even begin says so: a command that is too long, as one for which there is no memory', async () => {
  expect(await run(`true # ${'x'.repeat(200_000)}`)).toBe("can't be run: spawn E2BIG");
});

test('a process that has no files left says so, and runs commands again when it has some', async () => {
  const node = [process.execPath, ...sourceCommand('test/support/command-without-files.ts')];
  const { stdout } = await promisify(execFile)('sh', ['-c', 'ulimit -n 60 && exec "$0" "$@"', ...node]);
  const [without, afterwards] = JSON.parse(stdout) as (string | null)[];
  expect(without).toMatch(/^can't be run: .*EMFILE/);
  expect(afterwards).toBeNull();
});

describe('what it started', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-command-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const isAlive = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  const pidIn = (file: string): Promise<number> => readFile(join(folder, file), 'utf8').then(Number);

  test('ends with it when it takes too long', async () => {
    expect(await run(`sleep 600 & echo $! >${folder}/pid; echo waiting; wait`, 500)).toBe(
      'did not end within 0.5 s: waiting',
    );
    const pid = await pidIn('pid');
    await until('it is gone', () => !isAlive(pid));
  });

  test('ends with it when the agent stops', async () => {
    const stopping = new AbortController();
    const ended = runCommand({ command: `echo $$ >${folder}/pid; sleep 600`, env: {}, signal: stopping.signal });
    const pid = await until('it runs', () => pidIn('pid'));
    stopping.abort();
    expect(await ended).toBe('was ended, since the agent stops');
    await until('it is gone', () => !isAlive(pid));
    expect(await runCommand({ command: 'true', env: {}, signal: stopping.signal })).toBe('the agent stops');
  });

  test('and left behind, with its output open, is waited for by nobody', async () => {
    expect(await run(`sleep 600 & echo $! >${folder}/pid`, 15_000)).toBeUndefined();
    const pid = await pidIn('pid');
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
  });
});
