/** HAProxy and nginx behind rendered files, asked without pause while instances come and go: no request fails. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTemplates, type Templates } from '../../agent/templates/templates';
import { systemClock } from '../../lib/clock';
import { loadAgentConfig } from '../../lib/config/daemons';
import type { TemplateSetting } from '../../lib/config/templates';
import { answerOf, startAskingClient, type AskingClient } from '../support/asking-client';
import { createFakeDiscovery } from '../support/fake-discovery';
import { freePort } from '../support/ports';
import { recordLog } from '../support/recorded-log';
import { replaceAll, StandingInstances } from '../support/standing-instances';
import { PATIENCE, sleep, until } from '../support/wait';

const TEST_MS = 120_000;
/** The interval, a check and a reload fit in twice, on a machine with far more to do than cores. */
const DRAIN_MS = 3000 * PATIENCE;
const EXAMPLES = 'examples/discovery';

let folder: string;
let proxy: ChildProcess | undefined;
let templates: Templates | undefined;
let client: AskingClient | undefined;
let instances: StandingInstances | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-proxies-'));
  await mkdir(join(folder, 'logs'));
});
afterEach(async () => {
  await client?.stop();
  await templates?.close();
  instances?.close();
  if (proxy?.pid !== undefined && proxy.exitCode === null) {
    const ended = new Promise((resolve) => proxy!.once('exit', resolve));
    process.kill(proxy.pid, 'SIGTERM');
    await ended;
  }
  [client, templates, instances, proxy] = [undefined, undefined, undefined, undefined];
  await rm(folder, { recursive: true });
}, TEST_MS);

/** An example, with the places and ports of this test in it. */
async function example(name: string, replaced: readonly (readonly [string, string])[]): Promise<string> {
  let text = await readFile(join(EXAMPLES, name), 'utf8');
  for (const [from, to] of replaced) {
    expect(text).toContain(from);
    text = text.replaceAll(from, to);
  }
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

/** The one of the example's agent.yaml that makes a file of this name, with the places of this test. */
async function settingOf(dest: string, src: string, reload: string): Promise<TemplateSetting> {
  const file = { name: 'agent.yaml', text: await readFile(join(EXAMPLES, 'agent.yaml'), 'utf8') };
  const found = loadAgentConfig({ flags: {}, env: {}, file }).templates.find((one) => one.dest.endsWith(dest))!;
  return { ...found, src, dest: join(folder, 'rendered.conf'), reload };
}

async function startAgentsPart(setting: TemplateSetting) {
  const discovery = createFakeDiscovery();
  instances = new StandingInstances(discovery, 'web', DRAIN_MS);
  const { log, lines } = recordLog(systemClock);
  templates = await startTemplates({
    ...{ templates: [setting], stateDir: folder, discovery, clock: systemClock, random: Math.random, log },
    ...{ host: { name: 'h1', address: '127.0.0.1', labels: {} }, onProblems: () => undefined },
  });
  return { instances, lines, templates };
}

const startClient = (url: string): AskingClient => (client = startAskingClient(url));

function startProxy(command: string, args: readonly string[]): void {
  proxy = spawn(command, args, { stdio: 'ignore' });
}

test(
  'HAProxy: no request fails while instances come and go',
  async () => {
    const port = await freePort();
    const src = await example('haproxy.cfg.liquid', [
      ['bind :80', `bind 127.0.0.1:${port}`],
      ['/run/haproxy/admin.sock', join(folder, 'admin.sock')],
    ]);
    const setting = await settingOf('haproxy.cfg', src, `kill -USR2 "$(cat ${folder}/pid)"`);
    const agent = await startAgentsPart(setting);
    const first = [await agent.instances.begin(), await agent.instances.begin(), await agent.instances.begin()];
    await until('the file', async () => (await readFile(setting.dest, 'utf8')).includes(first[2]!));
    // Nobody is there to be told.
    await until('a reload that failed', () => agent.templates.problems.some(({ rule }) => rule === 'template-reload'));
    startProxy('haproxy', ['-W', '-f', setting.dest, '-p', join(folder, 'pid')]);
    await until('the reload that was owed', () => agent.templates.problems.length === 0);
    await replaceAll(startClient(`http://127.0.0.1:${port}/`), agent.instances, first);
  },
  TEST_MS,
);

test(
  'nginx: no request fails while instances come and go, and a service without endpoints is a 502',
  async () => {
    const port = await freePort();
    const src = await example('nginx-upstream.conf.liquid', []);
    const setting = await settingOf('berth-upstream.conf', src, `nginx -s reload -c ${folder}/main.conf`);
    const site = await example('nginx.conf', [['listen 80', `listen 127.0.0.1:${port}`]]);
    await writeFile(
      join(folder, 'main.conf'),
      `daemon off; pid ${folder}/pid; error_log ${folder}/logs/error.log; user root; worker_processes 1;
       events {}
       http { access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
         uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s; include ${setting.dest}; include ${site}; }`,
    );
    const agent = await startAgentsPart(setting);
    await until('the file', async () => (await readFile(setting.dest, 'utf8')).includes('down'));
    startProxy('nginx', ['-c', join(folder, 'main.conf')]);
    await until('the reload that was owed', () => agent.templates.problems.length === 0);
    const none = await until('nginx', async () => {
      const answer = await answerOf(`http://127.0.0.1:${port}/`);
      return answer instanceof Error && !answer.message.includes('ECONNREFUSED') && answer;
    });
    expect(none.message).toMatch(/^502/);
    const first = [await agent.instances.begin(), await agent.instances.begin(), await agent.instances.begin()];
    await until('all of them', async () => {
      const asking = startAskingClient(`http://127.0.0.1:${port}/`, 1);
      await sleep(200);
      await asking.stop();
      return first.every((name) => asking.answers.has(name)) && asking.failures.length === 0;
    });
    await replaceAll(startClient(`http://127.0.0.1:${port}/`), agent.instances, first);
  },
  TEST_MS,
);
