/** A machine with systemd, Docker, etcd and Berth's units, installed as the README says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureTestImage } from '../support/docker-images';
import { until } from '../support/wait';
import { SystemdMachine } from './systemd-machine';

const ROOT = join(__dirname, '../..');
/** Of Docker's bridge, as Docker chooses it where nothing else has it. */
export const BRIDGE = '172.17.0.1';

/** For a first container, on a machine with far more to do than cores. */
const START_MS = 60_000;

const ETCD = `[Service]
Type=notify
ExecStart=etcd --data-dir /run/etcd --unsafe-no-fsync --logger=zap --log-outputs=stderr
`;
// Its own containerd, and so all that is Docker's, in one unit. The second socket is for this process.
const DOCKER = `[Service]
Type=notify
ExecStart=dockerd --exec-opt native.cgroupdriver=cgroupfs -H unix:///var/run/docker.sock -H unix:///var/lib/docker/docker.sock
Delegate=yes
KillMode=mixed
`;

/** Lines of the README's "Install it" that a host is given a daemon with, for the agent; the coordinator's are alike. */
function installing(daemon: 'agent' | 'coordinator'): readonly string[] {
  const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const lines = text.split('\n').map((line) => line.trim().replace(/ +#.*$/, ''));
  const found = ['cp systemd/', 'install -Dm 644 systemd/', 'systemctl enable --now '].map((start) =>
    lines.find((line) => line.startsWith(start)),
  );
  if (found.includes(undefined)) throw new Error('the README does not say any more how a daemon is installed');
  return found.map((line) => line!.replaceAll('agent', daemon));
}

/** With the settings that are installed, edited as the README asks for. */
export async function install(machine: SystemdMachine, daemon: 'agent' | 'coordinator'): Promise<void> {
  const [unit, settings, enable] = installing(daemon);
  const edit = `sed -i -e 's|^etcd:.*|etcd: [http://127.0.0.1:2379]|' -e 's|^address:.*|address: ${BRIDGE}|' /etc/berth/${daemon}.yaml`;
  await machine.run('sh', '-c', `cd /usr/lib/berth && ${unit} && ${settings} && ${edit} && ${enable}`);
}

/** @param document of the service, whose image is that of ensureTestImage() */
export async function runService(machine: SystemdMachine, name: string, document: string): Promise<void> {
  await machine.write(`/root/${name}.yaml`, document);
  await machine.run('sh', '-c', `ETCDCTL_API=3 etcdctl put /berth/services/${name} < /root/${name}.yaml`);
  const runs = async (): Promise<boolean> => / running /.test(await machine.run('berth', 'ps', name));
  await until(`${name} to run`, runs, START_MS);
}

export async function bootBerthHost(): Promise<SystemdMachine> {
  const machine = await SystemdMachine.boot();
  try {
    await machine.write('/etc/systemd/system/etcd.service', ETCD);
    await machine.write('/etc/systemd/system/docker.service', DOCKER);
    await machine.run('systemctl', 'daemon-reload');
    await machine.run('systemctl', 'start', 'etcd', 'docker');
    await ensureTestImage(machine.engine);
    await install(machine, 'coordinator');
    await install(machine, 'agent');
    await until('the host to be in the cluster', async () => (await machine.run('berth', 'hosts')).includes('h1'));
    return machine;
  } catch (error) {
    await machine.down();
    throw error;
  }
}
