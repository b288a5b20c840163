/** HAProxy that goes by rendered maps, which it is told without a reload. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AgentDns } from '../../agent/dns/dns';
import { systemClock } from '../../lib/clock';
import { silentLogger } from '../../lib/log';
import { answerOf } from '../support/asking-client';
import { fakeEndpoint } from '../support/fake-discovery';
import { freePort } from '../support/ports';
import { EXAMPLES, ProxyScene } from '../support/proxy-scene';
import { until } from '../support/wait';

const TEST_MS = 120_000;

let scene: ProxyScene;
let dns: AgentDns;
let listener: ReturnType<AgentDns['listen']>;
let port: number;
let start: () => void;

/** The examples, with the places and ports of this test. */
beforeEach(async () => {
  scene = await ProxyScene.create();
  const { folder, discovery } = scene;
  dns = new AgentDns({
    ...{ discovery, domain: 'berth', host: 'h1', preferredZone: undefined, ttlSeconds: 1, upstreams: ['127.0.0.1:1'] },
    ...{ clock: systemClock, random: Math.random, log: silentLogger },
  });
  listener = dns.listen(`127.0.0.1:${await freePort()}`);
  const names = await until('the server of names', () => listener.address);
  port = await freePort();
  const maps = ['hosts.map', 'instances.map'];
  const files = maps.map((map) => join(folder, `rendered-${map}`));
  const load = [resolve(EXAMPLES, 'haproxy-load-map'), ...files].join(' ');
  const reload = `HAPROXY_SOCKET=${folder}/admin.sock ${load}`;
  const templates = await scene.render(
    await scene.settingOf('hosts.map', await scene.example('hosts.map.liquid'), reload),
    await scene.settingOf('instances.map', await scene.example('instances.map.liquid'), reload),
  );
  const main = await scene.example('haproxy.cfg', [
    ['bind :80', `bind 127.0.0.1:${await freePort()}`],
    ['/run/haproxy/admin.sock', join(folder, 'admin.sock')],
    ['tcp@127.0.0.1:7453', `tcp@${names}`],
  ]);
  const own = await scene.example('haproxy-maps.cfg', [
    ['bind :8080', `bind 127.0.0.1:${port}`],
    ['/etc/haproxy/', `${folder}/rendered-`],
  ]);
  await until('both maps', () => Promise.all(files.map((file) => readFile(file))));
  start = () => scene.start('haproxy', ['-db', '-f', main, '-f', own]);
  start();
  // HAProxy was not there when they were rendered first.
  await until('it is told', () => templates.problems.length === 0);
}, TEST_MS);
afterEach(async () => {
  await listener.close();
  await dns.close();
  await scene.close();
}, TEST_MS);

/** @returns what who asks for a name is told */
async function told(host: string): Promise<string> {
  const answer = await answerOf(`http://127.0.0.1:${port}/`, { headers: { host } });
  return typeof answer === 'string' ? answer : answer.message.trim();
}

const isTold = (host: string, what: string): Promise<boolean> =>
  until(`${what} at ${host}`, async () => (await told(host)) === what);

test(
  'a name is its service as long as that has an instance; a name of a slot is its newest instance; no other name is anything',
  async () => {
    const { instances, discovery } = scene;
    const nothing = '404: no such name';
    await isTold('www.example.com', '503: closed for now');
    expect(await told('1.web.example.com')).toBe(nothing);
    const first = await instances.begin();
    const second = await instances.begin();
    await isTold('www.example.com', first);
    await isTold('SHOP.example.com:8080', second);
    await isTold('1.web.example.com', first);
    await isTold('2.web.example.com', second);
    expect(await told('other.example.com')).toBe(nothing);
    // As a rollout has it: another instance in the same slot.
    const [one, two] = (await discovery.service('web')).endpoints;
    discovery.set('web', [{ ...two!, instance: 'web-1-zzzz', slot: 1, release: 2 }, one!]);
    await isTold('1.web.example.com', second);
    await isTold('2.web.example.com', nothing);
    discovery.set('web', []);
    await isTold('www.example.com', '503: closed for now');
    await isTold('1.web.example.com', nothing);
  },
  TEST_MS,
);

test(
  'a map of thousands of lines is told whole, and HAProxy that is started anew reads the same',
  async () => {
    const { discovery, instances } = scene;
    const last = await instances.begin();
    const [own] = (await discovery.service('web')).endpoints;
    const many = Array.from({ length: 3000 }, (_, index) => fakeEndpoint(`web-${index + 2}-aaaa`));
    discovery.set('web', [...many, { ...own!, slot: 4000 }]);
    await isTold('4000.web.example.com', last);
    await scene.stop();
    start();
    await isTold('4000.web.example.com', last);
  },
  TEST_MS,
);
