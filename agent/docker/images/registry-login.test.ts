import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, type Clock } from '../../../lib/clock';
import { readLogin, type RegistryLogin } from './registry-login';

/** Deadlines of many seconds pass in tenths of them. */
const hastyClock: Clock = { ...systemClock, after: (delayMs, wake) => systemClock.after(delayMs / 40, wake) };
const SECRET = 'hunter2-pass:word';
const REGISTRY = 'registry.example.com:5000';
const basic = (user: string): string => Buffer.from(`${user}:${SECRET}`).toString('base64');

let folder: string;
let path: string;
const searched = process.env['PATH'];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-test-login-'));
  path = join(folder, 'config.json');
  process.env['PATH'] = `${folder}:${searched}`;
});
afterEach(() => {
  process.env['PATH'] = searched;
  rmSync(folder, { recursive: true });
});

const read = (registry = REGISTRY, signal = new AbortController().signal): Promise<RegistryLogin> =>
  readLogin({ folder, registry, clock: hastyClock, signal });
const configure = (config: unknown): void => writeFileSync(path, JSON.stringify(config));
function writeHelper(name: string, script: string): void {
  writeFileSync(join(folder, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, `docker-credential-${name}`), 0o755);
}

describe('auths', () => {
  const alice = { username: 'alice', password: SECRET, serveraddress: REGISTRY };
  test.each<[string, object, object]>([
    ['base64', { [REGISTRY]: { auth: basic('alice') } }, alice],
    [
      'base64 of an older Docker, with NULs',
      { [REGISTRY]: { auth: Buffer.from(`alice:${SECRET}\0\0`).toString('base64') } },
      alice,
    ],
    ['plain', { [REGISTRY]: { username: 'alice', password: SECRET } }, alice],
    ['under a URL', { [`https://${REGISTRY}/v2/`]: { auth: basic('alice') } }, alice],
    [
      'its own name before a URL',
      { [`https://${REGISTRY}/v1/`]: { auth: basic('bob') }, [REGISTRY]: { auth: basic('alice') } },
      alice,
    ],
    [
      'an identity token',
      { [REGISTRY]: { identitytoken: SECRET } },
      { identitytoken: SECRET, serveraddress: REGISTRY },
    ],
    ['a registry token', { [REGISTRY]: { registrytoken: SECRET } }, { registrytoken: SECRET, serveraddress: REGISTRY }],
  ])('%s', async (_, auths, auth) => {
    configure({ auths, HttpHeaders: { 'User-Agent': 'x' } });
    const login = await read();
    expect(login.auth).toEqual(auth);
    expect(login.problem).toBeUndefined();
    expect(login.described).toMatch(/^the (credentials of "alice"|token) in .*config\.json$/);
    expect(login.described).not.toContain(SECRET);
    expect(login.remedy).toBe(`docker --config ${folder} login ${REGISTRY}`);
  });

  test.each([['docker.io'], ['index.docker.io']])('Docker Hub has a name of its own, for %s', async (registry) => {
    configure({ auths: { 'https://index.docker.io/v1/': { auth: basic('alice') } } });
    const serveraddress = 'https://index.docker.io/v1/';
    expect((await read(registry)).auth).toEqual({ username: 'alice', password: SECRET, serveraddress });
  });

  test.each<[string, unknown]>([
    ['no entry', { auths: { 'other.example.com': { auth: basic('alice') } } }],
    ['an empty entry', { auths: { [REGISTRY]: {} } }],
    ['no auths', {}],
    ['the name as a property of every object', { auths: {} }],
  ])('%s is no credentials, and no problem', async (what, config) => {
    configure(config);
    const login = await read(what.startsWith('the name') ? 'constructor' : REGISTRY);
    expect(login).toMatchObject({ auth: undefined, described: `no credentials: ${path} has none for it` });
    expect(login.problem).toBeUndefined();
  });

  test('no file is no credentials, and no problem', async () => {
    expect(await read()).toEqual({
      auth: undefined,
      described: `no credentials: there is no ${path}`,
      remedy: `docker --config ${folder} login ${REGISTRY}`,
    });
  });

  test.each<[string, string, RegExp]>([
    ['no JSON', `{"auths": {"${REGISTRY}": {"auth": "${SECRET}`, /config\.json is no JSON$/],
    ['a list', '[]', /is no JSON object$/],
    ['auths that are a text', '{"auths": "x"}', /"auths" in .* is no JSON object$/],
    ['an entry that is a text', `{"auths": {"${REGISTRY}": "${SECRET}"}}`, /the entry for .* is no JSON object$/],
    ['no base64', `{"auths": {"${REGISTRY}": {"auth": "${SECRET}"}}}`, /"auth" in .* is no base64 of user:password$/],
    ['base64 of no pair', `{"auths": {"${REGISTRY}": {"auth": "aHVudGVyMg=="}}}`, /is no base64 of user:password$/],
    [
      'a token that is a number',
      `{"auths": {"${REGISTRY}": {"identitytoken": 5}}}`,
      /"identitytoken" in .* is no text$/,
    ],
    ['a helper that is a map', '{"credsStore": {}}', /helper in .* is no text$/],
    ['a helper that is a path', '{"credsStore": "../../bin/sh"}', /the name of its credential helper is none$/],
    ['a file beyond all measure', ' '.repeat(1024 * 1024 + 1), /is too large$/],
  ])('%s is a problem, told without a secret', async (_, text, problem) => {
    writeFileSync(path, text);
    const login = await read();
    expect(login).toMatchObject({ auth: undefined, problem: expect.stringMatching(problem) });
    expect(login.described).toBe(`no credentials, since ${login.problem}`);
    expect(JSON.stringify(login)).not.toContain(SECRET);
    expect(JSON.stringify(login)).not.toContain('hunter2');
  });
});

describe('helpers', () => {
  const answer = (user: string): string => `echo '{"ServerURL":"x","Username":"${user}","Secret":"${SECRET}"}'`;

  test('of the registry, before that of all, before the file; with the server on standard input', async () => {
    writeHelper('one', `cat > ${folder}/asked; ${answer('alice')}`);
    writeHelper('all', answer('bob'));
    configure({
      credHelpers: { [REGISTRY]: 'one' },
      credsStore: 'all',
      auths: { [REGISTRY]: { auth: basic('carol') } },
    });
    expect(await read()).toEqual({
      auth: { username: 'alice', password: SECRET, serveraddress: REGISTRY },
      described: 'the credentials of "alice" from docker-credential-one',
      remedy: `see to docker-credential-one: echo ${REGISTRY} | docker-credential-one get`,
    });
    expect(readFileSync(join(folder, 'asked'), 'utf8')).toBe(REGISTRY);
    expect((await read('docker.io')).auth).toMatchObject({
      username: 'bob',
      serveraddress: 'https://index.docker.io/v1/',
    });
    configure({ credHelpers: { [REGISTRY]: '' }, auths: { [REGISTRY]: { auth: basic('carol') } } });
    expect((await read()).auth).toMatchObject({ username: 'carol' });
  });

  test('what they answer now counts, not what they answered before', async () => {
    configure({ credsStore: 'x' });
    writeHelper('x', answer('before'));
    expect((await read()).auth).toMatchObject({ username: 'before' });
    writeHelper('x', answer('after'));
    expect((await read()).auth).toMatchObject({ username: 'after' });
  });

  test('a token has no user', async () => {
    configure({ credsStore: 'x' });
    writeHelper('x', answer('<token>'));
    expect(await read()).toMatchObject({
      auth: { identitytoken: SECRET, serveraddress: REGISTRY },
      described: 'the token from docker-credential-x',
    });
  });

  test('one that knows no credentials is no problem', async () => {
    configure({ credsStore: 'x' });
    writeHelper('x', 'echo "credentials not found in native keychain"; exit 1');
    const login = await read();
    expect(login).toMatchObject({ auth: undefined, described: 'no credentials: docker-credential-x has none for it' });
    expect(login.problem).toBeUndefined();
  });

  test.each<[string, string, RegExp]>([
    [
      'fails',
      'echo "the vault is sealed"; exit 3',
      /^docker-credential-x ended with 3: the vault is sealed; to see it/,
    ],
    ['fails with an answer', `${answer('alice')}; exit 1`, /^docker-credential-x ended with 1; to see it/],
    ['is killed', 'kill -9 $$', /^docker-credential-x ended with SIGKILL;/],
    [
      'answers no JSON',
      `echo "password is ${SECRET}"`,
      /^docker-credential-x answered without a Username and a Secret;/,
    ],
    ['answers half', `echo '{"Secret":"${SECRET}"}'`, /^docker-credential-x answered without a Username/],
    ['says too much', 'yes', /^docker-credential-x says more than 64 KiB;/],
    ['hangs', 'sleep 300', /^docker-credential-x did not answer within 20 s;/],
    ['does not read', `exec <&-; sleep 0.1; echo no; exit 1`, /^docker-credential-x ended with 1: no;/],
  ])('one that %s is a problem, told with what to do and without a secret', async (_, script, problem) => {
    configure({ credsStore: 'x' });
    writeHelper('x', script);
    const login = await read();
    expect(login).toMatchObject({ auth: undefined, problem: expect.stringMatching(problem) });
    expect(login.problem).toMatch(/run on this host: echo registry\.example\.com:5000 \| docker-credential-x get$/);
    expect(JSON.stringify(login)).not.toContain('hunter2');
  });

  test('one that is not there is a problem', async () => {
    configure({ credsStore: 'missing' });
    expect((await read()).problem).toMatch(/^docker-credential-missing is not on the agent's PATH;/);
  });

  test('one that can not be run is a problem', async () => {
    configure({ credsStore: 'x' });
    writeFileSync(join(folder, 'docker-credential-x'), 'x');
    expect((await read()).problem).toMatch(/^docker-credential-x (can't be run \(EACCES\)|is not on)/);
  });

  test('one that there are too few file descriptors for is a problem', async () => {
    configure({ credsStore: 'x' });
    writeHelper('x', 'exit 0');
    const nofile = (...args: readonly string[]): string =>
      execFileSync('prlimit', ['--pid', String(process.pid), ...args], { encoding: 'utf8' }).trim();
    const before = nofile('--nofile', '--noheadings', '--output', 'SOFT');
    // Above what this process has open, of which other suites may have left a lot: prlimit is to run once more.
    nofile(`--nofile=${Math.max(...readdirSync('/proc/self/fd').map(Number)) + 64}:`);
    const taken: number[] = [];
    try {
      // All but what the configuration needs.
      expect(() => {
        for (;;) taken.push(openSync('/dev/null', 'r'));
      }).toThrow(/EMFILE/);
      taken.splice(0, 2).forEach((one) => closeSync(one));
      expect((await read()).problem).toMatch(/^docker-credential-x can't be run \(EMFILE\)/);
    } finally {
      taken.forEach((one) => closeSync(one));
      nofile(`--nofile=${before}:`);
    }
  });

  test('one that is asked for a pull that is given up ends, with all that it started', async () => {
    configure({ credsStore: 'x' });
    writeHelper('x', `sleep 300 & echo $! > ${folder}/child; wait`);
    const giving = new AbortController();
    const reading = read(REGISTRY, giving.signal);
    const child = await pidIn(join(folder, 'child'));
    giving.abort();
    expect((await reading).problem).toMatch(/was given up/);
    for (const endMs = Date.now() + 5000; isAlive(child); await new Promise((wake) => setTimeout(wake, 10)))
      expect(Date.now()).toBeLessThan(endMs);
  });
});

async function pidIn(file: string): Promise<number> {
  for (;;) {
    const pid = Number(
      await Promise.resolve()
        .then(() => readFileSync(file, 'utf8'))
        .catch(() => ''),
    );
    if (pid > 0) return pid;
    await new Promise((wake) => setTimeout(wake, 10));
  }
}

/** A process that ended and that nobody has buried yet counts as ended. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
