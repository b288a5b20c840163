/**
 * HAProxy in front of a service of three hosts, which finds it by the SRV records of one agent: asked without pause through a
 * rollout, a drain, the crash of that agent, and the death of another host.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerOf, startAskingClient, type AskingClient } from '../support/asking-client';
import { freePort } from '../support/ports';
import { sleep, until } from '../support/wait';
import { AGENT_DNS_PORT } from './daemons';
import { Lab } from './lab';
import { hostBecomes, urlsOf } from './seen';

/** For hangs, on a machine with far more to do than cores. */
const PATIENCE_MS = 90_000;
const TEST_MS = 240_000;
/** HAProxy asks for names every half a second, and may lose a question or two. */
const HEARD_MS = 2000;

let lab: Lab;
let folder: string;
let haproxy: ChildProcess | undefined;
let client: AskingClient | undefined;
let url: string;

beforeAll(async () => {
  lab = await Lab.up({ hosts: 3, etcd: 1, coordinators: 1, leaseTtl: '3s' });
  await landed('one');
  folder = await mkdtemp(join(tmpdir(), 'berth-haproxy-'));
  const port = await freePort();
  let text = await readFile('examples/discovery/haproxy.cfg', 'utf8');
  for (const [from, to] of [
    ['bind :80', `bind 127.0.0.1:${port}`],
    ['/run/haproxy/admin.sock', join(folder, 'admin.sock')],
    ['tcp@127.0.0.1:7453', `tcp@${lab.address('h1')}:${AGENT_DNS_PORT}`],
  ] as const) {
    expect(text).toContain(from);
    text = text.replace(from, to);
  }
  await writeFile(join(folder, 'haproxy.cfg'), text);
  haproxy = spawn('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], { stdio: 'ignore' });
  url = `http://127.0.0.1:${port}/cgi-bin/index.cgi`;
  await until('an answer', async () => typeof (await answerOf(url)) === 'string', PATIENCE_MS);
}, TEST_MS);
afterEach(async () => {
  await client?.stop();
  client = undefined;
});
afterAll(async () => {
  haproxy?.kill('SIGKILL');
  await lab?.down();
  if (folder !== undefined) await rm(folder, { recursive: true });
}, TEST_MS);

const compose = (greeting: string): string => `services:
  web:
    image: berth-hello:1
    environment: { GREETING: ${greeting} }
    ports: [{ name: http, target: 8080 }]
    stop_signal: SIGKILL
    deploy:
      replicas: 3
      update_config: { parallelism: 1, monitor: 500ms, order: start-first }
    x-berth:
      probe: { http: { port: http }, interval: 500ms, timeout: 2s }
      drain: 3s
`;

async function landed(greeting: string): Promise<void> {
  const args = ['apply', '-f', '-', '-p', 'lab', '--wait', '--timeout', '120'];
  expect(await lab.berth(args, { input: compose(greeting) })).toMatchObject({ code: 0, stderr: '' });
}

const hasSaid = (asking: AskingClient, greeting: string): boolean => asking.count(`${greeting}!`) > 0;

async function noFailure(asking: AskingClient): Promise<void> {
  await asking.stop();
  expect(asking.count()).toBeGreaterThan(0);
  expect(asking.failures).toEqual([]);
}

test(
  'G8: no request fails through a rollout, the drain of a host, and the crash of the agent that HAProxy asks',
  async () => {
    const asking = (client = startAskingClient(url));
    await landed('two');
    await until('the new release', () => hasSaid(asking, 'two'), PATIENCE_MS);
    expect(await lab.berth(['drain', 'h2', '--wait', '--timeout', '120'])).toMatchObject({ code: 0 });
    expect((await lab.berth(['uncordon', 'h2'])).code).toBe(0);
    // It is away until its host counts as lost, and what ran there is begun elsewhere.
    await lab.kill('agent', 'h1');
    await hostBecomes(lab, 'h1', 'lost');
    await until(
      'three elsewhere',
      async () => (await urlsOf(lab, 'web')).filter(isNotOn('h1')).length === 3,
      PATIENCE_MS,
    );
    await lab.start('agent', 'h1');
    await hostBecomes(lab, 'h1', 'live');
    await landed('three');
    await until('the newest release', () => hasSaid(asking, 'three'), PATIENCE_MS);
    await noFailure(asking);
  },
  TEST_MS,
);

test(
  'G8: when a host dies, requests fail until that is noticed, and none afterwards',
  async () => {
    const [victim] = (await urlsOf(lab, 'web')).map(({ host }) => host).filter((host) => host !== 'h1');
    const asking = (client = startAskingClient(url));
    await sleep(500);
    const diedMs = performance.now();
    await lab.kill('host', victim!);
    await hostBecomes(lab, victim!, 'lost');
    const noticedMs = performance.now() + HEARD_MS;
    await until(
      'three elsewhere',
      async () => (await urlsOf(lab, 'web')).filter(isNotOn(victim!)).length === 3,
      PATIENCE_MS,
    );
    await sleep(2 * HEARD_MS);
    await asking.stop();
    const outside = asking.failures.filter(({ askedMs, failedMs }) => failedMs < diedMs || askedMs > noticedMs);
    expect(outside).toEqual([]);
  },
  TEST_MS,
);

const isNotOn =
  (name: string) =>
  ({ host }: { readonly host: string }): boolean =>
    host !== name;
