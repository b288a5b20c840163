/** What the kernel gives a container, and what it keeps from it, on a real Docker Engine: seen from inside, or in its cgroup. */
import { existsSync, readdirSync, readFileSync, readlinkSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { composed, type Composed } from '../support/composed';
import { docker } from '../support/docker';
import { expectEngineError } from '../support/engine-subjects';
import { until } from '../support/wait';

let of: Composed;
beforeEach(async () => void (of = await composed()));
afterEach(async () => {
  await of.cleanUp();
  // Docker leaves the parent of its cgroups behind; systemd sees to its own.
  for (const hierarchy of ['.', ...readdirSync(CGROUPS)])
    rmdirIfThere(join(CGROUPS, hierarchy, `berth-test-${of.host}`));
});

function rmdirIfThere(folder: string): void {
  if (existsSync(folder)) rmdirSync(folder);
}

/** A parent for cgroups: where Docker lets systemd make them, it has another form of name. */
async function cgroupParent(): Promise<string> {
  const driver = await docker('info', '--format', '{{.CgroupDriver}}');
  return driver === 'systemd' ? `berth-test-${of.host}.slice` : `/berth-test-${of.host}`;
}

const CGROUPS = '/sys/fs/cgroup';
const isCgroupV1 = existsSync(join(CGROUPS, 'memory'));
/** A file of a container's cgroup, as the host sees it. @param controller of v1; v2 has them all in one folder */
async function cgroupFile(id: string, controller: string, file: string): Promise<string> {
  const { Pid } = (await of.inspect(id)).State;
  const lines = readFileSync(`/proc/${Pid}/cgroup`, 'utf8').trim().split('\n');
  const ofController = ([, names]: string[]): boolean => names!.split(',').includes(isCgroupV1 ? controller : '');
  const [, , path] = lines.map((line) => line.split(':')).find(ofController)!;
  return readFileSync(join(CGROUPS, isCgroupV1 ? controller : '', path!, file), 'utf8').trim();
}

/** Lines of a service, a command in its container, what that says. */
test.each<[string, string, string, RegExp]>([
  ['shm_size', 'shm_size: 8m', 'busybox df -k /dev/shm | busybox tail -1', / 8192 /],
  [
    'sysctls, as a map',
    'sysctls: { net.core.somaxconn: 321, kernel.msgmax: 5000 }',
    'cat /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax',
    /^321\n5000$/,
  ],
  ['sysctls, as a list', 'sysctls: [net.ipv4.ip_forward=0]', 'cat /proc/sys/net/ipv4/ip_forward', /^0$/],
  ['group_add', 'group_add: [1234, "0"]\nuser: "7:8"', 'busybox grep Groups /proc/1/status', /\b0 .*1234\b/],
  ['oom_score_adj', 'oom_score_adj: 321', 'cat /proc/1/oom_score_adj', /^321$/],
  ['cpuset', 'cpuset: "0"', 'busybox grep Cpus_allowed_list /proc/1/status', /:\t0$/],
  ['tty', 'tty: true\ncommand: sh -c "test -t 1 && echo yes >/tmp/tty; exec sleep 300"', 'cat /tmp/tty', /^yes$/],
  ['a device', 'devices: ["/dev/zero:/dev/nothing:r"]', 'busybox head -c 3 /dev/nothing | busybox xxd -p', /^000000$/],
  [
    'a device, in the long form',
    'devices: [{ source: /dev/full, target: /dev/brim }]',
    'echo x 2>&1 >/dev/brim || echo no',
    /No space left/,
  ],
])('%s', async (_, lines, command, said) => {
  const id = await of.start(lines);
  expect(await of.inside(id, command)).toMatch(said);
});

test('a device without the permission to write is not written', async () => {
  const id = await of.start('devices: ["/dev/loop0:/dev/x:r"]');
  await expect(of.inside(id, 'busybox dd if=/dev/zero of=/dev/x count=1')).rejects.toThrow(/not permitted/);
});

test('stdin_open: the process waits for input instead of an end', async () => {
  const open = await of.start('stdin_open: true\ncommand: cat', 1);
  const closed = await of.start('command: cat', 2);
  await docker('wait', closed);
  expect((await of.inspect(open)).State.Status).toBe('running');
});

test.each<[string, string, string, boolean]>([
  ['ipc: host', 'ipc: host', 'ipc', true],
  ['ipc: private', 'ipc: private', 'ipc', false],
  ['ipc: shareable', 'ipc: shareable', 'ipc', false],
  ['pid: host', 'pid: host', 'pid', true],
  ['nothing', 'init: false', 'pid', false],
  ['cgroup: host', 'cgroup: host', 'cgroup', true],
  ['cgroup: private', 'cgroup: private', 'cgroup', false],
  ['userns_mode: host', 'userns_mode: host', 'user', true],
])('namespaces: %s', async (_, lines, namespace, isHost) => {
  const id = await of.start(lines);
  const theirs = await of.inside(id, `busybox readlink /proc/self/ns/${namespace}`);
  expect(theirs === readlinkSync(`/proc/self/ns/${namespace}`)).toBe(isHost);
});

test('ipc: none leaves /dev/shm out', async () => {
  const id = await of.start('ipc: none');
  expect(await of.inside(id, 'busybox grep -c " /dev/shm " /proc/self/mountinfo || true')).toBe('0');
});

describe('in the cgroup', () => {
  test('settings arrive', async () => {
    const parent = await cgroupParent();
    const id = await of.create(
      `cpu_shares: 300
cgroup_parent: ${parent}
mem_swappiness: 0
device_cgroup_rules: ["c 1:3 mr"]
blkio_config:
  weight: 300
  device_read_bps: [{ path: /dev/loop0, rate: 12mb }]
  device_write_bps: [{ path: /dev/loop0, rate: 1024 }]
  device_read_iops: [{ path: /dev/loop0, rate: 120 }]
  device_write_iops: [{ path: /dev/loop0, rate: 30 }]
deploy: { resources: { reservations: { memory: 16M } } }`,
    );
    const rate = (Rate: number): object[] => [{ Path: '/dev/loop0', Rate }];
    expect((await of.inspect(id)).HostConfig).toMatchObject({
      ...{ CpuShares: 300, CgroupParent: parent, DeviceCgroupRules: ['c 1:3 mr'] },
      ...{ MemorySwappiness: isCgroupV1 ? 0 : null, MemoryReservation: 16 * 1024 ** 2 },
      ...{ BlkioDeviceReadBps: rate(12 * 1024 ** 2), BlkioDeviceWriteBps: rate(1024) },
      ...{ BlkioDeviceReadIOps: rate(120), BlkioDeviceWriteIOps: rate(30) },
    });
  });

  test('and are what the kernel has', async () => {
    const parent = await cgroupParent();
    const id = await of.start(
      `cpu_shares: 300
cgroup_parent: ${parent}
mem_swappiness: 7
blkio_config: { device_read_bps: [{ path: /dev/loop0, rate: 12mb }], device_write_iops: [{ path: /dev/loop0, rate: 30 }] }
deploy: { resources: { reservations: { memory: 16M } } }`,
    );
    const groups = readFileSync(`/proc/${(await of.inspect(id)).State.Pid}/cgroup`, 'utf8');
    expect(groups).toContain(`/${parent.replace('/', '')}/`);
    const memory = String(16 * 1024 ** 2);
    const readRate = 12 * 1024 ** 2;
    if (isCgroupV1) {
      expect(await cgroupFile(id, 'cpu', 'cpu.shares')).toBe('300');
      expect(await cgroupFile(id, 'memory', 'memory.swappiness')).toBe('7');
      expect(await cgroupFile(id, 'memory', 'memory.soft_limit_in_bytes')).toBe(memory);
      expect(await cgroupFile(id, 'blkio', 'blkio.throttle.read_bps_device')).toBe(`7:0 ${readRate}`);
      expect(await cgroupFile(id, 'blkio', 'blkio.throttle.write_iops_device')).toBe('7:0 30');
    } else {
      // What 300 of 1024 shares are as a weight, where 100 is usual, is runc's to say: 12, or 38 since runc 1.3.
      expect(await cgroupFile(id, 'cpu', 'cpu.weight')).toMatch(/^[1-9]\d$/);
      expect(await cgroupFile(id, 'memory', 'memory.low')).toBe(memory);
      expect(await cgroupFile(id, 'io', 'io.max')).toBe(`7:0 rbps=${readRate} wbps=max riops=max wiops=30`);
    }
  });

  test('a memory limit below what the container uses is refused, and it runs on; one above it is taken', async () => {
    const id = await of.start(
      `tmpfs: ["/fill"]
command: sh -c "busybox head -c 33554432 /dev/zero >/fill/it; touch /tmp/filled; exec sleep 300"
deploy: { resources: { limits: { memory: 64M } } }`,
    );
    await until('32 MiB in use', () => of.inside(id, 'ls /tmp/filled'));
    const update = (mebibytes: number): Promise<void> =>
      of.engine.update(id, { nanoCpus: 0, pids: 0, memoryBytes: mebibytes * 1024 ** 2, memoryReservationBytes: 0 });
    await expect(update(16)).rejects.toThrow(/memory/);
    expect(await of.inspect(id)).toMatchObject({ State: { Running: true }, HostConfig: { Memory: 64 * 1024 ** 2 } });
    await update(48);
    const file = isCgroupV1 ? 'memory.limit_in_bytes' : 'memory.max';
    expect(await cgroupFile(id, 'memory', file)).toBe(String(48 * 1024 ** 2));
    expect(await of.inside(id, 'busybox wc -c </fill/it')).toBe('33554432');
  });

  test('a rule lets a container use a device, as far as it says', async () => {
    const open =
      'busybox mknod /tmp/disk b 7 0; test -b /tmp/disk; for how in "<" ">>"; do eval "true $how/tmp/disk"; done 2>&1';
    const [ruled, other] = [await of.start('device_cgroup_rules: ["b 7:0 r"]', 1), await of.start('init: false', 2)];
    expect((await of.inside(ruled, `${open}; true`)).match(/not permitted/g)).toHaveLength(1);
    expect((await of.inside(other, `${open}; true`)).match(/not permitted/g)).toHaveLength(2);
  });
});

describe('gpus', () => {
  test.each<[string, string, object]>([
    ['all', 'gpus: all', { Count: -1, Capabilities: [['gpu']] }],
    [
      'by id',
      'gpus: [{ driver: nvidia, device_ids: ["0", "GPU-1"], capabilities: [utility], options: { a: b } }]',
      { Driver: 'nvidia', DeviceIDs: ['0', 'GPU-1'], Capabilities: [['gpu', 'utility']], Options: { a: 'b' } },
    ],
    [
      'reserved',
      'deploy: { resources: { reservations: { devices: [{ capabilities: [gpu], count: 2 }] } } }',
      { Count: 2, Capabilities: [['gpu']] },
    ],
    ['by CDI', 'devices: [vendor.com/class=name]', { Driver: 'cdi', DeviceIDs: ['vendor.com/class=name'] }],
  ])('%s: asked for, and what the host says that has none', async (_, lines, request) => {
    const id = await of.create(lines);
    const { DeviceRequests } = (await of.inspect(id)).HostConfig;
    expect(DeviceRequests).toEqual([expect.objectContaining(request)]);
    await expectEngineError(
      of.engine.start(id),
      expect.any(String) as never,
      /could not select device driver|gpu|cdi/i,
    );
  });
});

describe('hooks', () => {
  test('have a user, a folder, privileges and an environment of their own', async () => {
    const id = await of.start('user: "7"');
    const run = (hook: object): Promise<unknown> =>
      of.engine.exec(
        id,
        { command: [], user: '', privileged: false, workingDir: '', environment: {}, ...hook },
        10_000,
      );
    const command = ['sh', '-c', 'id -u; busybox pwd; echo $A; busybox grep CapEff /proc/self/status'];
    const own = { command, user: '0', workingDir: '/tmp', environment: { A: 'b c' } };
    expect(await run(own)).toEqual({ exitCode: 0, output: expect.stringMatching(/^0 \/tmp b c CapEff/) });
    // Where the engine itself has not all privileges, it can not give them.
    const all = await run({ ...own, privileged: true });
    expect(JSON.stringify(all)).toMatch(
      /^\{"exitCode":0,.*CapEff:\s+0{1,7}[1-9a-f]|"exitCode":126.*unable to apply caps/,
    );
    expect(await run({ command: ['sh', '-c', 'id -u; exit 3'] })).toEqual({ exitCode: 3, output: '7' });
  });
});
