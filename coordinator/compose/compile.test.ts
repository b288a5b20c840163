import * as fc from 'fast-check';
import { stringify } from 'yaml';
import { emptyDocument } from '../../lib/documents/codec';
import type { ContainerSpec, DeploySpec } from '../../lib/documents/types';
import { compileService, MAX_DOCUMENT_BYTES } from './compile';
import { DEPLOY_KEYS } from './deploy-keys';
import { SERVICE_KEYS } from './keys';

function good(text: string): { container: ContainerSpec; deploy: DeploySpec } {
  const compiled = compileService('web', text);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled;
}

/** "rule path line:column" of each problem. */
function bad(text: string, name = 'web'): readonly string[] {
  const compiled = compileService(name, text);
  return compiled.ok
    ? []
    : compiled.problems.map(({ rule, path, line, column }) => `${rule} ${path} ${line}:${column}`);
}

const container = (text: string): ContainerSpec => good(`image: a\n${text}`).container;

const UPDATE = { order: '', parallelism: 1, delayMs: 0, monitorMs: 5000, maxFailurePerMille: 0 };

test('the least service, with every default', () => {
  const { container, deploy } = emptyDocument('Release');
  expect(good('image: nginx:1.27')).toEqual({
    ok: true,
    container: { ...container, image: 'nginx:1.27', stopGracePeriodMs: 10_000 },
    deploy: {
      ...{ ...deploy, mode: 'replicated', replicas: 1 },
      restartPolicy: { condition: 'any', delayMs: 0, maxAttempts: 0, windowMs: 5000 },
      updateConfig: { ...UPDATE, failureAction: 'rollback' },
      rollbackConfig: { ...UPDATE, failureAction: 'pause' },
      rolloutDeadlineMs: 600_000,
    },
    uses: [],
  });
});

test('JSON is taken as well as YAML, with anchors and merge keys', () => {
  expect(good('{"image": "a", "command": ["b"]}').container.command).toEqual(['b']);
  const merged = 'x-base: &base { A: "1", B: "2" }\nimage: a\nenvironment: { <<: *base, B: "3" }';
  expect(good(merged).container.environment).toEqual({ A: '1', B: '3' });
});

test('what `docker compose config` writes out is taken', () => {
  const text =
    'command: null\nentrypoint: null\nimage: a\nnetworks:\n  default: null\nports:\n  - mode: ingress\n    target: 80\n    published: "8080"\n    protocol: tcp\nvolumes:\n  - type: bind\n    source: /x\n    target: /y\n    bind: { create_host_path: true }\n';
  const { ports, mounts } = good(text).container;
  expect(ports).toEqual([{ name: '', target: 80, published: 8080, protocol: 'tcp', hostIp: '' }]);
  expect(mounts[0]).toMatchObject({ type: 'bind', source: '/x', target: '/y', createHostPath: true });
});

test.each<[string, string, Partial<ContainerSpec>]>([
  ['a command as text', 'command: sh -c "echo $$HOME" x', { command: ['sh', '-c', 'echo $$HOME', 'x'] }],
  ['an empty entrypoint resets', 'entrypoint: []', { entrypoint: [''] }],
  ['environment as a list', 'environment: ["A=1", "B=x=y", "C="]', { environment: { A: '1', B: 'x=y', C: '' } }],
  ['environment with numbers and booleans', 'environment: { A: 1, B: true }', { environment: { A: '1', B: 'true' } }],
  ['a signal without SIG', 'stop_signal: int', { stopSignal: 'SIGINT' }],
  ['a long grace', 'stop_grace_period: 1m30s', { stopGracePeriodMs: 90_000 }],
  [
    'ulimits',
    'ulimits: { nproc: 5, nofile: { soft: 1, hard: 2 } }',
    {
      ulimits: [
        { name: 'nproc', soft: 5, hard: 5 },
        { name: 'nofile', soft: 1, hard: 2 },
      ],
    },
  ],
  [
    'limits',
    'deploy: { resources: { limits: { cpus: "0.5", memory: 64M, pids: 10 } } }',
    { limits: { nanoCpus: 5e8, memoryBytes: 67_108_864, pids: 10 } },
  ],
  ['versions stay as written', 'environment: { V: 1.10 }', { environment: { V: '1.10' } }],
  ['a label without a value', 'labels: { a: }', { labels: { a: '' } }],
  ['a project', 'x-berth: { project: shop }', { project: 'shop' }],
])('%s', (_, text, spec) => {
  expect(container(text)).toMatchObject(spec);
});

test.each<[string, string]>([
  ['"8080"', '8080→0/tcp'],
  ['8080', '8080→0/tcp'],
  ['"80:8080"', '8080→80/tcp'],
  ['"80:8080/udp"', '8080→80/udp'],
  ['"127.0.0.1:80:8080"', '8080→127.0.0.1:80/tcp'],
  ['"[::1]:80:8080"', '8080→::1:80/tcp'],
  ['"127.0.0.1::8080"', '8080→127.0.0.1:0/tcp'],
  ['"3000-3002:4000-4002"', '4000→3000/tcp 4001→3001/tcp 4002→3002/tcp'],
  ['"3000-3001"', '3000→0/tcp 3001→0/tcp'],
  ['{ target: 80, published: 8080, name: http, host_ip: 10.0.0.1 }', '80→10.0.0.1:8080/tcp'],
])('port %s', (port, wanted) => {
  const ports = container(`ports: [${port}]`).ports.map(
    (one) => `${one.target}→${one.hostIp === '' ? '' : `${one.hostIp}:`}${one.published}/${one.protocol}`,
  );
  expect(ports.join(' ')).toBe(wanted);
});

test.each<[string, string]>([
  ['/data', 'volume  /data rw'],
  ['cache:/data', 'volume cache /data rw'],
  ['cache:/data:ro', 'volume cache /data ro'],
  ['/srv:/data:ro', 'bind /srv /data ro'],
])('volume %s', (volume, wanted) => {
  const [mount] = container(`volumes: ["${volume}"]`).mounts;
  expect(`${mount!.type} ${mount!.source} ${mount!.target} ${mount!.readOnly ? 'ro' : 'rw'}`).toBe(wanted);
});

test.each(['0o1777', '01777', '"01777"', '1023'])('the mode of a tmpfs: %s', (mode) => {
  const [mount] = container(`volumes: [{ type: tmpfs, target: /tmp, tmpfs: { mode: ${mode} } }]`).mounts;
  expect(mount!.tmpfsMode).toBe(0o1777);
});

test('a tmpfs with options', () => {
  expect(container('tmpfs: ["/tmp:size=16m,mode=1777"]').mounts[0]).toMatchObject({
    type: 'tmpfs',
    target: '/tmp',
    tmpfsSizeBytes: 16_777_216,
    tmpfsMode: 0o1777,
  });
});

test.each<[string, string]>([
  ['test: curl x', 'CMD-SHELL,curl x 0 0 0 0'],
  ['{ test: ["CMD", "a"], interval: 5s, timeout: 1s, start_period: 2s, retries: 4 }', 'CMD,a 5000 1000 2000 4'],
  ['disable: true', 'NONE 0 0 0 0'],
])('health check %s', (text, wanted) => {
  const check = container(`healthcheck: ${text.startsWith('{') ? text : `{ ${text} }`}`).healthCheck!;
  expect(`${check.test.join()} ${check.intervalMs} ${check.timeoutMs} ${check.startPeriodMs} ${check.retries}`).toBe(
    wanted,
  );
});

test.each<[string, string, string[]]>([
  ['not YAML', 'image: a\ncommand: [b', ['yaml-syntax  2:12']],
  ['a key twice', 'image: a\nimage: b', ['yaml-syntax  2:1']],
  ['nothing', '', ['wrong-type  1:1']],
  ['a list', '- a', ['wrong-type  1:1']],
  ['an unknown key', 'image: a\nenviroment: {}', ['unknown-key enviroment 2:1']],
  ['an unknown key of deploy', 'image: a\ndeploy:\n  replica: 1', ['unknown-key deploy.replica 3:3']],
  [
    'all at once, in order',
    'foo: 1\nimage: 5:5:5\nports: [x]',
    ['unknown-key foo 1:1', 'bad-value image 2:8', 'bad-value ports[0] 3:9'],
  ],
  ['no image', 'init: true', ['missing-key image 1:1']],
  ['an upper case image', 'image: Nginx', ['bad-value image 1:8']],
  ['a variable without value', 'image: a\nenvironment: [HOME]', ['bad-value environment[0] 2:15']],
  ['a null variable', 'image: a\nenvironment:\n  HOME:', ['bad-value environment.HOME 3:8']],
  ['a label of ours', 'image: a\nlabels: { berth.instance: x }', ['bad-value labels.berth.instance 2:11']],
  ['a relative bind', 'image: a\nvolumes: ["./x:/y"]', ['bad-value volumes[0] 2:11']],
  ['two mounts at one place', 'image: a\nvolumes: ["a1:/y", "b1:/y"]', ['bad-value volumes[1] 2:20']],
  ['ports of unequal ranges', 'image: a\nports: ["1-2:1-3"]', ['bad-value ports[0] 2:9']],
  [
    'a host port that another address has for all',
    'image: a\nports: ["80:1", "127.0.0.1:80:2"]',
    ['duplicate-port ports[1] 2:17'],
  ],
  [
    'two mounts at one place, spelled differently',
    'image: a\nvolumes: ["a1:/y", "b1:/x/../y/"]',
    ['bad-value volumes[1] 2:20'],
  ],
  ['a key that is null', 'image:', ['missing-key image 1:7']],
  ['a capability that is none', 'image: a\ncap_add: [NET_ADMI]', ['bad-value cap_add[0] 2:11']],
  ['a security option that is none', 'image: a\nsecurity_opt: [foo]', ['bad-value security_opt[0] 2:16']],
  [
    'a profile that hosts do not have',
    'image: a\nsecurity_opt: ["seccomp=/x.json"]',
    ['bad-value security_opt[0] 2:16'],
  ],
  ['a limit that is none', 'image: a\nulimits: { nofiles: 1 }', ['bad-value ulimits.nofiles 2:12']],
  [
    'a soft limit over the hard one',
    'image: a\nulimits: { nofile: { soft: 2, hard: 1 } }',
    ['bad-value ulimits.nofile.soft 2:28'],
  ],
  ['half of a limit', 'image: a\nulimits: { nofile: { soft: 2 } }', ['missing-key ulimits.nofile.hard 2:20']],
  ['a relative working_dir', 'image: a\nworking_dir: app', ['bad-value working_dir 2:14']],
  ['a hostname with an underscore', 'image: a\nhostname: my_host', ['bad-value hostname 2:11']],
  ['a user with a space', 'image: a\nuser: "a b"', ['bad-value user 2:7']],
  ['a signal that is none', 'image: a\nstop_signal: SIGFOO', ['bad-value stop_signal 2:14']],
  [
    'too little of a CPU to start',
    'image: a\ndeploy: { resources: { limits: { cpus: "0.001" } } }',
    ['out-of-range deploy.resources.limits.cpus 2:40'],
  ],
  [
    'a negative memory',
    'image: a\ndeploy: { resources: { limits: { memory: -1 } } }',
    ['bad-value deploy.resources.limits.memory 2:42'],
  ],
  ['a test without a command', 'image: a\nhealthcheck: { test: ["CMD"] }', ['bad-value healthcheck.test 2:22']],
  ['a tag of YAML', 'image: !secret a', ['yaml-syntax  1:16']],
  ['a key under an alias', 'x-a: &a { foo: 1 }\nimage: a\ndeploy: *a', ['unknown-key deploy.foo 1:11']],
  ['an alias without an anchor', 'image: *a', ['yaml-syntax  1:8']],
  ['x-berth below the top', 'image: a\ndeploy: { x-berth: {} }', ['unknown-key deploy.x-berth 2:11']],
  ['x-berth misspelled', 'image: a\nx-bert: {}', ['unknown-key x-bert 2:1']],
  ['port 0', 'image: a\nports: [{ target: 0 }]', ['out-of-range ports[0].target 2:19']],
  ['a host port twice', 'image: a\nports: ["80:1", { target: 2, published: 80 }]', ['duplicate-port ports[1] 2:17']],
  ['a bad duration', 'image: a\nstop_grace_period: 10', ['bad-value stop_grace_period 2:20']],
  [
    'too little memory',
    'image: a\ndeploy: { resources: { limits: { memory: 1M } } }',
    ['out-of-range deploy.resources.limits.memory 2:42'],
  ],
  [
    'more reserved than allowed',
    'image: a\ndeploy: { resources: { limits: { cpus: 1 }, reservations: { cpus: 2 } } }',
    ['bad-value deploy.resources.reservations.cpus 2:67'],
  ],
  [
    'replicas of a global service',
    'image: a\ndeploy: { mode: global, replicas: 2 }',
    ['bad-value deploy.replicas 2:35'],
  ],
  [
    'a constraint on roles',
    'image: a\ndeploy: { placement: { constraints: [node.role == manager] } }',
    ['bad-value deploy.placement.constraints[0] 2:38'],
  ],
  ['a placeholder where none stands', 'image: a\nuser: "{{.Node.Hostname}}"', ['bad-value user 2:7']],
  ['a quote that is open', 'image: a\ncommand: echo "x', ['bad-value command 2:10']],
  [
    'a key below that comes later',
    'image: a\nvolumes: [{ type: volume, target: /a, image: {} }]',
    ['unsupported-key volumes[0].image 2:39'],
  ],
])('refuses %s', (_, text, problems) => {
  expect(bad(text)).toEqual(problems);
});

test('refuses names that are no DNS label, and documents that are too large', () => {
  expect(bad('image: a', 'Web_1')).toEqual(['bad-name  1:1']);
  expect(bad(`#${'x'.repeat(MAX_DOCUMENT_BYTES)}`)).toEqual(['too-large  1:1']);
});

test('a bomb of aliases is refused, not expanded', () => {
  const levels = Array.from({ length: 9 }, (_, i) => `x-${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`);
  expect(bad(`image: a\nx-0: &l0 [x]\n${levels.join('\n')}`)).toEqual(['yaml-syntax  1:1']);
});

test('every key that is not supported is refused with what to do instead', () => {
  for (const [table, wrap] of [
    [SERVICE_KEYS, (key: string) => ({ image: 'a', [key]: 'x' })],
    [DEPLOY_KEYS, (key: string) => ({ image: 'a', deploy: { [key]: 'x' } })],
  ] as const)
    for (const [key, status] of Object.entries(table)) {
      if (status.is === 'supported') continue;
      const compiled = compileService('web', stringify(wrap(key)));
      expect(
        compiled.ok ? [] : compiled.problems.map(({ rule, message }) => [rule, message.includes(status.note)]),
      ).toEqual([['unsupported-key', true]]);
    }
});

test('whatever the text, the answer is a release or problems with their place', () => {
  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.string(), { maxLength: 3 }),
    fc.dictionary(fc.string(), fc.string()),
  );
  const documents = fc
    .dictionary(fc.oneof(fc.constantFrom(...Object.keys(SERVICE_KEYS), 'x-berth'), fc.string()), value)
    .map((service) => stringify({ image: 'a', ...service }));
  fc.assert(
    fc.property(fc.oneof(documents, fc.string()), (text) => {
      const compiled = compileService('web', text);
      if (compiled.ok) return JSON.stringify(compiled).includes('null') === false;
      return compiled.problems.every(({ line, column, message }) => line >= 1 && column >= 1 && message !== '');
    }),
    { numRuns: 500 },
  );
});
