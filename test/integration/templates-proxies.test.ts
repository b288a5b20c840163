/** HAProxy and nginx behind rendered files, asked without pause while instances come and go: no request fails. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { answerOf } from '../support/asking-client';
import { freePort } from '../support/ports';
import { ProxyScene } from '../support/proxy-scene';
import { replaceAll } from '../support/standing-instances';
import { sleep, until } from '../support/wait';

const TEST_MS = 120_000;

let scene: ProxyScene;
beforeEach(async () => {
  scene = await ProxyScene.create();
});
afterEach(() => scene.close(), TEST_MS);

test(
  'HAProxy: no request fails while instances come and go, on kept connections neither',
  async () => {
    const { folder, instances } = scene;
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/`;
    const src = await scene.example('haproxy.cfg.liquid', [
      ['bind :80', `bind 127.0.0.1:${port}`],
      ['/run/haproxy/admin.sock', join(folder, 'admin.sock')],
    ]);
    const setting = await scene.settingOf('haproxy.cfg', src, `kill -USR2 "$(cat ${folder}/pid)"`);
    const templates = await scene.render(setting);
    const first = [await instances.begin(), await instances.begin(), await instances.begin()];
    await until('the file', async () => (await readFile(setting.dest, 'utf8')).includes(first[2]!));
    // Nobody is there to be told.
    await until('a reload that failed', () => templates.problems.some(({ rule }) => rule === 'template-reload'));
    scene.start('haproxy', ['-W', '-f', setting.dest, '-p', join(folder, 'pid')]);
    await until('the reload that was owed', () => templates.problems.length === 0);
    const busy = scene.ask(url, { isKept: true });
    const idle = [0.3, 1, 1.7].map((s) => scene.ask(url, { isKept: true, askers: 20, pauseMs: 1000 * s }));
    await replaceAll(scene.ask(url), instances, first, [busy, ...idle]);
  },
  TEST_MS,
);

test(
  'nginx: no request fails while instances come and go, and a service without endpoints is a 502',
  async () => {
    const { folder, instances } = scene;
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/`;
    const src = await scene.example('nginx-upstream.conf.liquid');
    const setting = await scene.settingOf('berth-upstream.conf', src, `nginx -s reload -c ${folder}/main.conf`);
    const site = await scene.example('nginx.conf', [['listen 80', `listen 127.0.0.1:${port}`]]);
    await writeFile(
      join(folder, 'main.conf'),
      `daemon off; pid ${folder}/pid; error_log ${folder}/logs/error.log; user root; worker_processes 1;
       events {}
       http { access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
         uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s; include ${setting.dest}; include ${site}; }`,
    );
    const templates = await scene.render(setting);
    await until('the file', async () => (await readFile(setting.dest, 'utf8')).includes('down'));
    scene.start('nginx', ['-c', join(folder, 'main.conf')]);
    await until('the reload that was owed', () => templates.problems.length === 0);
    const none = await until('nginx', async () => {
      const answer = await answerOf(url);
      return answer instanceof Error && !answer.message.includes('ECONNREFUSED') && answer;
    });
    expect(none.message).toMatch(/^502/);
    const first = [await instances.begin(), await instances.begin(), await instances.begin()];
    await until('all of them', async () => {
      const asking = scene.ask(url, { askers: 1 });
      await sleep(200);
      await asking.stop();
      return first.every((name) => asking.answers.has(name)) && asking.failures.length === 0;
    });
    await replaceAll(scene.ask(url), instances, first);
  },
  TEST_MS,
);
