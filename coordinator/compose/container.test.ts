import { emptyDocument } from '../../lib/documents/codec';
import type { ContainerSpec } from '../../lib/documents/types';
import { releaseHash } from '../../lib/release/release-hash';
import { specHash } from '../../lib/release/spec-hash';
import { compileService } from './compile';

/** What a line or more of a service become. */
function container(lines: string): ContainerSpec {
  const compiled = compileService('web', `image: a\n${lines}`);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled.container;
}

const NETWORK = {
  ...{ aliases: [], ipv4Address: '', ipv6Address: '', macAddress: '', driverOptions: {}, linkLocalIps: [] },
};
const GPU = { driver: '', count: -1, ids: [], capabilities: ['gpu'], options: {} };
const HOOK = { user: '', privileged: false, workingDir: '', environment: {} };

test.each<[string, Partial<ContainerSpec>]>([
  ['network_mode: bridge', { networkMode: '', networks: [] }],
  ['network_mode: host', { networkMode: 'host' }],
  ['network_mode: none', { networkMode: 'none' }],
  [
    'networks: [a, b.c]',
    {
      networks: [
        { ...NETWORK, name: 'a' },
        { ...NETWORK, name: 'b.c' },
      ],
    },
  ],
  ['networks: { default: }', { networks: [] }],
  ['networks: [default]', { networks: [] }],
  ['networks: []', { networks: [] }],
  [
    'networks: { a: , default: }',
    {
      networks: [
        { ...NETWORK, name: 'a' },
        { ...NETWORK, name: 'bridge' },
      ],
    },
  ],
  [
    'networks: { a: { priority: -1 }, b: , c: { priority: 5 } }',
    { networks: ['c', 'b', 'a'].map((name) => ({ ...NETWORK, name })) },
  ],
  [
    'networks: { a: { aliases: [db], ipv4_address: 10.0.0.2, ipv6_address: "fd00::2", mac_address: "02:42:AC:11:00:02", link_local_ips: [169.254.1.1], driver_opts: { x: 1 } } }',
    {
      networks: [
        {
          ...{ name: 'a', aliases: ['db'], ipv4Address: '10.0.0.2', ipv6Address: 'fd00::2' },
          ...{ macAddress: '02:42:ac:11:00:02', linkLocalIps: ['169.254.1.1'], driverOptions: { x: '1' } },
        },
      ],
    },
  ],
  ['devices: [/dev/x]', { devices: [{ source: '/dev/x', target: '/dev/x', permissions: 'rwm' }] }],
  ['devices: ["/dev/x:r"]', { devices: [{ source: '/dev/x', target: '/dev/x', permissions: 'r' }] }],
  ['devices: ["/dev/x:/dev/y:rw"]', { devices: [{ source: '/dev/x', target: '/dev/y', permissions: 'rw' }] }],
  ['devices: [{ source: /dev/x }]', { devices: [{ source: '/dev/x', target: '/dev/x', permissions: 'rwm' }] }],
  [
    'devices: [vendor.com/class=a]',
    { deviceRequests: [{ ...GPU, driver: 'cdi', count: 0, ids: ['vendor.com/class=a'], capabilities: [] }] },
  ],
  ['gpus: all', { deviceRequests: [GPU] }],
  [
    'gpus: [{ count: 2, capabilities: [utility] }]',
    { deviceRequests: [{ ...GPU, count: 2, capabilities: ['gpu', 'utility'] }] },
  ],
  [
    'deploy: { resources: { reservations: { devices: [{ capabilities: [tpu], count: all }, { capabilities: [x], device_ids: ["0"] }] } } }',
    {
      deviceRequests: [
        { ...GPU, capabilities: ['tpu'] },
        { ...GPU, count: 0, ids: ['0'], capabilities: ['x'] },
      ],
    },
  ],
  ['device_cgroup_rules: ["c 1:3 mr", "a *:* rwm"]', { deviceCgroupRules: ['c 1:3 mr', 'a *:* rwm'] }],
  ['shm_size: 64m', { shmSizeBytes: 64 * 1024 ** 2 }],
  ['sysctls: { net.core.somaxconn: 1024 }', { sysctls: { 'net.core.somaxconn': '1024' } }],
  ['dns: 10.0.0.1', { dns: ['10.0.0.1'] }],
  ['dns: [10.0.0.1, "::1"]', { dns: ['10.0.0.1', '::1'] }],
  ['dns_opt: ["ndots:2"]\ndns_search: [a.example, "."]', { dnsOptions: ['ndots:2'], dnsSearch: ['a.example', '.'] }],
  ['extra_hosts: ["a:1.2.3.4", "b=[::1]", "c:::1"]', { extraHosts: ['a:1.2.3.4', 'b:::1', 'c:::1'] }],
  ['extra_hosts: { a: host-gateway, b: [1.2.3.4, "::1"] }', { extraHosts: ['a:host-gateway', 'b:1.2.3.4', 'b:::1'] }],
  ['group_add: [disk, 44]', { groupAdd: ['disk', '44'] }],
  [
    'ipc: shareable\npid: host\nuserns_mode: host\ncgroup: private',
    { ipc: 'shareable', pid: 'host', usernsMode: 'host', cgroup: 'private' },
  ],
  ['cgroup_parent: my.slice', { cgroupParent: 'my.slice' }],
  ['oom_score_adj: -500\nmem_swappiness: 0', { oomScoreAdj: -500, memSwappiness: 0 }],
  ['cpuset: "0-3,7"\ncpu_shares: 73', { cpuset: '0-3,7', cpuShares: 73 }],
  [
    'blkio_config: { weight: 300, weight_device: [{ path: /dev/x, weight: 400 }], device_read_bps: [{ path: /dev/x, rate: 1kb }], device_write_iops: [{ path: /dev/x, rate: 9 }] }',
    {
      blockIo: {
        ...{ weight: 300, weightDevice: [{ path: '/dev/x', rate: 400 }], readBps: [{ path: '/dev/x', rate: 1024 }] },
        ...{ writeBps: [], readIops: [], writeIops: [{ path: '/dev/x', rate: 9 }] },
      },
    },
  ],
  ['storage_opt: { size: 1G }', { storageOptions: { size: '1G' } }],
  [
    'logging: { options: { tag: "{{.Name}}", max-size: 1m } }',
    { logging: { driver: 'json-file', options: { tag: '{{.Name}}', 'max-size': '1m' } } },
  ],
  ['logging: { driver: none }', { logging: { driver: 'none', options: {} } }],
  ['platform: linux/arm64/v8\nruntime: runsc', { platform: 'linux/arm64/v8', runtime: 'runsc' }],
  ['pull_policy: if_not_present', { pullPolicy: '' }],
  ['pull_policy: missing', { pullPolicy: '' }],
  ['pull_policy: always', { pullPolicy: 'always' }],
  ['pull_policy: never', { pullPolicy: 'never' }],
  ['stdin_open: true\ntty: true', { stdinOpen: true, tty: true }],
  ['annotations: [a=b]', { annotations: { a: 'b' } }],
  ['post_start: [{ command: a "b c" }]', { postStart: [{ ...HOOK, command: ['a', 'b c'] }] }],
  [
    'pre_stop: [{ command: [a], user: root, privileged: true, working_dir: /x, environment: [A=b] }]',
    { preStop: [{ command: ['a'], user: 'root', privileged: true, workingDir: '/x', environment: { A: 'b' } }] },
  ],
  [
    'healthcheck: { test: x, start_interval: 500ms }',
    {
      healthCheck: {
        test: ['CMD-SHELL', 'x'],
        intervalMs: 0,
        timeoutMs: 0,
        startPeriodMs: 0,
        retries: 0,
        startIntervalMs: 500,
      },
    },
  ],
  ['hostname: "{{.Service.Name}}-{{ .Task.Slot }}"', { hostname: '{{.Service.Name}}-{{ .Task.Slot }}' }],
  ['environment: { A: "{{.Node.ID}}" }', { environment: { A: '{{.Node.ID}}' } }],
  ['x-berth: { drain: 5s }', { drainMs: 5000 }],
])('%s', (lines, spec) => {
  expect(container(lines)).toMatchObject(spec);
});

test.each<[string, string]>([
  ['"8000-8002:80"', '80→8000-8002/tcp'],
  ['"80:80/sctp"', '80→80/sctp'],
  ['"[fd00::1]:8000-8001:80/udp"', '80→[fd00::1]:8000-8001/udp'],
  ['{ target: 80, published: "8000-8002", protocol: sctp }', '80→8000-8002/sctp'],
  ['{ target: 80, published: "8000-8000" }', '80→8000/tcp'],
  ['"8000-8001:80-81"', '80→8000/tcp 81→8001/tcp'],
])('port %s', (port, wanted) => {
  const ports = container(`ports: [${port}]`).ports.map(({ target, published, pick, protocol, hostIp }) => {
    const host = pick === undefined ? String(published) : `${pick.first}-${pick.last}`;
    return `${target}→${hostIp === '' ? '' : `[${hostIp}]:`}${host}/${protocol}`;
  });
  expect(ports.join(' ')).toBe(wanted);
});

test('mounts with all of their options', () => {
  const { mounts } = container(`volumes:
  - /a:/1:ro,rslave
  - { type: bind, source: /b, target: /2, bind: { propagation: shared, recursive: disabled } }
  - { type: volume, source: data, target: /3, volume: { nocopy: true, subpath: x/y, labels: { c: d } } }
  - "{{.Service.Name}}-{{.Task.Slot}}:/4/{{.Task.ID}}"
x-berth: { volumes: { data: { driver: nfs, driver_opts: { o: rw }, labels: { a: b } } } }`);
  expect(mounts).toMatchObject([
    { type: 'bind', source: '/a', target: '/1', readOnly: true, propagation: 'rslave' },
    { type: 'bind', source: '/b', target: '/2', propagation: 'shared', nonRecursive: true },
    {
      ...{ type: 'volume', source: 'data', noCopy: true, volumeSubpath: 'x/y', volumeLabels: { a: 'b', c: 'd' } },
      ...{ volumeDriver: 'nfs', volumeDriverOptions: { o: 'rw' }, volumeExternal: false },
    },
    { type: 'volume', source: '{{.Service.Name}}-{{.Task.Slot}}', target: '/4/{{.Task.ID}}' },
  ]);
});

/** A service of before there were the settings above. */
const OLD = `
command: sh -c "exec serve $PORT"
entrypoint: []
environment: { LOG_LEVEL: info, EMPTY: "" }
user: "1000:1000"
working_dir: /srv
hostname: web
labels: { team: shop }
ports: ["127.0.0.1:8080:80", { target: 443, name: https }, "3000-3001:4000-4001/udp"]
volumes: ["data:/data", "/etc/shop:/etc/shop:ro", { type: tmpfs, target: /scratch, tmpfs: { size: 1m, mode: 0o700 } }]
tmpfs: /run:size=4m
healthcheck: { test: [CMD, check], interval: 5s, timeout: 1s, start_period: 10s, retries: 2 }
stop_signal: INT
stop_grace_period: 20s
init: true
read_only: true
cap_add: [NET_ADMIN]
cap_drop: [ALL]
security_opt: ["no-new-privileges:false"]
ulimits: { nofile: { soft: 1024, hard: 2048 } }
networks: { default: null }
deploy:
  replicas: 3
  placement: { constraints: ["node.labels.zone == a"] }
  resources: { limits: { cpus: "0.5", memory: 256M, pids: 200 }, reservations: { cpus: "0.25", memory: 128M } }
  restart_policy: { condition: on-failure, delay: 1s, max_attempts: 5, window: 10s }
x-berth: { project: shop }`;

// Another hash makes every container of every cluster anew at the next upgrade.
test.each([
  ['the least', '', '2:17ccda81db31af6d', '1a23073d9d4758f6'],
  ['a whole one', OLD, '2:dbf8a08da54dc386', '66b6f30c2d70abe7'],
])('%s of before means what it meant', (_, lines, spec, release) => {
  const image = lines === '' ? 'nginx:1.27' : 'registry.example.com/shop/web:1.4.2';
  const compiled = compileService('web', `image: ${image}${lines}`);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  const { container: made, deploy: now } = compiled;
  expect(specHash(made)).toBe(spec);
  // Of before there were rollouts in releases.
  const { updateConfig, rollbackConfig, rolloutDeadlineMs } = emptyDocument('Release').deploy;
  const deploy = { ...now, updateConfig, rollbackConfig, rolloutDeadlineMs };
  expect(releaseHash({ ...emptyDocument('Release'), service: 'web', container: made, deploy })).toBe(release);
});
