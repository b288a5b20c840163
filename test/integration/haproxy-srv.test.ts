/** HAProxy that finds instances by SRV records of the agent, asked without pause: no request fails. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AgentDns } from '../../agent/dns/dns';
import { systemClock } from '../../lib/clock';
import { silentLogger } from '../../lib/log';
import { answerOf, startAskingClient, type AskingClient } from '../support/asking-client';
import { createFakeDiscovery } from '../support/fake-discovery';
import { freePort } from '../support/ports';
import { replaceAll, StandingInstances } from '../support/standing-instances';
import { PATIENCE, sleep, until } from '../support/wait';

const TEST_MS = 120_000;
/** As often as HAProxy asks for the names, several times. */
const DRAIN_MS = 2500 * PATIENCE;

let folder: string;
let haproxy: ChildProcess;
let client: AskingClient | undefined;
let instances: StandingInstances;
let dns: AgentDns;
let listener: ReturnType<AgentDns['listen']>;
const discovery = createFakeDiscovery();

function startDns(): void {
  dns = new AgentDns({
    ...{ discovery, domain: 'berth', host: 'h1', preferredZone: undefined, ttlSeconds: 1, upstreams: ['127.0.0.1:1'] },
    ...{ clock: systemClock, random: Math.random, log: silentLogger },
  });
  listener = dns.listen(address);
}

async function stopDns(): Promise<void> {
  await listener.close();
  await dns.close();
}

let address: string;
let port: number;

/** The example, with the places and ports of this test. @param nameserver its line's end */
async function start(nameserver: string, holdOther = '10s'): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'berth-srv-'));
  port = await freePort();
  address = `127.0.0.1:${await freePort()}`;
  instances = new StandingInstances(discovery, 'web', DRAIN_MS);
  startDns();
  await until('the server of names', () => listener.address);
  let text = await readFile('examples/discovery/haproxy.cfg', 'utf8');
  for (const [from, to] of [
    ['bind :80', `bind 127.0.0.1:${port}`],
    ['/run/haproxy/admin.sock', join(folder, 'admin.sock')],
    ['hold other 10s', `hold other ${holdOther}`],
    ['nameserver agent tcp@127.0.0.1:7453', `nameserver agent ${nameserver.replace('ADDRESS', address)}`],
  ] as const) {
    expect(text).toContain(from);
    text = text.replace(from, to);
  }
  await writeFile(join(folder, 'haproxy.cfg'), text);
  haproxy = spawn('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], { stdio: 'ignore' });
}

afterEach(async () => {
  await client?.stop();
  haproxy.kill('SIGKILL');
  await stopDns();
  instances.close();
  await rm(folder, { recursive: true });
}, TEST_MS);

async function firstThree(): Promise<readonly string[]> {
  const first = [await instances.begin(), await instances.begin(), await instances.begin()];
  await until('all of them', async () => {
    const asking = startAskingClient(`http://127.0.0.1:${port}/`, { askers: 1 });
    await sleep(200);
    await asking.stop();
    return first.every((name) => asking.answers.has(name)) && asking.failures.length === 0;
  });
  client = startAskingClient(`http://127.0.0.1:${port}/`);
  return first;
}

const SERVERS = [
  ['TCP', 'tcp@ADDRESS'],
  ['UDP', 'ADDRESS\n  accepted_payload_size 8192'],
] as const;

test.each(SERVERS)(
  'over %s: no request fails while instances come and go',
  async (_, nameserver) => {
    await start(nameserver);
    const first = await firstThree();
    await replaceAll(client!, instances, first);
  },
  TEST_MS,
);

test.each(SERVERS)(
  'over %s: the agent is restarted, and nothing is known for a while: no request fails, and what came meanwhile is found',
  async (_, nameserver) => {
    await start(nameserver);
    await firstThree();
    await stopDns();
    const fresh = await instances.begin();
    await sleep(2000);
    discovery.unknown.add('web');
    startDns();
    await sleep(2000);
    discovery.unknown.delete('web');
    await until('the new one', () => client!.answers.has(fresh));
    await client!.stop();
    expect(client!.failures).toEqual([]);
  },
  TEST_MS,
);

test(
  'a service without endpoints gets no request, though its last instances still answer, and is found when it has one again',
  async () => {
    await start('tcp@ADDRESS', '2s');
    const url = `http://127.0.0.1:${port}/`;
    const first = await firstThree();
    for (const one of first) instances.withdraw(one);
    await until('no server', async () => /^503/.test(((await answerOf(url)) as Error).message ?? ''));
    const fresh = await instances.begin();
    await until('the new one', async () => (await answerOf(url)) === fresh);
  },
  TEST_MS,
);
