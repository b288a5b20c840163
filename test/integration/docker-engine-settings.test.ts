/** Settings that depend on what the Docker Engine of a host has: log drivers, runtimes, platforms, storage options. */
import { systemClock } from '../../lib/clock';
import { composed, type Composed } from '../support/composed';
import { docker } from '../support/docker';
import { recordLog } from '../support/recorded-log';
import { expectEngineError } from '../support/engine-subjects';

let of: Composed;
beforeEach(async () => void (of = await composed()));
afterEach(() => of.cleanUp());

describe('logging', () => {
  test.each<[string, string, object]>([
    ['nothing', 'init: false', { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } }],
    [
      'json-file without max-size is rotated all the same',
      'logging: { driver: json-file, options: { labels: team } }',
      { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3', labels: 'team' } },
    ],
    [
      'json-file as the operator has it',
      'logging: { options: { max-size: 1m, tag: "{{.Name}}" } }',
      { Type: 'json-file', Config: { 'max-size': '1m', tag: '{{.Name}}' } },
    ],
    ['local', 'logging: { driver: local, options: { max-file: 2 } }', { Type: 'local', Config: { 'max-file': '2' } }],
    ['none', 'logging: { driver: none }', { Type: 'none', Config: {} }],
    [
      'syslog',
      'logging: { driver: syslog, options: { syslog-address: "udp://127.0.0.1:514" } }',
      { Type: 'syslog', Config: { 'syslog-address': 'udp://127.0.0.1:514' } },
    ],
  ])('%s', async (_, lines, wanted) => {
    const id = await of.start(`${lines}\ncommand: sh -c "echo said; exec sleep 300"`);
    expect((await of.inspect(id)).HostConfig.LogConfig).toEqual(wanted);
    if (!/"(json-file|local)"/.test(JSON.stringify(wanted))) return;
    expect(await docker('logs', id)).toBe('said');
  });

  test('a driver that the host does not have, and an option that the driver does not know', async () => {
    await expectEngineError(of.start('logging: { driver: nosuch }'), expect.any(String) as never, /nosuch/);
    const unknown = of.start('logging: { options: { nosuch: x } }', 2);
    await expectEngineError(unknown, expect.any(String) as never, /unknown log opt 'nosuch'/);
  });
});

test('the last lines of a container with a terminal can be read', async () => {
  const id = await of.start('tty: true\ncommand: sh -c "echo one; echo two; exec sleep 300"');
  const request = { lines: 1, sinceMs: 0, untilMs: Date.now() + 60_000 };
  for (const endMs = Date.now() + 10_000; !(await of.engine.logTail(id, request)).includes('two');)
    if (Date.now() > endMs) throw new Error('never said');
  expect(await of.engine.logTail(id, request)).toEqual(['two']);
});

test('runtime: the one that is there, and what Docker says of another', async () => {
  expect((await of.inspect(await of.create('runtime: runc'))).HostConfig.Runtime).toBe('runc');
  await expectEngineError(of.create('runtime: nosuch', 2), 'bad-request', /unknown.*runtime.*nosuch/i);
});

test('platform: the host’s own, and what Docker says of another', async () => {
  const { arch } = await of.engine.facts();
  const [own, other] = arch === 'x86_64' ? ['amd64', 'arm64'] : ['arm64', 'amd64'];
  await of.create(`platform: linux/${own}`);
  await expectEngineError(of.create(`platform: linux/${other}`, 2), expect.any(String) as never, /platform|image/i);
});

test('storage_opt: taken where the storage driver has it, else Docker’s reason', async () => {
  const making = of.create('storage_opt: { size: 1G }').then(
    async (id) => JSON.stringify((await of.inspect(id)).HostConfig.StorageOpt),
    (error: Error) => error.message,
  );
  expect(await making).toMatch(/^\{"size":"1G"\}$|--storage-opt is supported only for/);
});

test('what Docker leaves out is told', async () => {
  const { log, lines } = recordLog(systemClock);
  const logged = await composed(log);
  try {
    await logged.create('blkio_config: { weight: 300 }');
    const { HostConfig } = await of.inspect((await logged.engine.list())[0]!.id);
    const warnings = lines.map(({ message }) => message);
    expect(warnings).toEqual(HostConfig.BlkioWeight === 300 ? [] : ['Docker leaves out a setting']);
  } finally {
    await logged.cleanUp();
  }
});

test('a limit of the engine is no limit of the address: very much environment arrives', async () => {
  const big = 'x'.repeat(100_000);
  const id = await of.start(`environment: { A: "${big}", B: "${big}" }`);
  expect(await of.inside(id, 'echo ${#A} ${#B}')).toBe('100000 100000');
});
