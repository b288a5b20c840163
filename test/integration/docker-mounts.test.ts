/** Mounts of containers, with all of their options, on a real Docker Engine; and placeholders, which name them. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composed, type Composed } from '../support/composed';
import { docker } from '../support/docker';
import { expectEngineError } from '../support/engine-subjects';

let of: Composed;
let folder: string;
const volumes: string[] = [];

beforeEach(async () => {
  of = await composed();
  folder = mkdtempSync(join(tmpdir(), 'berth-mounts-'));
});
afterEach(async () => {
  await of.cleanUp();
  for (const name of volumes.splice(0)) await docker('volume', 'rm', '-f', name);
  rmSync(folder, { recursive: true, force: true });
});

/** A name for a volume that Berth makes. */
const fresh = (name: string): string => {
  volumes.push(`berth-test-${name}-${of.host}`);
  return volumes.at(-1)!;
};
const volumeOf = async (name: string): Promise<Record<string, unknown>> =>
  (JSON.parse(await docker('volume', 'inspect', name)) as [Record<string, unknown>])[0];

describe('bind mounts', () => {
  test.each([
    ['short', (source: string) => `volumes: ["${source}:/data:rslave"]`],
    [
      'long',
      (source: string) => `volumes: [{ type: bind, source: ${source}, target: /data, bind: { propagation: rslave } }]`,
    ],
    [
      'with a missing source',
      (source: string) =>
        `volumes: [{ type: bind, source: ${source}/new, target: /data, bind: { propagation: rslave, create_host_path: true } }]`,
    ],
  ])('propagation, %s', async (_, lines) => {
    // Docker gives it only of what is shared on the host.
    execFileSync('mount', ['--bind', folder, folder]);
    execFileSync('mount', ['--make-shared', folder]);
    try {
      const id = await of.start(lines(folder));
      expect((await of.inspect(id)).Mounts[0]).toMatchObject({ Type: 'bind', Propagation: 'rslave' });
      expect(await of.inside(id, 'busybox grep " /data " /proc/self/mountinfo')).toContain('master:');
      await of.cleanUp();
    } finally {
      execFileSync('umount', ['-l', folder]);
    }
  });

  test('propagation of what is not shared on the host is refused with the reason', async () => {
    const making = of.start(`volumes: ["${folder}:/data:rshared"]`);
    await expectEngineError(making, expect.any(String) as never, /is not a shared mount/);
  });

  test('recursive or not', async () => {
    mkdirSync(join(folder, 'below'));
    execFileSync('mount', ['-t', 'tmpfs', 'berth-test', join(folder, 'below')]);
    try {
      writeFileSync(join(folder, 'below', 'file'), '');
      const lines = (recursive: string): string =>
        `volumes: [{ type: bind, source: ${folder}, target: /data, bind: { recursive: ${recursive} } }]`;
      expect(await of.inside(await of.start(lines('enabled'), 1), 'ls /data/below')).toBe('file');
      expect(await of.inside(await of.start(lines('disabled'), 2), 'ls /data/below')).toBe('');
      await of.cleanUp();
    } finally {
      execFileSync('umount', [join(folder, 'below')]);
    }
  });
});

describe('volumes', () => {
  test('with a driver, its options and labels', async () => {
    const name = fresh('opts');
    const id = await of.start(
      `volumes: ["${name}:/data"]
x-berth: { volumes: { ${name}: { driver: local, driver_opts: { type: tmpfs, device: tmpfs, o: "size=1m,mode=0700" }, labels: { team: shop } } } }`,
    );
    expect(await volumeOf(name)).toMatchObject({
      Driver: 'local',
      Labels: { team: 'shop' },
      Options: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,mode=0700' },
    });
    expect(await of.inside(id, 'busybox df -k /data | busybox tail -1; busybox stat -c %a /data')).toMatch(
      / 1024 [^]*\n700$/,
    );
  });

  test('labels in the long form, nocopy', async () => {
    const [copied, bare] = [fresh('copied'), fresh('bare')];
    const id = await of.start(`volumes:
  - { type: volume, source: ${copied}, target: /etc, volume: { labels: { a: b } } }
  - { type: volume, source: ${bare}, target: /bin/x, volume: { nocopy: true } }`);
    expect(await of.inside(id, 'ls /etc/passwd; ls /bin/x')).toBe('/etc/passwd');
    expect((await volumeOf(copied))['Labels']).toEqual({ a: 'b' });
    expect((await of.inspect(id)).HostConfig.Mounts).toContainEqual(
      expect.objectContaining({ Source: bare, VolumeOptions: expect.objectContaining({ NoCopy: true }) as object }),
    );
  });

  test('external: the one that is there, and no other', async () => {
    const name = await of.volume('theirs', '--label', 'by=operator');
    const lines = (volume: string): string =>
      `volumes: ["${volume}:/data"]\nx-berth: { volumes: { ${volume}: { external: true } } }`;
    await of.start(lines(name));
    expect((await volumeOf(name))['Labels']).toEqual({ by: 'operator' });
    await expectEngineError(of.create(lines(`${name}-not`), 2), 'bad-mount', /no volume ".*-not" on this host/);
  });

  test('of a driver that the host does not have say so', async () => {
    const name = fresh('nodriver');
    const making = of.start(`volumes: ["${name}:/x"]\nx-berth: { volumes: { ${name}: { driver: nosuch } } }`);
    await expectEngineError(making, expect.any(String) as never, /nosuch/);
  });
});

test('a tmpfs in both forms', async () => {
  const id = await of.start(
    'tmpfs: ["/a:size=1m,mode=700"]\nvolumes: [{ type: tmpfs, target: /b, tmpfs: { size: 2m, mode: 0o750 } }]',
  );
  expect(await of.inside(id, 'busybox stat -c %a /a /b; busybox df -k /a /b')).toMatch(
    /^700\n750\n[^]* 1024 [^]* 2048 /,
  );
});

test('placeholders are filled in, in environment, hostname and mounts', async () => {
  const volume = fresh('web-2');
  const lines = `labels: { team: shop, "a.b": c }
environment:
  ALL: "{{.Service.Name}} {{.Service.ID}} {{.Task.Slot}} {{.Task.ID}} {{.Task.Name}} {{.Node.Hostname}} {{.Node.ID}}"
  LABELS: '{{.Service.Labels.team}} {{ index .Service.Labels "a.b" }} {{"{{"}}x}}'
hostname: "{{.Service.Name}}-{{.Task.Slot}}"
volumes:
  - "${folder}/{{.Task.Slot}}:/of/{{.Service.Name}}"
  - { type: volume, source: "berth-test-{{.Service.Name}}-{{.Task.Slot}}-${of.host}", target: /data, volume: { labels: { of: "{{.Task.ID}}" } } }`;
  mkdirSync(join(folder, '2'));
  const id = await of.start(lines, 2);
  const instance = `web-2-${of.host}`;
  expect(await of.inside(id, 'echo "$ALL|$LABELS"; cat /etc/hostname; touch /of/web/file')).toBe(
    `web web 2 ${instance} berth-${instance} ${of.host} node-of-${of.host}|shop c {{x}}\nweb-2`,
  );
  expect(existsSync(join(folder, '2', 'file'))).toBe(true);
  expect((await volumeOf(volume))['Labels']).toEqual({ of: instance });
});
