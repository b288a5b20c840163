// What a quickstart starts on this machine, and how all of it goes away again: processes, an engine, an image, a folder.
//
// INVARIANTS
// - Everything carries the id of the quickstart's process: a later one can tell what a killed one left, and takes it away.
// - Nothing is started once `stopping` is aborted, so that cleanUp() sees all there will ever be.
import { execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { noteAbsent, removeTraces } from './traces.mjs';

export const ROOT = resolve(import.meta.dirname, '../..');
export const IMAGE = 'berth-hello:1';
/** The agent's name: no other agent on this machine has it, so its containers are told from all others. */
export const HOST = `quickstart-${process.pid}`;
const FOLDER = 'berth-quickstart-';
const TRACES = 'docker/absent-before.json';
const IMAGE_LABEL = 'berth.quickstart';
/** The daemons promise to end within 10 s. */
const STOP_MS = 15_000;

/** Aborted with the reason when it is time to go. */
export const stopping = new AbortController();
const parts = [];
let folder;

const startedMs = performance.now();
export const say = (text) => process.stdout.write(`${text}\n`);
export const stage = (text) => say(`[${((performance.now() - startedMs) / 1000).toFixed(1).padStart(5)} s] ${text}`);
const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));

/** @returns standard output, trimmed. @throws Error with what the command had to say */
export function run(command, args, { input, ...options } = {}) {
  return new Promise((done, fail) => {
    const child = execFile(command, args, { maxBuffer: 64e6, cwd: ROOT, ...options }, (error, stdout, stderr) => {
      const words = String(stderr).trim() || error?.message;
      if (error) fail(new Error(`${command} ${args.join(' ')} failed: ${words}`));
      else done(options.encoding === 'buffer' ? stdout : stdout.trim());
    });
    // A command that ends without reading says why on its own.
    child.stdin.on('error', () => undefined);
    if (input !== undefined) child.stdin.end(input);
  });
}

export async function until(what, check, timeoutMs = 30_000) {
  const endMs = performance.now() + timeoutMs;
  let last;
  while (performance.now() < endMs) {
    stopping.signal.throwIfAborted();
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

export function freePort() {
  return new Promise((done, fail) => {
    const server = createServer();
    server.on('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/** @returns the folder of this quickstart */
export function makeFolder() {
  folder = mkdtempSync(join(tmpdir(), `${FOLDER}${process.pid}-`));
  return folder;
}

/** Starts a part in the background. It ends when this process does, however that ends; its end is ours. */
export function start(name, command, args) {
  stopping.signal.throwIfAborted();
  const log = join(folder, `${name}.log`);
  const out = openSync(log, 'a');
  // A group of its own: Ctrl-C reaches this program alone.
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', command, ...args], {
    detached: true,
    stdio: ['ignore', out, out],
  });
  const ended = new Promise((over) => {
    child.on('exit', (code, signal) => {
      over();
      stopping.abort(new Error(`${name} ended (${signal ?? `exit code ${code}`}). The end of its log:\n${tail(log)}`));
    });
    child.on('error', (error) => {
      over();
      stopping.abort(new Error(`${name} does not start: ${error.message}`));
    });
  });
  parts.push({ name, child, log, ended });
}

const tail = (file) => readFileSync(file, 'utf8').trim().split('\n').slice(-12).join('\n');

/** The last words of every part: for a person who has to find out why it failed. */
export function lastWords() {
  return parts.map(({ name, log }) => `--- ${name}\n${tail(log)}`).join('\n');
}

const dockerVersion = () => run('docker', ['version', '--format', '{{.Server.Version}}']).catch(() => undefined);

export async function ensureDocker() {
  const version = await dockerVersion();
  if (version) return stage(`Docker Engine ${version} answers`);
  if (process.getuid() !== 0)
    throw new Error(
      'No Docker Engine answers to this user. Start it (sudo systemctl start docker), make sure that you may use it\n' +
        '(sudo usermod -aG docker $USER, then log in again), and try again. As root, the quickstart starts one itself.',
    );
  stage('starting a Docker Engine, since none answers');
  mkdirSync(join(folder, 'docker'));
  noteAbsent(join(folder, TRACES));
  const own = (name) => join(folder, 'docker', name);
  const folders = ['--data-root', own('data'), '--exec-root', own('exec'), '--pidfile', own('docker.pid')];
  // It publishes ports by its proxies alone: no engine takes its rules for packets away again.
  const packets = ['--iptables=false', '--ip6tables=false', '--ip-forward=false'];
  start('docker', 'dockerd', [...folders, ...packets, '--host', 'unix:///var/run/docker.sock']);
  stage(`Docker Engine ${await until('the Docker Engine', dockerVersion, 60_000)} answers`);
}

/** The demo image: nothing but busybox and one page. Made anew unless somebody else made one of that name. */
export async function buildImage() {
  const found = await run('docker', ['image', 'inspect', '--format', '{{json .Config.Labels}}', IMAGE]).catch(() => '');
  if (found !== '' && !found.includes(IMAGE_LABEL)) return stage(`the image ${IMAGE} is there already`);
  stage(`building the demo image ${IMAGE}`);
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
  const archive = await run('tar', ['-C', root, '-c', '.'], { encoding: 'buffer' });
  stopping.signal.throwIfAborted();
  const changes = ['-c', 'CMD ["/serve"]', '-c', `LABEL ${IMAGE_LABEL}=1`];
  await run('docker', ['import', ...changes, '-', IMAGE], { input: archive });
}

/** Ids of all containers of this quickstart. */
export const ourContainers = async () =>
  words(await run('docker', ['ps', '-aq', '--filter', `label=berth.host=${HOST}`]));

const words = (text) => text.split(/\s+/).filter(Boolean);
const removeContainers = async (ids) => ids.length > 0 && run('docker', ['rm', '-f', '-v', ...ids]);

/** Whether a quickstart with this process id still runs. */
function isRunning(pid) {
  if (Number(pid) === process.pid) return true;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('quickstart.mjs');
  } catch {
    return false;
  }
}

/** Takes away what quickstarts left that were killed before they could do it themselves. */
export async function sweepLeftovers() {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${FOLDER}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || isRunning(pid)) continue;
    stage(`taking away what an earlier quickstart (process ${pid}) left`);
    await removeFolder(join(tmpdir(), name));
  }
}

export async function sweepContainers() {
  const format = '{{.ID}} {{.Label "berth.host"}}';
  const lines = (await run('docker', ['ps', '-a', '--filter', 'label=berth.host', '--format', format])).split('\n');
  const left = lines
    .map((line) => /^(\S+) quickstart-(\d+)$/.exec(line))
    .filter((found) => found && !isRunning(found[2]));
  await removeContainers(left.map(([, id]) => id));
}

/**
 * Ends what still works in a folder (engines of killed quickstarts, with their containers), then removes it.
 * @returns what is left outside of it
 */
async function removeFolder(dir) {
  for (const pid of processesOf(dir)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
  for (let looks = 0; looks < 50 && processesOf(dir).length > 0; looks++) await sleep(100);
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  const ours = mounts.map((line) => line.split(' ')[1] ?? '').filter((mount) => mount.startsWith(`${dir}/`));
  for (const mount of ours.sort().reverse()) await run('umount', ['-l', mount]).catch(() => undefined);
  // An engine that answers now is somebody else's, and so is its socket and its bridge.
  const left = (await dockerVersion()) ? [] : removeTraces(join(dir, TRACES));
  rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  return left;
}

/** Processes whose command line names the folder, and all that descend from them. */
function processesOf(dir) {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const read = (pid, file) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8');
    } catch {
      return '';
    }
  };
  const found = new Set(all.filter((pid) => read(pid, 'cmdline').includes(`${dir}/`)));
  // Field 4 of stat(5) is the parent; the name before it, in parentheses, may hold anything.
  const parentOf = new Map(all.map((pid) => [pid, read(pid, 'stat').split(') ').at(-1).split(' ')[1]]));
  for (let size = -1; size !== found.size;) {
    size = found.size;
    for (const [pid, parent] of parentOf) if (found.has(parent)) found.add(pid);
  }
  return [...found].map(Number);
}

async function end({ child, ended }) {
  if (child.pid === undefined) return;
  child.kill('SIGTERM');
  const isOver = await Promise.race([ended.then(() => true), sleep(STOP_MS).then(() => false)]);
  if (isOver) return;
  child.kill('SIGKILL');
  await ended;
}

/** Ends and removes everything of ours. @returns what is left all the same; empty when all is well */
export async function cleanUp() {
  stopping.abort(new Error('stopping'));
  const others = parts.filter(({ name }) => name !== 'docker');
  // The agent first: it would bring the containers back.
  for (const part of others.reverse()) await end(part);
  const left = [];
  if (await dockerVersion()) {
    await removeContainers(await ourContainers());
    left.push(...(await ourContainers()).map((id) => `container ${id}`));
    // Not when another quickstart still uses it.
    const label = ['images', '-q', '--filter', `label=${IMAGE_LABEL}`, IMAGE];
    if ((await run('docker', label)) !== '') await run('docker', ['rmi', IMAGE]).catch(() => undefined);
  }
  for (const part of parts.filter(({ name }) => name === 'docker')) await end(part);
  if (folder === undefined) return left;
  left.push(...(await removeFolder(folder)));
  left.push(...processesOf(folder).map((pid) => `process ${pid}`));
  if (existsSync(folder)) left.push(`folder ${folder}`);
  return left;
}
