/** The operator's commands, on a real cluster: what they do, what they print, and how they end. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cluster, PLAIN_ENVIRONMENT, type CommandResult } from '../support/cluster';
import { BERTH } from '../support/daemon';
import { docker } from '../support/docker';
import { freePort } from '../support/ports';
import { sleep, until } from '../support/wait';

let cluster: Cluster;
beforeAll(async () => (cluster = await Cluster.start()), 60_000);
afterAll(() => cluster.stop(), 60_000);

/** One that failed must not leave its services to the next. */
afterEach(async () => {
  const { stdout } = await berth(['services', '--json']);
  const left = (JSON.parse(stdout) as { services: { name: string; status: { rollout: string } }[] }).services;
  const names = left.filter(({ status }) => status.rollout !== 'stopping').map(({ name }) => name);
  if (names.length > 0) await removed(...names);
}, 60_000);

const IDLE = '    image: berth-test/busybox:1\n    command: sleep 86400\n    stop_signal: SIGKILL\n';

interface Surroundings {
  /** Standard input. */
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Folder that the command runs in. */
  readonly cwd?: string;
}

/** Runs `berth` as `cluster.berth` does, in surroundings of its own. */
function berth(args: readonly string[], { input = '', env = {}, cwd }: Surroundings = {}): Promise<CommandResult> {
  return new Promise((resolve) => {
    const options = { env: { ...PLAIN_ENVIRONMENT, BERTH_COORDINATOR: cluster.grpc, ...env }, ...(cwd && { cwd }) };
    const child = execFile(process.execPath, [BERTH, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin?.on('error', () => undefined).end(input);
  });
}

/** Writes files into a folder of their own. @returns the folder */
function project(name: string, files: Readonly<Record<string, string>>): string {
  const folder = join(cluster.folder, name);
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

async function json(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await berth([...args, '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

async function removed(...services: string[]): Promise<void> {
  await berth(['rm', ...services]);
  await cluster.running(0);
}

test('apply takes a folder’s Compose file with its variables, files and volumes, and waits', async () => {
  const folder = project('Shop 1', {
    'compose.yaml': `x-env: &env { VERSION: 1.10, TZ: "\${TZ:-UTC}" }\nservices:\n  web:\n${IDLE}    env_file: [app.env, { path: none.env, required: false }]\n    environment: { <<: *env, SHELLED: }\n    volumes: [".:/here:ro", data:/data]\nvolumes: { data: { name: ${cluster.prefix.slice(1)} } }\n`,
    'app.env': 'A="x # y"\nB=${A}!\nTZ=lost\n',
    '.env': 'TZ=Europe/Berlin\n',
  });
  const applied = await berth(['apply', '--wait', '--timeout', '30'], {
    cwd: folder,
    env: { SHELLED: 'yes', TZ: undefined },
  });
  expect(applied).toMatchObject({ code: 0, stderr: '' });
  expect(applied.stdout).toMatch(/^web {3}created\n( {2}\d+\.\d s: web.*\n)* {2}\d+\.\d s: web @1 1\/1\n$/);
  try {
    const [container] = await cluster.running(1);
    const seen = JSON.parse(await docker('inspect', container!.id))[0];
    expect(seen.Config.Env).toEqual(
      expect.arrayContaining(['A=x # y', 'B=x # y!', 'VERSION=1.10', 'TZ=Europe/Berlin', 'SHELLED=yes']),
    );
    expect(seen.Config.Labels['berth.project']).toBe('shop1');
    const mounts = (seen.Mounts as Record<string, string>[])
      .map(({ Name, Source, Destination }) => [Name ?? Source, Destination])
      .sort();
    expect(mounts).toEqual([
      [folder, '/here'],
      [cluster.prefix.slice(1), '/data'],
    ]);
    expect(await berth(['apply'], { cwd: folder, env: { SHELLED: 'yes', TZ: undefined } })).toMatchObject({
      code: 0,
      stdout: 'web   unchanged\n',
    });
  } finally {
    await removed('web');
    await docker('volume', 'rm', '-f', cluster.prefix.slice(1));
  }
}, 60_000);

test('apply takes what "docker compose config" prints, from standard input', async () => {
  const printed = `name: piped\nservices:\n  web:\n${IDLE}    entrypoint: null\n    environment:\n      PRICE: 5$$\n    networks:\n      default: null\n    ports:\n      - mode: ingress\n        target: 80\n        published: "${await freePort()}"\n        protocol: tcp\nnetworks:\n  default:\n    name: piped_default\n`;
  const answer = await berth(['apply', '-f', '-', '--json', '--wait', '--timeout', '30'], { input: printed });
  expect(answer).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(answer.stdout)).toEqual({ refused: [], applied: [{ name: 'web', action: 'created', held: '' }] });
  const [container] = await cluster.running(1);
  const format = '{{index .Config.Labels "berth.project"}} {{.Config.Env}}';
  expect(await docker('inspect', '--format', format, container!.id)).toMatch(/^piped \[.*PRICE=5\$[ \]]/);

  // Names of services are unique in a cluster.
  const other = await berth(['apply', '-f', '-', '-p', 'other'], { input: printed });
  expect(other.code).toBe(2);
  expect(other.stderr).toContain('service "web" belongs to the project "piped", and this file is the project "other"');
  expect(other.stderr).toContain('standard input:3:3:');
  await removed('web');
}, 60_000);

test('variables and the project come from the shell, then from files, then from the file itself', async () => {
  const folder = project('layers', {
    'compose.yaml': 'services: { api: { image: "a:${A}-${B:-none}-${C}" } }\n',
    '.env': 'A=dot\nCOMPOSE_PROJECT_NAME=dotted\nC=dot\n',
    'one.env': 'A=one\nB=one\n',
    'two.env': 'B=$A-two\nC=two\n',
  });
  const applied = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await berth(['apply', ...args], { cwd: folder, env: { C: 'shell' } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return (await cluster.etcd.get(cluster.keys.service('api')))!.replace(/\s+/g, ' ').trim();
  };
  try {
    expect(await applied()).toBe('image: a:dot-none-shell x-berth: project: dotted');
    const files = ['--env-file', join(folder, 'one.env'), '--env-file', join(folder, 'two.env')];
    expect(await applied('-p', 'dotted', ...files)).toBe('image: a:one-one-two-shell x-berth: project: dotted');
  } finally {
    await removed('api');
  }
}, 60_000);

test('ps, services, hosts, version and rm, for people and for programs', async () => {
  const folder = project('lists', {
    'compose.yaml': `name: lists\nservices:\n  api:\n${IDLE}    deploy: { replicas: 2 }\n`,
  });
  expect(await berth(['apply', '--wait', '--timeout', '30'], { cwd: folder })).toMatchObject({ code: 0 });

  const ps = await berth(['ps']);
  expect(ps.stdout).toMatch(
    /^INSTANCE +RELEASE +HOST +PHASE +HEALTH +PORTS +RESTARTS +REASON\n(api-\d-\w+ +api@1 +h1 +running .*\n){2}$/,
  );
  const { instances } = await json('ps', 'api');
  expect(instances).toHaveLength(2);
  expect((instances as unknown[])[0]).toMatchObject({
    host: 'h1',
    hostLive: true,
    status: { service: 'api', phase: 'RUNNING' },
  });

  expect((await berth(['services'])).stdout).toMatch(
    /\napi +replicated +2\/2 +@1 +steady +berth-test\/busybox:1 +lists\n$/,
  );
  expect((await json('services')).services).toEqual([
    expect.objectContaining({
      name: 'api',
      project: 'lists',
      status: expect.objectContaining({ running: 2, wanted: 2 }),
    }),
  ]);

  expect((await berth(['hosts'])).stdout).toMatch(/\nh1 +live +127\.0\.0\.1 +2 /);
  expect((await json('hosts')).hosts).toEqual([expect.objectContaining({ name: 'h1', live: true, instances: 2 })]);

  expect((await berth(['version', '--remote'])).stdout).toMatch(/^berth [\d.]+\ncoordinator [\d.]+, leads\n$/);
  expect(await json('version')).toEqual({ version: expect.any(String) });
  expect((await json('version', '--remote')).coordinator).toMatchObject({ leader: true });

  const some = await berth(['ps', 'api', 'apl']);
  expect(some.code).toBe(1);
  expect(some.stdout).toContain('api-1-');
  expect(some.stderr).toBe('There is no service "apl" (did you mean "api"?).\n');
  expect(await berth(['rm', 'api', 'nosuch'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('nothing was removed'),
  });
  expect(await json('rm', 'api', 'api')).toEqual({ removed: ['api'] });
  await cluster.running(0);
  await until('it to be forgotten', async () => (await berth(['services'])).stdout.startsWith('No services.'));
  expect((await berth(['ps'])).stdout).toBe('No instances.\n');
}, 60_000);

test('--wait says why an instance fails while it waits, ends with 4 in time, and with 130 on Ctrl-C', async () => {
  const folder = project('failing', {
    'compose.yaml': `services:\n  bad:\n${IDLE.replace('sleep 86400', '/no/such')}`,
  });
  const startedMs = performance.now();
  const { code, stdout, stderr } = await berth(['apply', '--wait', '--timeout', '3'], { cwd: folder });
  expect(code).toBe(4);
  expect(stdout).toMatch(/s: bad-1-\w+ on h1: failed: .*\/no\/such/);
  expect(stderr).toMatch(/Not everything runs as wanted yet.*\n(.*\n)+ {2}bad-1-\w+ on h1: failed/);
  expect(performance.now() - startedMs).toBeLessThan(10_000);

  const waiting = execFile(process.execPath, [BERTH, 'apply', '--wait'], {
    cwd: folder,
    env: { ...PLAIN_ENVIRONMENT, BERTH_COORDINATOR: cluster.grpc },
  });
  let said = '';
  waiting.stdout?.on('data', (text: string) => (said += text));
  waiting.stderr?.on('data', (text: string) => (said += text));
  const ended = new Promise((resolve) => waiting.once('close', resolve));
  await until('it to wait', () => said.includes(' s: '));
  waiting.kill('SIGINT');
  expect(await ended).toBe(130);
  expect(said).toContain('Waiting no longer; the services are written');
  await removed('bad');
}, 60_000);

test('--wait outlives a restart of the coordinator', async () => {
  const folder = project('restart', {
    'compose.yaml': `services:\n  slow:\n${IDLE}    deploy: { placement: { constraints: [node.hostname == h2] } }\n`,
  });
  const waiting = berth(['apply', '--wait', '--timeout', '60'], { cwd: folder });
  await until('the document', async () => (await cluster.etcd.get(cluster.keys.service('slow'))) !== undefined);
  await sleep(1000);
  await cluster.coordinators[0]!.end('SIGKILL');
  await sleep(2000);
  await cluster.coordinators[0]!.start();
  await cluster.etcd.put(
    cluster.keys.service('slow'),
    'image: berth-test/busybox:1\ncommand: sleep 86400\nstop_signal: SIGKILL\n',
  );
  const { code, stdout } = await waiting;
  expect(stdout).toMatch(/slow: no place for 1 of \d+: h1: /);
  expect(stdout).toContain('asking again');
  expect({ code, last: stdout.trim().split('\n').at(-1) }).toEqual({
    code: 0,
    last: expect.stringMatching(/slow @2 1\/1$/) as string,
  });
  await removed('slow');
}, 90_000);

test('troubles are said plainly: a file, another server, a reader that goes', async () => {
  const missing = await berth(['apply', '-f', 'none.yaml'], { cwd: cluster.folder });
  expect(missing).toMatchObject({ code: 1, stderr: 'can not read none.yaml: there is no such file\n' });
  const elsewhere = await berth(['ps', '--coordinator', cluster.coordinatorHttp.replace('http://', '')]);
  expect(elsewhere).toMatchObject({ code: 1, stderr: expect.stringContaining('is no coordinator') });
  const alone = await berth(['version', '--remote', '--coordinator', '127.0.0.1:1']);
  expect(alone).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^berth /),
    stderr: expect.stringContaining('No coordinator answers'),
  });
  const piped = await new Promise<string>((resolve) => {
    const command = `{ sleep 0.5; "${process.execPath}" "${BERTH}" hosts --json; echo "ended with $?" >&2; } | true`;
    const env = { ...PLAIN_ENVIRONMENT, BERTH_COORDINATOR: cluster.grpc };
    execFile('sh', ['-c', command], { env }, (_error, _stdout, stderr) => resolve(stderr));
  });
  expect(piped).toBe('ended with 141\n');
}, 30_000);

test('with etcd away, lists are what was known, with a warning beside the JSON; what changes something is not done', async () => {
  cluster.etcd.pause();
  try {
    const hosts = await until('the warning', async () => {
      const answer = await berth(['hosts', '--json']);
      return answer.stderr === '' ? undefined : answer;
    });
    expect(hosts.code).toBe(0);
    expect(hosts.stderr).toMatch(
      /^Warning: the coordinator lost touch with etcd \d+ s ago; this is what it knew then\.\n$/,
    );
    expect(JSON.parse(hosts.stdout)).toMatchObject({
      hosts: [{ name: 'h1' }],
      freshness: { etcdConnected: false },
    });
    const folder = project('away', { 'compose.yaml': `services:\n  web:\n${IDLE}` });
    const applied = await berth(['apply', '--wait', '--json'], { cwd: folder });
    expect(applied).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('etcd did not take the change'),
    });
  } finally {
    cluster.etcd.resume();
  }
  // It may or may not have been written, as the message says.
  await until('etcd to be back', async () => (await berth(['hosts'])).stderr === '');
  await removed('web');
}, 60_000);
