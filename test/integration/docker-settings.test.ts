/** Every setting of a container arrives in a real Docker Engine, and does what it says. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ContainerInspectInfo } from 'dockerode';
import { createDockerEngine } from '../../agent/docker/dockerode-engine';
import type { Engine } from '../../agent/docker/engine';
import type { Ownership } from '../../agent/docker/list/labels';
import { systemClock } from '../../lib/clock';
import type { ContainerSpec } from '../../lib/documents/types';
import { silentLogger } from '../../lib/log';
import { ensureCheckedImage, ensureTestImage } from '../support/docker-images';
import { containerSpec, deploySpec, expectEngineError, newOwner, NO_MOUNT } from '../support/engine-subjects';

const run = promisify(execFile);
const docker = (...args: string[]): Promise<string> => run('docker', args).then(({ stdout }) => stdout.trim());

let image: string;
let owner: Ownership;
let engine: Engine;
let folder: string;

beforeAll(async () => void (image = await ensureTestImage()));
beforeEach(() => {
  owner = newOwner();
  folder = mkdtempSync(join(tmpdir(), 'berth-docker-'));
  engine = createDockerEngine({
    docker: 'unix:///var/run/docker.sock',
    ...owner,
    clock: systemClock,
    log: silentLogger,
  });
});
afterEach(async () => {
  const ids = await docker('ps', '-aq', '--filter', `label=berth.prefix=${owner.prefix}`);
  if (ids !== '') await docker('rm', '-fv', ...ids.split('\n'));
  rmSync(folder, { recursive: true, force: true });
});

const create = (changes: Partial<ContainerSpec>, publishedPorts: readonly number[] = []): Promise<string> =>
  engine.create({
    ...{ instance: `web-1-${owner.host}`, service: 'web', slot: 1, release: 1, spec: '1:abc', publishedPorts },
    ...{ container: containerSpec(image, changes), deploy: deploySpec(), config: {}, isJob: false },
  });
const inspect = async (id: string): Promise<ContainerInspectInfo> =>
  (JSON.parse(await docker('inspect', id)) as [ContainerInspectInfo])[0];
const inside = async (id: string, command: string): Promise<string> => docker('exec', id, 'sh', '-c', command);

test('the defaults are the safe ones', async () => {
  const { HostConfig } = await inspect(await create({}));
  expect(HostConfig).toMatchObject({
    RestartPolicy: { Name: 'no' },
    SecurityOpt: ['no-new-privileges:true'],
    PidsLimit: 4096,
    LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
    ...{ Privileged: false, ReadonlyRootfs: false, Memory: 0, NanoCpus: 0 },
  });
});

test('what the process sees is what was asked for', async () => {
  const id = await create({
    ...{ environment: { GREETING: 'a = b', EMPTY: '' }, user: '1000:1000', workingDir: '/tmp', hostname: 'pluto' },
    ...{ init: true, readOnly: true, ulimits: [{ name: 'nofile', soft: 123, hard: 456 }] },
    ...{ labels: { team: 'shop' }, project: 'demo', capAdd: ['NET_ADMIN'], capDrop: ['CHOWN'] },
    limits: { nanoCpus: 250_000_000, memoryBytes: 32 * 1024 ** 2, pids: 33 },
  });
  await engine.start(id);
  // Of the soft limit some versions of runc make the hard one in what `docker exec` runs.
  expect(await inside(id, 'echo "$GREETING|$EMPTY|$PWD|$(ulimit -Hn)"; id -u; cat /etc/hostname /proc/1/comm')).toBe(
    'a = b||/tmp|456\n1000\npluto\ndocker-init',
  );
  await expect(inside(id, 'touch /bin/x')).rejects.toThrow(/Read-only file system/);
  const { HostConfig, Config } = await inspect(id);
  expect(HostConfig).toMatchObject({
    ...{ NanoCpus: 250_000_000, Memory: 33_554_432, PidsLimit: 33, CapAdd: ['NET_ADMIN'], CapDrop: ['CHOWN'] },
    Ulimits: [{ Name: 'nofile', Soft: 123, Hard: 456 }],
  });
  expect(Config.Labels).toMatchObject({ team: 'shop', 'berth.project': 'demo', 'berth.release': 'web@1' });
});

test('entrypoint and command replace those of the image', async () => {
  const id = await create({ entrypoint: ['/bin/sh', '-c'], command: ['echo $0 $1; exec sleep 300', 'a'] });
  await engine.start(id);
  expect(await docker('logs', id)).toBe('a');
});

test('mounts: bind, volume, tmpfs', async () => {
  const made = join(folder, 'made');
  const id = await create({
    mounts: [
      { ...NO_MOUNT, type: 'bind', source: folder, target: '/given', readOnly: true },
      { ...NO_MOUNT, type: 'bind', source: made, target: '/made', createHostPath: true },
      {
        ...NO_MOUNT,
        type: 'bind',
        source: join(folder, 'also'),
        target: '/also',
        createHostPath: true,
        readOnly: true,
      },
      { ...NO_MOUNT, type: 'volume', target: '/anonymous' },
      { ...NO_MOUNT, type: 'tmpfs', target: '/scratch', tmpfsSizeBytes: 1024 ** 2, tmpfsMode: 0o700 },
    ],
  });
  await engine.start(id);
  await inside(id, 'touch /made/file /anonymous/file /scratch/file');
  expect(existsSync(join(made, 'file'))).toBe(true);
  await expect(inside(id, 'touch /given/file')).rejects.toThrow(/Read-only/);
  await expect(inside(id, 'touch /also/file')).rejects.toThrow(/Read-only/);
  expect(await inside(id, 'busybox stat -c %a /scratch; busybox df -k /scratch | busybox tail -1')).toMatch(
    /^700\n\S+ +1024 /,
  );
  const volume = (await inspect(id)).Mounts.find(({ Type }) => Type === 'volume')?.Name ?? '';
  expect(await docker('volume', 'ls', '-q', '--filter', `name=${volume}`)).toBe(volume);
  await engine.stop(id, 0);
  await engine.remove(id);
  expect(await docker('volume', 'ls', '-q', '--filter', `name=${volume}`)).toBe('');
});

test('a named volume outlives its container', async () => {
  const volume = `berth-test-${owner.host}`;
  const id = await create({ mounts: [{ ...NO_MOUNT, type: 'volume', source: volume, target: '/data', noCopy: true }] });
  await engine.start(id);
  await engine.stop(id, 0);
  await engine.remove(id);
  expect(await docker('volume', 'rm', volume)).toBe(volume);
});

test('ports are published where it was asked for', async () => {
  const port = (target: number, protocol: string, hostIp: string): ContainerSpec['ports'][number] => ({
    ...{ name: '', published: 0, target, protocol, hostIp },
  });
  const ports = [port(80, 'tcp', '127.0.0.1'), port(80, 'udp', ''), port(80, 'tcp', '')];
  const id = await create({ ports, command: ['httpd', '-f', '-p', '80', '-h', '/etc'] }, [28_511, 28_512, 28_513]);
  await engine.start(id);
  expect(await docker('port', id)).toMatch(/80\/tcp -> 127\.0\.0\.1:28511/);
  expect(await docker('port', id)).toMatch(/80\/udp -> 0\.0\.0\.0:28512/);
  expect((await fetch('http://127.0.0.1:28511/passwd')).status).toBe(200);
  expect((await fetch('http://127.0.0.1:28513/passwd')).status).toBe(200);
});

describe("the image's own", () => {
  const checked = { command: [], stopSignal: '' };

  test('command, health check and stop signal hold when nothing else is said', async () => {
    const id = await create({ ...checked, image: await ensureCheckedImage() });
    await engine.start(id);
    await reaches('healthy');
    await inside(id, 'rm /tmp/ok');
    await reaches('unhealthy');
    await engine.stop(id, 10_000);
    expect((await engine.list())[0]).toMatchObject({ state: 'exited', exit: { code: 7 } });
  });

  test('health check can be turned off, or get other numbers', async () => {
    const numbers = { intervalMs: 0, timeoutMs: 0, startPeriodMs: 0, retries: 0 };
    const image = await ensureCheckedImage();
    const off = await create({ ...checked, image, healthCheck: { ...numbers, test: ['NONE'] } });
    await engine.start(off);
    expect((await engine.list())[0]?.health).toBe('none');
    await engine.stop(off, 0);
    await engine.remove(off);
    const other = await create({
      ...checked,
      image,
      healthCheck: { ...numbers, test: [], intervalMs: 1500, retries: 4 },
    });
    expect((await inspect(other)).Config).toMatchObject({
      Healthcheck: { Test: ['CMD-SHELL', 'test -f /tmp/ok'], Interval: 1_500_000_000, Retries: 4 },
    });
  });

  test('stop signal gives way to the one that was asked for', async () => {
    const script = 'trap "exit 9" USR2; while :; do sleep 0.05; done';
    const id = await create({ command: ['sh', '-c', script], stopSignal: 'SIGUSR2' });
    await engine.start(id);
    await new Promise((resolve) => setTimeout(resolve, 200)); // until the trap is set
    await engine.stop(id, 10_000);
    expect((await engine.list())[0]?.exit?.code).toBe(9);
  });

  const reaches = async (health: string): Promise<void> => {
    for (const endMs = Date.now() + 10_000; (await engine.list())[0]?.health !== health;) {
      if (Date.now() > endMs) throw new Error(`never ${health}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
});

describe('what can not be', () => {
  test.each([
    ['a user that the image does not have', { user: 'nobody-here' }, 'bad-request', /unable to find user nobody-here/],
    ['a capability that does not exist', { capAdd: ['FLY'] }, 'bad-request', /FLY/],
    ['an image reference that is none', { image: 'Not A Reference' }, 'bad-request', /invalid reference/],
    [
      'a memory limit under that of Docker',
      { limits: { nanoCpus: 0, memoryBytes: 1024, pids: 0 } },
      'bad-request',
      /memory/i,
    ],
    [
      'a missing source with a colon',
      { mounts: [{ ...NO_MOUNT, type: 'bind', source: '/a:b', target: '/x', createHostPath: true }] },
      'bad-mount',
      /colon/,
    ],
    [
      'a file mounted on a folder',
      { mounts: [{ ...NO_MOUNT, type: 'bind', source: '/etc/hostname', target: '/tmp' }] },
      'bad-mount',
      /hostname/,
    ],
  ] as const)('%s is refused with the reason', async (_what, changes, code, message) => {
    const making = create(changes as Partial<ContainerSpec>).then((id) => engine.start(id));
    await expectEngineError(making, code, message);
  });
});

test('a paused container is stopped all the same', async () => {
  const id = await create({});
  await engine.start(id);
  await docker('pause', id);
  expect((await engine.list())[0]?.state).toBe('paused');
  await engine.stop(id, 1000);
  expect((await engine.list())[0]?.state).toBe('exited');
});
