/**
 * Three hosts, three members of etcd: whatever dies, is cut off or is killed, what DNS says of a service on the other hosts is
 * compared all the time with what really answers. And names from inside containers.
 */
import { AGENT_DNS_PORT } from './daemons';
import { Lab } from './lab';
import { startNameJudge, type NameJudge } from './name-judge';
import { hostBecomes, urlsOf } from './seen';
import { sleep, until } from '../support/wait';

/** For hangs, on a machine with far more to do than cores. */
const PATIENCE_MS = 90_000;
const TEST_MS = 240_000;
const TTL_MS = 3000;
/** etcd looks for leases that have ended twice a second, and three processes have to hear of it on a full machine. */
const LATE_MS = 3000;

let lab: Lab;
let judge: NameJudge | undefined;
beforeAll(async () => {
  lab = await Lab.up({ hosts: 3, etcd: 3, coordinators: 2, leaseTtl: `${TTL_MS / 1000}s` });
  const applied = await lab.berth(['apply', '-f', '-', '-p', 'lab', '--wait', '--timeout', '120'], { input: COMPOSE });
  expect(applied).toMatchObject({ code: 0, stderr: '' });
}, TEST_MS);
afterEach(async () => {
  await judge?.stop();
  judge = undefined;
});
afterAll(() => lab?.down(), TEST_MS);

const COMPOSE = `services:
  web:
    image: berth-hello:1
    environment: { GREETING: hello }
    ports: [{ name: http, target: 8080 }]
    stop_signal: SIGKILL
    deploy: { replicas: 3, update_config: { monitor: 500ms } }
    x-berth: { probe: { http: { port: http }, interval: 500ms, timeout: 2s }, drain: 1s }
  front:
    image: berth-hello:1
    environment: { GREETING: front }
    ports: ["18080:8080"]
    stop_signal: SIGKILL
    deploy: { mode: global, update_config: { monitor: 500ms } }
    x-berth: { probe: { http: { port: 8080 }, interval: 500ms, timeout: 2s } }
`;

/** Asks hosts that nothing happens to. */
function judgeOn(...hosts: readonly string[]): NameJudge {
  return (judge = startNameJudge({
    servers: hosts.map((host) => `${lab.address(host)}:${AGENT_DNS_PORT}`),
    name: '_http._tcp.web.service.berth',
    longestMs: TTL_MS + LATE_MS,
  }));
}

async function clean(watching: NameJudge): Promise<void> {
  await watching.stop();
  expect(watching.breaches).toEqual([]);
  expect(watching.seen.answers).toBeGreaterThan(20);
}

/** Settles when three instances of web run, on so many hosts. */
async function whole(hosts = 3): Promise<void> {
  await until(
    `three instances on ${hosts} hosts`,
    async () => {
      const urls = await urlsOf(lab, 'web');
      return urls.length === 3 && new Set(urls.map(({ host }) => host)).size >= Math.min(2, hosts);
    },
    PATIENCE_MS,
  );
}

async function containerOn(host: string, service: string): Promise<string> {
  const ids = await lab.docker(host, 'ps', '--quiet', '--filter', `label=berth.service=${service}`);
  return ids.split('\n')[0]!;
}

test(
  'a container finds services and hosts by name, also on a network of its own',
  async () => {
    const id = await containerOn('h3', 'front');
    const inside = (...command: readonly string[]): Promise<string> =>
      lab.docker('h3', 'exec', id, '/bin/busybox', ...command);
    const addresses = lab.hosts.map((host) => lab.address(host)).sort();
    const found = await inside('sh', '-c', '/bin/busybox nslookup front.service.berth 2>&1 || true');
    expect(
      [...found.matchAll(/^Address(?: \d+)?: (\S+)/gm)]
        .map(([, address]) => address)
        .filter((one) => addresses.includes(one!))
        .sort(),
    ).toEqual(addresses);
    expect(await inside('wget', '-q', '-O', '-', 'http://front.service.berth:18080/cgi-bin/index.cgi')).toMatch(
      /front/,
    );
    expect(await inside('wget', '-q', '-O', '-', `http://h1.host.berth:18080/cgi-bin/index.cgi`)).toMatch(/front/);
    await lab.docker('h3', 'network', 'create', 'apart');
    const [image] = (
      await lab.docker('h3', 'inspect', '--format', '{{.Config.Image}} {{index .HostConfig.Dns 0}}', id)
    ).split(' ');
    const bridge = (await lab.docker('h3', 'inspect', '--format', '{{index .HostConfig.Dns 0}}', id)).trim();
    const apart = ['run', '--rm', '--network', 'apart', '--dns', bridge, '--entrypoint', '/bin/busybox', image!];
    expect(
      await lab.docker('h3', ...apart, 'wget', '-q', '-O', '-', 'http://front.service.berth:18080/cgi-bin/index.cgi'),
    ).toMatch(/front/);
    await lab.docker('h3', 'network', 'rm', 'apart');
  },
  TEST_MS,
);

test(
  'G8: an instance is killed, its agent is killed, its host is killed: no answer names for long what does not answer, none is empty',
  async () => {
    const watching = judgeOn('h1', 'h3');
    await sleep(1000);
    await lab.docker('h2', 'kill', await containerOn('h2', 'web'));
    await sleep(2000);
    await whole();
    await lab.kill('agent', 'h2');
    await sleep(TTL_MS + 2000);
    await lab.start('agent', 'h2');
    await hostBecomes(lab, 'h2', 'live');
    await lab.kill('host', 'h2');
    await hostBecomes(lab, 'h2', 'lost');
    await whole(2);
    await lab.start('host', 'h2');
    await hostBecomes(lab, 'h2', 'live');
    await clean(watching);
  },
  TEST_MS,
);

test(
  'G8: a host is cut off, and so is etcd as a whole for longer than leases last: what answers is named all the time',
  async () => {
    await whole(2);
    const watching = judgeOn('h1', 'h3');
    await sleep(500);
    await lab.cutOff('h2');
    await hostBecomes(lab, 'h2', 'lost');
    await sleep(1000);
    await lab.restore('h2');
    await hostBecomes(lab, 'h2', 'live');
    for (const member of ['e1', 'e2', 'e3']) await lab.kill('etcd', member);
    await sleep(TTL_MS + 4000);
    // One alone would wait for the others.
    await Promise.all(['e1', 'e2', 'e3'].map((member) => lab.start('etcd', member)));
    await hostBecomes(lab, 'h2', 'live');
    await sleep(TTL_MS);
    await clean(watching);
  },
  TEST_MS,
);
