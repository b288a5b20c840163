/** Both daemons as units of a real systemd, installed as the README says, on a machine with Docker and etcd. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IDLE } from '../support/docker';
import { until } from '../support/wait';
import { bootBerthHost, BRIDGE, runService } from './berth-host';
import type { SystemdMachine } from './systemd-machine';

const TEST_MS = 120_000;
const AGENT_FILE = '/etc/berth/agent.yaml';

let machine: SystemdMachine;
beforeAll(async () => {
  machine = await bootBerthHost();
  await runService(machine, 'web', `${IDLE}ports: [8080]\n`);
}, TEST_MS);
afterAll(() => machine?.down(), TEST_MS);

const pidOf = (unit: string): Promise<string> => machine.show(unit, 'MainPID');
/** What the kernel says of a daemon's process: proc(5). */
async function kernelSays(unit: string): Promise<Readonly<Record<string, string>>> {
  const status = await machine.run('cat', `/proc/${await pidOf(unit)}/status`);
  return Object.fromEntries(status.split('\n').map((line) => line.split(/:\s+/) as [string, string]));
}
/** Runs a command where a daemon is, with its view of the file system. */
const beside = async (unit: string, ...command: readonly string[]) =>
  machine.ask('nsenter', '--target', await pidOf(unit), '--mount', '--', ...command);
const agentAnswers = async (): Promise<boolean> => (await machine.ask('berth', 'agent', 'status')).code === 0;
const nameIs = async (name: string, address: string): Promise<boolean> =>
  (await machine.run('dig', `@${BRIDGE}`, name, '+short')) === address;
const container = (): Promise<string> =>
  machine.run('docker', 'ps', '--no-trunc', '--filter', 'label=berth.instance', '--format', '{{.ID}} {{.CreatedAt}}');
const state = async (unit: string): Promise<string> =>
  `${await machine.show(unit, 'ActiveState')} ${await machine.show(unit, 'SubState')}`;

describe('the agent', () => {
  test('is active and takes care of containers, shut in as its unit says', async () => {
    expect(await state('berth-agent')).toBe('active running');
    const status = await machine.run('berth', 'agent', 'status');
    expect(status).toMatch(/web-1-\w+[^]*running/);
    expect(status).not.toContain('problem');
    const kernel = await kernelSays('berth-agent');
    expect(kernel).toMatchObject({ NoNewPrivs: '1', Seccomp: '2' });
    const places = ['/etc', '/usr/bin', '/var/lib', '/root', '/sys/fs/cgroup'];
    const touched = await beside('berth-agent', 'touch', ...places.map((place) => `${place}/new`));
    const refused = touched.stderr.trim().split('\n');
    expect(refused).toEqual(places.map((place) => expect.stringContaining(`${place}/new': Read-only file system`)));
  });

  test('has its state where the unit says, for root alone, and a /tmp of its own', async () => {
    expect(await machine.run('stat', '--format', '%a %U', '/var/lib/berth', '/run/berth')).toBe('700 root\n700 root');
    expect((await machine.run('ls', '/var/lib/berth')).split('\n')).toEqual(
      expect.arrayContaining(['agent-id', 'desired.json']),
    );
    await machine.run('touch', '/tmp/of-the-machine');
    expect((await beside('berth-agent', 'ls', '/tmp')).stdout).toBe('');
  });

  test("answers names on port 53 of Docker's bridge, and containers ask there", async () => {
    await until('the name of the host', () => nameIs('h1.host.berth', BRIDGE));
    await until('the name of the service', () => nameIs('web.service.berth', BRIDGE));
    const id = (await container()).split(' ')[0]!;
    expect(await machine.run('docker', 'exec', id, 'cat', '/etc/resolv.conf')).toContain(`nameserver ${BRIDGE}`);
  });

  test('killed: systemd starts it again, and its container does not notice', async () => {
    const [before, pid] = [await container(), await pidOf('berth-agent')];
    const restarts = Number(await machine.show('berth-agent', 'NRestarts'));
    await machine.run('kill', '-KILL', pid);
    await until('another agent', async () => (await pidOf('berth-agent')) !== pid && agentAnswers());
    expect(Number(await machine.show('berth-agent', 'NRestarts'))).toBe(restarts + 1);
    expect(await container()).toBe(before);
  });

  test('runs on while Docker is stopped, and when it is back', async () => {
    const pid = await pidOf('berth-agent');
    await machine.run('systemctl', 'stop', 'docker');
    const sees = async (what: string): Promise<boolean> =>
      (await machine.run('berth', 'agent', 'status')).includes(what);
    await until('the agent to miss Docker', () => sees('does not answer'));
    await machine.run('systemctl', 'start', 'docker');
    await until('the agent to see it', async () => !(await sees('does not answer')));
    await until('the container to run', async () => (await container()) !== '');
    expect(await pidOf('berth-agent')).toBe(pid);
  });

  test('stops in time, leaves its containers and their names, and starts again', async () => {
    const before = await container();
    await machine.run('systemctl', 'stop', 'berth-agent');
    expect(await state('berth-agent')).toBe('inactive dead');
    // "timeout" where systemd had to kill it.
    expect(await machine.show('berth-agent', 'Result')).toBe('success');
    expect(await machine.show('berth-agent', 'ExecMainStatus')).toBe('0');
    expect(await container()).toBe(before);
    await machine.run('systemctl', 'start', 'berth-agent');
    await until('the agent to answer', agentAnswers);
    expect(await container()).toBe(before);
  });

  test('with settings that it can not use it fails with 64 and stays down until they are mended', async () => {
    const settings = await machine.run('cat', AGENT_FILE);
    await machine.write(AGENT_FILE, `${settings}\nlabel: { zone: a }\n`);
    const restarts = await machine.show('berth-agent', 'NRestarts');
    await machine.run('systemctl', 'restart', 'berth-agent');
    // "activating auto-restart" where systemd would start it again.
    await until('the end of it', async () => (await state('berth-agent')) === 'failed failed');
    expect(await machine.show('berth-agent', 'ExecMainStatus')).toBe('64');
    expect(await machine.show('berth-agent', 'NRestarts')).toBe(restarts);
    expect(await machine.run('journalctl', '-u', 'berth-agent', '-o', 'cat')).toMatch(/label.*labels/);
    await machine.write(AGENT_FILE, settings);
    await machine.run('systemctl', 'restart', 'berth-agent');
    await until('the agent to answer', agentAnswers);
  });

  test('renders templates where the documented drop-in lets it, and says so where nothing does', async () => {
    const settings = await machine.run('cat', AGENT_FILE);
    await machine.run('mkdir', '-p', '/etc/haproxy');
    await machine.run('rm', '-rf', '/etc/nginx/conf.d');
    await machine.write('/etc/berth/web.liquid', '{% for e in services.web %}{{ e.host }}{% endfor %}\n');
    const template = 'templates: [{ src: /etc/berth/web.liquid, dest: /etc/haproxy/web.txt }]';
    await machine.write(AGENT_FILE, `${settings}\n${template}\n`);
    await machine.run('systemctl', 'restart', 'berth-agent');
    await until('the problem', async () => (await machine.run('berth', 'agent', 'status')).includes('EROFS'));

    const docs = readFileSync(join(__dirname, '../../docs/discovery.md'), 'utf8');
    const dropIn = /^\[Service\]\nReadWritePaths=.*\n/m.exec(docs)![0];
    await machine.write('/etc/systemd/system/berth-agent.service.d/override.conf', dropIn);
    await machine.run('systemctl', 'daemon-reload');
    await machine.run('systemctl', 'restart', 'berth-agent');
    await until('the file', async () => (await machine.ask('cat', '/etc/haproxy/web.txt')).stdout === `${BRIDGE}\n`);
    expect(await machine.run('berth', 'agent', 'status')).not.toContain('problem');
  });
});

describe('the coordinator', () => {
  test('is active as a user of its own without any capability, and sees little of the machine', async () => {
    expect(await state('berth-coordinator')).toBe('active running');
    const kernel = await kernelSays('berth-coordinator');
    expect(kernel).toMatchObject({ NoNewPrivs: '1', Seccomp: '2', CapEff: '0'.repeat(16), CapBnd: '0'.repeat(16) });
    expect(Number(kernel['Uid']!.split('\t')[0])).toBeGreaterThanOrEqual(61_184); // DynamicUser: systemd.exec(5)
    expect((await beside('berth-coordinator', 'ls', '/root', '/tmp')).stdout).toBe('/root:\n\n/tmp:\n');
  });

  test('killed: systemd starts it again; it stops in time', async () => {
    const pid = await pidOf('berth-coordinator');
    await machine.run('kill', '-KILL', pid);
    await until('another one', async () => {
      const { code, stdout } = await machine.ask('berth', 'hosts');
      return (await pidOf('berth-coordinator')) !== pid && code === 0 && stdout.includes('h1');
    });
    await machine.run('systemctl', 'stop', 'berth-coordinator');
    expect(await machine.show('berth-coordinator', 'Result')).toBe('success');
    await machine.run('systemctl', 'start', 'berth-coordinator');
  });

  test("writes targets that Prometheus's user reads with the documented drop-in alone, and leaves them when it stops", async () => {
    const file = '/run/berth-coordinator/targets.json';
    const settings = await machine.run('cat', '/etc/berth/coordinator.yaml');
    await machine.write('/etc/berth/coordinator.yaml', `${settings}\nprometheus-file: ${file}\n`);
    await machine.run('systemctl', 'restart', 'berth-coordinator');
    const isRead = async (...by: readonly string[]): Promise<boolean> =>
      (await machine.ask('env', ...by, 'cat', file)).stdout.includes('h1');
    const forPrometheus = () => isRead('runuser', '-u', 'prometheus', '--');
    await until('the file', () => isRead());
    expect(await forPrometheus()).toBe(false);

    const docs = readFileSync(join(__dirname, '../../docs/discovery.md'), 'utf8');
    const dropIn = /^\[Service\]\nDynamicUser=.*\nUser=.*\n/m.exec(docs)![0];
    await machine.write('/etc/systemd/system/berth-coordinator.service.d/override.conf', dropIn);
    await machine.run('systemctl', 'daemon-reload');
    await machine.run('systemctl', 'restart', 'berth-coordinator');
    await until('the file for Prometheus', forPrometheus);
    await machine.run('systemctl', 'stop', 'berth-coordinator');
    expect(await forPrometheus()).toBe(true);
    await machine.run('systemctl', 'start', 'berth-coordinator');
  });
});

test('nothing in these units is unknown to this systemd, and nothing else has failed', async () => {
  const { stdout, stderr } = await machine.ask('systemd-analyze', 'verify', '--man=no', 'berth-agent.service');
  expect(stdout + stderr).toBe('');
  expect(await machine.run('systemctl', 'list-units', '--failed', '--no-legend')).toBe('');
});
