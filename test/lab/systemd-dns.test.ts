/** Names in a container while the agent is killed and restarted by a real systemd, which holds its sockets. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { importImage } from '../support/docker-images';
import { until } from '../support/wait';
import { bootBerthHost, BRIDGE, runService } from './berth-host';
import type { SystemdMachine } from './systemd-machine';

const TEST_MS = 120_000;
/** More than a resolver waits when nobody answers it. */
const PATIENCE_MS = 30_000;
const NAME = 'asker.service.berth';
const UNITS = '/etc/systemd/system';
const AGENT_FILE = '/etc/berth/agent.yaml';

let machine: SystemdMachine;
let settings: string;
beforeAll(async () => {
  machine = await bootBerthHost();
  settings = await machine.run('cat', AGENT_FILE);
  // glibc is the machine's: its resolver waits for 5 s, twice, as that of most containers does.
  await importImage(
    {
      reference: 'berth-test/glibc:1',
      fill: ['for name in sh sleep; do ln -s busybox "$root/bin/$name"; done', 'ln -s usr/lib usr/lib64 "$root"'],
      changes: ['ENV PATH=/bin:/usr/bin'],
    },
    machine.engine,
  );
  await runService(
    machine,
    'asker',
    'image: berth-test/glibc:1\ncommand: sleep 86400\nstop_signal: SIGKILL\nports: [8080]\nvolumes: ["/usr:/usr:ro"]\n',
  );
  await until('the name', async () => (await machine.run('dig', `@${BRIDGE}`, NAME, '+short')) === BRIDGE);
}, TEST_MS);
afterAll(() => machine?.down(), TEST_MS);

interface Asked {
  readonly code: number;
  readonly ms: number;
}

// Four times, one query after another until there is a file of the name $0: what getent ended with, and after how many
// milliseconds.
const ASK = `now() { /usr/bin/date +%s%3N; }
ask() {
  while [ ! -e "$0" ]; do
    start=$(now); /usr/bin/getent ahostsv4 ${NAME} >/dev/null; echo $? $(($(now) - start)); sleep 0.02
  done
}
ask & ask & ask & ask & wait`;
let round = 0;

/** Asks for a name in a container from before something happens until after it. @returns how each query went */
async function askDuring(happening: () => Promise<unknown>): Promise<readonly Asked[]> {
  const id = await container();
  const end = `/tmp/end-${++round}`;
  const client = machine.spawn('docker', 'exec', id, 'sh', '-c', ASK, end);
  const closed = once(client, 'close');
  const asked: Asked[] = [];
  createInterface({ input: client.stdout! }).on('line', (line) => {
    const [code, ms] = line.split(' ').map(Number);
    asked.push({ code: code!, ms: ms! });
  });
  const more = async (): Promise<void> => {
    const count = asked.length;
    await until('more queries', () => asked.length >= count + 20, PATIENCE_MS);
  };
  try {
    await more();
    await happening();
    await more();
  } finally {
    await machine.run('docker', 'exec', id, 'sh', '-c', `: > ${end}`);
    await closed;
  }
  return asked;
}

const container = (): Promise<string> =>
  machine.run('docker', 'ps', '--quiet', '--filter', 'label=berth.service=asker');
const failed = (asked: readonly Asked[]): readonly Asked[] => asked.filter(({ code }) => code !== 0);
const pidOf = (): Promise<string> => machine.show('berth-agent', 'MainPID');
const state = (unit: string): Promise<string> => machine.show(unit, 'ActiveState');
const dig = async (): Promise<string> =>
  (await machine.ask('dig', `@${BRIDGE}`, NAME, '+short', '+tries=1')).stdout.trim();
/** The sockets of port 53 themselves, however many processes have them. */
const sockets = async (): Promise<readonly string[]> => {
  const lines = await machine.run('ss', '--listening', '--udp', '--tcp', '--numeric', '--extended', 'sport = :53');
  return [...lines.matchAll(/ino:(\d+)/g)].map(([, inode]) => inode!).sort();
};
const areClosed = async (): Promise<boolean> => (await sockets()).length === 0;

/** Of what an agent writes: its sign of life, and the endpoint. They differ until it has taken over that of the one before. */
async function leases(): Promise<readonly string[]> {
  const script = 'for key in hosts/h1/alive endpoints/asker; do etcdctl get --prefix /berth/$key -w fields; done';
  const fields = await machine.run('env', 'ETCDCTL_API=3', 'sh', '-c', script);
  return [...fields.matchAll(/"Lease" : (\d+)/g)].map(([, lease]) => lease!);
}

/** Another agent, that is at home: an endpoint that nobody takes over ends with its lease. */
async function another(by: () => Promise<unknown>): Promise<void> {
  const [before] = await leases();
  await by();
  await until('another agent and its endpoint', async () => {
    const [alive, endpoint] = await leases();
    return alive !== undefined && alive !== before && alive === endpoint;
  });
}

const kill = (): Promise<void> => another(async () => machine.run('kill', '-KILL', await pidOf()));
const restart = (): Promise<void> => another(() => machine.run('systemctl', 'restart', 'berth-agent'));

/** Commands of the documentation that turn it on. */
async function enable(): Promise<void> {
  const docs = readFileSync(join(__dirname, '../../docs/operations.md'), 'utf8');
  const commands = /```sh\n(cp systemd\/berth-agent-dns[^]*?)```/.exec(docs)![1]!;
  await another(() => machine.run('sh', '-c', `set -e; cd /usr/lib/berth; ${commands}`));
}

test('without the sockets, a name that is asked for while the agent is away is refused', async () => {
  // At once: it is away for little more than a second.
  const script = `kill -KILL $0; sleep 0.1; dig @${BRIDGE} ${NAME} +short +tries=1`;
  const pid = await pidOf();
  let answer = '';
  await another(async () => (answer = (await machine.ask('sh', '-c', script, pid)).stdout));
  expect(answer).toContain('refused');
});

describe('with the sockets of berth-agent-dns.socket', () => {
  beforeAll(enable, TEST_MS);

  test.each([
    ['killed', kill],
    ['restarted', restart],
  ])(
    'no name fails while the agent is %s, again and again',
    async (_, happening) => {
      const before = await sockets();
      const asked = await askDuring(async () => {
        for (let time = 0; time < 3; time++) await happening();
      });
      expect(failed(asked)).toEqual([]);
      expect(await sockets()).toEqual(before);
      expect(before).toHaveLength(2);
    },
    TEST_MS,
  );

  test('the agent is given both, and wants both', async () => {
    const environment = await machine.run('cat', `/proc/${await pidOf()}/environ`);
    expect(environment).toContain('LISTEN_FDS=2'); // as systemd started it
    expect(await machine.run('journalctl', '-u', 'berth-agent', '-o', 'cat')).not.toContain('no setting wants');
  });

  test('a bridge that goes with Docker and comes back is answered on the same sockets; meanwhile too, by an agent that is new', async () => {
    const before = await sockets();
    await machine.run('systemctl', 'stop', 'docker');
    await machine.run('systemctl', 'restart', 'berth-agent');
    expect(await dig()).toBe(BRIDGE);
    await machine.run('ip', 'link', 'delete', 'docker0');
    await machine.run('systemctl', 'start', 'docker');
    await until('the name', async () => (await dig()) === BRIDGE);
    expect(await sockets()).toEqual(before);
    const hasProblem = async (): Promise<boolean> =>
      (await machine.run('berth', 'agent', 'status')).includes('problem');
    await until('no problem', async () => !(await hasProblem()), PATIENCE_MS);
    // Docker has stopped it.
    const isPublished = async (): Promise<boolean> =>
      (await machine.run('berth', 'endpoints', 'asker')).includes(BRIDGE);
    await until('the container to run again', async () => (await container()) !== '' && isPublished(), PATIENCE_MS);
  });

  test('a stop of the agent closes them, no query starts it, and a start opens them', async () => {
    await machine.run('systemctl', 'stop', 'berth-agent');
    await until('them to be closed', areClosed);
    expect(await dig()).toContain('refused');
    expect([await state('berth-agent'), await state('berth-agent-dns.socket')]).toEqual(['inactive', 'inactive']);
    await machine.run('systemctl', 'start', 'berth-agent');
    await until('the name', async () => (await dig()) === BRIDGE);
    expect([await state('berth-agent'), await state('berth-agent-dns.socket')]).toEqual(['active', 'active']);
  });

  test('wrong settings close them, no query starts the agent, and an agent with better ones has them again', async () => {
    await machine.write(AGENT_FILE, `${settings}\nlabel: { zone: a }\n`);
    await machine.run('systemctl', 'restart', 'berth-agent');
    await until('the end of it', async () => (await state('berth-agent')) === 'failed');
    const restarts = await machine.show('berth-agent', 'NRestarts');
    await until('them to be closed', areClosed);
    expect(await dig()).toContain('refused');
    expect([await state('berth-agent'), await machine.show('berth-agent', 'NRestarts')]).toEqual(['failed', restarts]);
    await machine.write(AGENT_FILE, settings);
    await machine.run('systemctl', 'restart', 'berth-agent');
    await until('the name', async () => (await dig()) === BRIDGE);
    expect(await state('berth-agent-dns.socket')).toBe('active');
  });

  test.each([
    ['are at another address than the bridge', '172.18.0.1', ''],
    ['nobody is to use', BRIDGE, 'container-dns: off\n'],
  ])('sockets that %s are told, and answered', async (_, address, setting) => {
    const socket = await machine.run('cat', '/usr/lib/berth/systemd/berth-agent-dns.socket');
    await machine.write(`${UNITS}/berth-agent-dns.socket`, socket.replaceAll(`=${BRIDGE}:`, `=${address}:`));
    await machine.write(AGENT_FILE, `${settings}\n${setting}`);
    await machine.run('systemctl', 'daemon-reload');
    const since = await machine.run('date', '+%s.%N');
    await machine.run('systemctl', 'stop', 'berth-agent-dns.socket');
    await machine.run('systemctl', 'restart', 'berth-agent');
    await until('the name', async () => (await dig()) === BRIDGE);
    const told = `no setting wants: udp ${address}:53, tcp ${address}:53`;
    const log = (): Promise<string> =>
      machine.run('journalctl', '-u', 'berth-agent', '-o', 'cat', '--since', `@${since}`);
    await until('the warning', async () => (await log()).includes(told));
  });
});
