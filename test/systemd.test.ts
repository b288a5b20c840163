/** The units are as systemd wants them, and the settings beside them are as the daemons want them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAgentConfig, loadCoordinatorConfig } from '../lib/config/daemons';

const DAEMONS = ['berth-agent.service', 'berth-coordinator.service'];
const UNITS = [...DAEMONS, 'berth-agent-dns.socket', 'berth-agent-dns.service'];
let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'berth-units-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const runnable = (unit: string): string => unit.replace('/usr/bin/berth', '/bin/true');

/** @returns what systemd-analyze has to say about a unit whose program is one that is there */
function verify(name: string, text: string): { status: number | null; output: string } {
  // They name one another.
  for (const each of UNITS) writeFileSync(join(folder, each), runnable(readFileSync(`systemd/${each}`, 'utf8')));
  const file = join(folder, name);
  writeFileSync(file, runnable(text));
  // The generators of other packages are not ours to judge.
  const { status, stdout, stderr } = spawnSync(
    'systemd-analyze',
    ['verify', '--man=no', '--recursive-errors=no', file],
    { encoding: 'utf8' },
  );
  const lines = (stdout + stderr).split('\n').filter((line) => line.includes(name) || line.includes(folder));
  return { status, output: lines.join('\n') };
}

const hasSystemd = process.env['BERTH_TEST_UNIT_ONLY'] !== '1';
const onSystemd = hasSystemd ? test.each(UNITS) : test.each([] as string[]);

if (hasSystemd) {
  onSystemd('%s is clean', (name) => {
    expect(verify(name, readFileSync(`systemd/${name}`, 'utf8'))).toEqual({ status: 0, output: '' });
  });

  onSystemd('a slip in %s would be noticed', (name) => {
    const { output } = verify(
      name,
      readFileSync(`systemd/${name}`, 'utf8').replace('StartLimitIntervalSec=0', 'StartLimitInterval_=0'),
    );
    expect(output).toMatch(/Unknown key.*StartLimitInterval_/);
  });
}

test('the settings beside the units are taken', () => {
  const file = (name: string): { name: string; text: string } => ({
    name,
    text: readFileSync(`systemd/${name}`, 'utf8'),
  });
  expect(loadAgentConfig({ flags: {}, env: {}, file: file('agent.yaml') }).labels).toEqual({ zone: 'a', disk: 'ssd' });
  expect(loadCoordinatorConfig({ flags: {}, env: {}, file: file('coordinator.yaml') }).etcd).toHaveLength(3);
});

test('a folder that the documented drop-in lets the agent write to may be missing: without "-" the unit would not start', () => {
  const drops = [...readFileSync('docs/discovery.md', 'utf8').matchAll(/^ReadWritePaths=(.*)$/gm)];
  const paths = drops.flatMap(([, all]) => all!.split(' '));
  expect(paths).toContain('-/etc/haproxy');
  expect(paths.filter((path) => !path.startsWith('-/'))).toEqual([]);
});

test('the program that the units start is the one that the README installs', () => {
  const starts = DAEMONS.map((name) => /^ExecStart=(.*)$/m.exec(readFileSync(`systemd/${name}`, 'utf8'))?.[1]);
  expect(starts).toEqual(['/usr/bin/berth agent', '/usr/bin/berth coordinator']);
  expect(execFileSync('grep', ['-c', '/usr/bin/berth', 'README.md'], { encoding: 'utf8' }).trim()).not.toBe('0');
});
