// What quickstart.sh runs once everything is installed and built.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname ?? '.', '..');
const BERTH = join(ROOT, 'bin/berth');
const IMAGE = 'berth-hello:1';
/** Everything that a quickstart leaves behind, when it is killed, carries this prefix; the next one takes it away. */
const PREFIX = '/berth-quickstart';
const HOST = 'quickstart';
const COMPOSE = join(ROOT, 'examples/hello/compose.yaml');

const isCheck = process.argv.includes('--check');
const unknown = process.argv.slice(2).filter((word) => word !== '--check');
const startedMs = performance.now();
const children = [];
let folder;
let ownDocker;
let ownImage = false;
let isStopping = false;

const say = (text) => process.stdout.write(`${text}\n`);
const stage = (text) => say(`[${((performance.now() - startedMs) / 1000).toFixed(1).padStart(5)} s] ${text}`);
const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));

function run(command, args, options = {}) {
  return new Promise((done, fail) => {
    const child = execFile(command, args, { maxBuffer: 16e6, ...options }, (error, stdout, stderr) => {
      if (error) fail(new Error(`${command} ${args.join(' ')} failed: ${stderr.trim() || error.message}`));
      else done(stdout.trim());
    });
    if (options.input !== undefined) child.stdin.end(options.input);
  });
}

/** Starts a part in the background, in a group of its own so that Ctrl-C reaches this program alone. */
function start(name, command, args) {
  const log = join(folder, `${name}.log`);
  const child = spawn(command, args, { detached: true, stdio: ['ignore', openSync(log, 'a'), openSync(log, 'a')] });
  const part = { name, child, log, isOver: false };
  child.on('exit', (code, signal) => {
    part.isOver = true;
    if (!isStopping)
      fail(new Error(`${name} ended (${signal ?? `exit code ${code}`}). The end of its log:\n${tail(log)}`));
  });
  child.on('error', (error) => fail(new Error(`${name} does not start: ${error.message}`)));
  children.push(part);
  return part;
}

const tail = (file) => readFileSync(file, 'utf8').trim().split('\n').slice(-12).join('\n');

async function until(what, check, timeoutMs = 30_000) {
  const endMs = performance.now() + timeoutMs;
  let last;
  while (performance.now() < endMs) {
    try {
      const found = await check();
      if (found) return found;
    } catch (error) {
      last = error;
    }
    await sleep(50);
  }
  throw new Error(`${what}: not within ${timeoutMs / 1000} s${last ? ` (${last.message})` : ''}`);
}

function freePort() {
  return new Promise((done, fail) => {
    const server = createServer();
    server.on('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

async function dockerAnswers() {
  return run('docker', ['version', '--format', '{{.Server.Version}}']).catch(() => undefined);
}

async function ensureDocker() {
  const version = await dockerAnswers();
  if (version) return stage(`Docker Engine ${version} answers`);
  if (process.getuid() !== 0)
    throw new Error(
      'No Docker Engine answers. Start it (sudo systemctl start docker), make sure that you may use it, and try again.',
    );
  stage('starting a Docker Engine, since none answers');
  const dir = join(folder, 'docker');
  mkdirSync(dir);
  const args = [
    '--data-root',
    join(dir, 'data'),
    '--exec-root',
    join(dir, 'exec'),
    '--pidfile',
    join(dir, 'docker.pid'),
    '--host',
    'unix:///var/run/docker.sock',
  ];
  ownDocker = { ...start('docker', 'dockerd', args), dir };
  stage(`Docker Engine ${await until('the Docker Engine', dockerAnswers)} answers`);
}

/** A file system with nothing but busybox and one page: no registry is needed. */
async function buildImage() {
  if (await run('docker', ['image', 'inspect', IMAGE]).catch(() => undefined)) return;
  const root = join(folder, 'image');
  for (const dir of ['bin', 'tmp', 'www/cgi-bin']) mkdirSync(join(root, dir), { recursive: true });
  const files = [
    ['/bin/busybox', 'bin/busybox'],
    ['examples/hello/image/serve', 'serve'],
    ['examples/hello/image/index.cgi', 'www/cgi-bin/index.cgi'],
  ];
  for (const [from, to] of files) {
    copyFileSync(resolve(ROOT, from), join(root, to));
    chmodSync(join(root, to), 0o755);
  }
  const archive = execFileSync('tar', ['-C', root, '-c', '.'], { maxBuffer: 64e6 });
  await run('docker', ['import', '-c', 'CMD ["/serve"]', '-', IMAGE], { input: archive, encoding: 'utf8' });
  ownImage = true;
}

const ourContainers = async () =>
  (await run('docker', ['ps', '-aq', '--filter', `label=berth.prefix=${PREFIX}`])).split('\n').filter(Boolean);

async function removeContainers() {
  const ids = await ourContainers();
  if (ids.length > 0) await run('docker', ['rm', '-f', ...ids]);
}

async function cleanUp() {
  isStopping = true;
  // The agent first: it would bring the containers back.
  for (const { child, isOver, name } of [...children].reverse()) {
    if (isOver || name === 'docker') continue;
    child.kill('SIGTERM');
    await Promise.race([
      new Promise((gone) => child.once('exit', gone)),
      sleep(10_000).then(() => child.kill('SIGKILL')),
    ]);
  }
  if (await dockerAnswers()) {
    await removeContainers();
    if (ownImage) await run('docker', ['rmi', IMAGE]).catch(() => undefined);
  }
  if (ownDocker) {
    ownDocker.child.kill('SIGTERM');
    await new Promise((gone) =>
      ownDocker.child.exitCode === null && ownDocker.child.signalCode === null
        ? ownDocker.child.once('exit', gone)
        : gone(),
    );
    const mounts = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '')
      .filter((mount) => mount.startsWith(ownDocker.dir));
    for (const mount of mounts.sort().reverse()) await run('umount', ['-l', mount]).catch(() => undefined);
  }
  if (folder) rmSync(folder, { recursive: true, force: true });
}

let fail;
const failed = new Promise((_, reject) => (fail = reject));
failed.catch(() => undefined);
const interrupted = new Promise((done) =>
  ['SIGINT', 'SIGTERM', 'SIGHUP'].forEach((signal) => process.on(signal, () => done(signal))),
);

async function up() {
  folder = mkdtempSync(join(tmpdir(), 'berth-quickstart-'));
  await ensureDocker();
  await removeContainers();
  const [etcdPort, peerPort, grpcPort, coordinatorHttp, agentHttp] = await Promise.all([1, 2, 3, 4, 5].map(freePort));
  const etcd = `http://127.0.0.1:${etcdPort}`;
  const coordinator = `127.0.0.1:${grpcPort}`;
  stage('starting etcd');
  start('etcd', 'etcd', [
    ...['--data-dir', join(folder, 'etcd'), '--listen-client-urls', etcd, '--advertise-client-urls', etcd],
    ...[
      '--listen-peer-urls',
      `http://127.0.0.1:${peerPort}`,
      '--initial-advertise-peer-urls',
      `http://127.0.0.1:${peerPort}`,
      '--initial-cluster',
      `default=http://127.0.0.1:${peerPort}`,
    ],
  ]);
  await until('etcd', async () => (await fetch(`${etcd}/health`)).ok);
  stage('starting a coordinator and an agent');
  const common = ['--etcd', etcd, '--prefix', PREFIX];
  start('coordinator', BERTH, [
    'coordinator',
    ...common,
    '--grpc',
    coordinator,
    '--http',
    `127.0.0.1:${coordinatorHttp}`,
  ]);
  start('agent', BERTH, [
    'agent',
    ...common,
    '--name',
    HOST,
    '--address',
    '127.0.0.1',
    '--state-dir',
    join(folder, 'agent'),
    '--http',
    `127.0.0.1:${agentHttp}`,
  ]);
  for (const port of [coordinatorHttp, agentHttp])
    await until('the daemons', async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok);
  stage(`building the demo image ${IMAGE}`);
  await buildImage();
  stage('applying examples/hello/compose.yaml');
  const berth = (...args) => run(BERTH, args, { env: { ...process.env, BERTH_COORDINATOR: coordinator } });
  await berth('apply', '-f', COMPOSE, '--wait', '--timeout', '60');
  const urls = await answeringUrls(berth, 2);
  stage('both instances answer');
  return {
    etcd,
    coordinator,
    berth,
    urls,
    metrics: `http://127.0.0.1:${agentHttp}/metrics`,
    coordinatorMetrics: `http://127.0.0.1:${coordinatorHttp}/metrics`,
  };
}

/** URLs of all running instances of the demo, once there are so many and each answers. */
function answeringUrls(berth, count) {
  return until(`${count} instances that answer`, async () => {
    const { instances } = JSON.parse(await berth('ps', 'web', '--json'));
    const running = instances.filter(({ status }) => status.phase === 'RUNNING');
    const urls = running.map(
      ({ address, status }) => `http://${address}:${status.ports[0].published}/cgi-bin/index.cgi`,
    );
    if (instances.length !== count || urls.length !== count) return undefined;
    const answers = await Promise.all(urls.map(async (url) => (await fetch(url)).text()));
    return answers.every((text) => text.includes('Hello from Berth')) ? urls : undefined;
  });
}

async function present({ urls, berth, metrics, coordinator, etcd }) {
  const bin = 'bin/berth';
  say(
    `\nIt answers:\n${urls.map((url) => `  curl ${url}`).join('\n')}\n\n$ ${bin} ps\n${await berth('ps')}\n\nMetrics: ${metrics}\n`,
  );
  say(`Three things to try, in another terminal, in this folder:

  export BERTH_COORDINATOR=${coordinator}
  1. Kill a container, and watch it come back:
     docker kill $(docker ps -q --filter label=berth.prefix=${PREFIX} | head -1); sleep 1; ${bin} ps
  2. Scale to 4 instances:
     sed 's/replicas: 2/replicas: 4/' examples/hello/compose.yaml | ${bin} apply -p hello -f - --wait && ${bin} ps
  3. Edit the key itself, as any program can:
     ETCDCTL_API=3 etcdctl --endpoints ${etcd} get --print-value-only ${PREFIX}/services/web | sed 's/Hello from/Greetings from/' \\
       | ETCDCTL_API=3 etcdctl --endpoints ${etcd} put ${PREFIX}/services/web && sleep 5 && ${bin} services

Ctrl-C stops everything and leaves nothing behind.`);
}

/** Tries what present() claims. */
async function check({ berth, coordinator, urls, metrics, coordinatorMetrics, etcd }) {
  const [victim] = await ourContainers();
  stage(`check: kill container ${victim}`);
  await run('docker', ['kill', victim]);
  await answeringUrls(berth, 2);
  stage('check: it came back');
  const compose = readFileSync(COMPOSE, 'utf8');
  await run('bash', ['-c', `"${BERTH}" apply -p hello -f - --wait --timeout 60`], {
    input: compose.replace('replicas: 2', 'replicas: 4'),
    env: { ...process.env, BERTH_COORDINATOR: coordinator },
  });
  const scaled = await answeringUrls(berth, 4);
  for (const url of urls) if (!scaled.includes(url)) throw new Error(`scaling moved ${url}`);
  stage('check: scaled to 4, and the first two stayed where they were');
  const etcdctl = (args, options) =>
    run('etcdctl', ['--endpoints', etcd, ...args], { ...options, env: { ...process.env, ETCDCTL_API: '3' } });
  const key = `${PREFIX}/services/web`;
  const text = await etcdctl(['get', '--print-value-only', key]);
  await etcdctl(['put', key], { input: text.replace('Hello from', 'Greetings and Hello from') });
  await until(
    'the edit of the key',
    async () => {
      const { services } = JSON.parse(await berth('services', '--json'));
      const { status } = services.find(({ name }) => name === 'web');
      return status.currentRelease === 3 && status.rollout === 'steady' && status.running === 4;
    },
    60_000,
  );
  const fresh = await answeringUrls(berth, 4);
  if (!(await (await fetch(fresh[0])).text()).startsWith('Greetings'))
    throw new Error('the edit of the key did not reach the containers');
  stage('check: an edit of the key was rolled out');
  const scraped = (await (await fetch(metrics)).text()) + (await (await fetch(coordinatorMetrics)).text());
  for (const line of ['berth_agent_instances_running 4', 'berth_agent_etcd_connected 1', 'berth_coordinator_leader 1'])
    if (!scraped.includes(`\n${line}\n`)) throw new Error(`the metrics do not say "${line}"`);
  stage('check: the metrics say so');
}

async function main() {
  if (unknown.length > 0) {
    say(`quickstart: no such option ${unknown.join(' ')}; there is --check`);
    return 64;
  }
  let code = 0;
  try {
    const result = await Promise.race([up(), failed, interrupted]);
    if (typeof result === 'object') {
      if (isCheck)
        await Promise.race([
          check(result),
          failed,
          interrupted.then((signal) => Promise.reject(new Error(`interrupted by ${signal}`))),
        ]);
      else {
        await present(result);
        await Promise.race([interrupted, failed]);
      }
    }
  } catch (error) {
    say(`\nquickstart: ${error.message}`);
    code = 1;
  }
  say('');
  stage('stopping, and taking everything away');
  await cleanUp();
  if (isCheck && (await dockerAnswers()) && (await ourContainers()).length > 0) {
    say('quickstart: containers are left');
    code = 1;
  }
  stage(code === 0 ? 'done' : 'failed');
  return code;
}

process.exit(await main());
