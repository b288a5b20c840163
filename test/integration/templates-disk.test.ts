/** Rendered files on a disk that is full, and in folders that come and go. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTemplates, type Templates } from '../../agent/templates/templates';
import { systemClock } from '../../lib/clock';
import { silentLogger } from '../../lib/log';
import { createFakeDiscovery, fakeEndpoint } from '../support/fake-discovery';
import { until } from '../support/wait';

let folder: string;
let templates: Templates;
const discovery = createFakeDiscovery();

const disk = (): string => join(folder, 'disk');
const dest = (): string => join(disk(), 'list');
const rules = (): readonly string[] => templates.problems.map(({ rule }) => rule);

/** So many instances, each of which takes 10 bytes. */
function web(count: number): void {
  const instances = Array.from({ length: count }, (_, index) => `${String(index + 1).padStart(4, '0')}-aaaa`);
  discovery.set(
    'web',
    instances.map((instance) => fakeEndpoint(instance)),
  );
}

const isListed = (count: number): Promise<boolean> =>
  until(`${count} in the file`, async () => (await readFile(dest(), 'utf8')).length === count * 10);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-disk-'));
  await writeFile(join(folder, 'src'), '{% for e in services.web %}{{ e.instance }}\n{% endfor %}');
  await mkdir(disk());
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'berth-test', disk()]);
  web(10);
  templates = await startTemplates({
    templates: [{ src: join(folder, 'src'), dest: dest(), reload: `echo >>${folder}/reloads`, interval: 100 }],
    ...{ stateDir: folder, discovery, clock: systemClock, random: () => 0, log: silentLogger },
    ...{ host: { name: 'h1', address: '10.0.0.1', labels: {} }, onProblems: () => undefined },
  });
  await isListed(10);
});
afterAll(async () => {
  await templates?.close();
  execFileSync('umount', [disk()]);
  await rm(folder, { recursive: true });
});

test('a disk that is full: the last good file stays, nothing is left beside it, and it mends by itself', async () => {
  await writeFile(join(disk(), 'other'), 'x'.repeat(8000));
  web(1000);
  await until('it is told', () => rules().includes('template-file'));
  expect(templates.problems[0]!.message).toMatch(/list: no space is left in .*ENOSPC/);
  await isListed(10);
  expect((await readdir(disk())).sort()).toEqual(['list', 'other']);
  await rm(join(disk(), 'other'));
  await isListed(1000);
  await until('it is over', () => rules().length === 0);
});

test('a file that somebody edited is made again, and reloaded', async () => {
  await until('the reload', async () => (await readFile(join(folder, 'reloads'), 'utf8')).length === 2);
  await writeFile(dest(), 'mine');
  await isListed(1000);
  await until('another reload', async () => (await readFile(join(folder, 'reloads'), 'utf8')).length === 3);
});

test('an edited template is taken when it is whole; one with a slip is told, and the last good one goes on', async () => {
  await writeFile(join(folder, 'src'), '{% for e in services.web %}{{ e.instance }}');
  await until('it is told', () => rules().includes('template'));
  web(3);
  await isListed(3);
  await writeFile(join(folder, 'src'), '{{ services.web.size }} instance');
  await until('the new one', async () => (await readFile(dest(), 'utf8')) === '3 instance');
  await until('it is over', () => rules().length === 0);
});
