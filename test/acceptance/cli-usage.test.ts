/** Help and bad usage of every command: nothing of a cluster is needed. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandResult } from '../support/cluster';
import { BERTH } from '../support/daemon';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'berth-test-usage-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function berth(args: readonly string[]): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BERTH, ...args], { cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

test.each([
  [''],
  ['apply'],
  ['plan'],
  ['ps'],
  ['services'],
  ['hosts'],
  ['why'],
  ['alarms'],
  ['rm'],
  ['history'],
  ['rollback'],
  ['scale'],
  ['promote'],
  ['freeze'],
  ['unfreeze'],
  ['cordon'],
  ['uncordon'],
  ['drain'],
  ['rebalance'],
  ['pause'],
  ['resume'],
  ['pauses'],
  ['version'],
  ['agent'],
  ['coordinator'],
])('help of berth %s shows examples', async (command) => {
  const { code, stdout } = await berth(command === '' ? ['--help'] : [command, '--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/\nExamples:\n {2}\S/);
  expect(stdout).toContain(`berth ${command}`);
});

test.each<[string, string[], RegExp]>([
  ['no command', [], /^Usage: berth/],
  ['an unknown command', ['pss'], /unknown command 'pss'/],
  ['help on an unknown command', ['pss', '--help'], /unknown command 'pss'/],
  ['an unknown option', ['ps', '--jsn'], /unknown option '--jsn'\n.*\(berth ps --help tells more\)/s],
  ['nothing to remove', ['rm'], /missing required argument 'service'/],
  ['a file without -f', ['apply', 'a.yaml'], /berth apply -f a\.yaml/],
  ['a file without -f, of a plan', ['plan', 'a.yaml'], /berth plan -f a\.yaml/],
  ['two files', ['apply', '-f', 'a', '-f', 'b'], /docker compose -f a -f b config \| berth apply -f -/],
  ['no file', ['apply'], /There is no compose\.yaml, .*Name one: -f FILE/],
  ['a timeout that is none', ['apply', '--timeout', 'soon'], /"soon" is no number of seconds, and no time like 5m/],
  ['an address that is none', ['ps', '--coordinator', 'http://h:1'], /"http:\/\/h:1" is no address.*write host:port/],
])('bad usage ends with 64: %s', async (_, args, message) => {
  const { code, stdout, stderr } = await berth(args);
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
  expect(stderr).toMatch(message);
});
