/** Containers that Berth does not manage are published as registrator would, on a real engine and a real etcd. */
import { randomBytes } from 'node:crypto';
import { decodeDocument } from '../../lib/documents/codec';
import type { Endpoint } from '../../lib/documents/types';
import { Cluster } from '../support/cluster';
import { docker } from '../support/docker';
import { startDockerProxy, type DockerProxy } from '../support/docker-proxy';
import { until } from '../support/wait';

const id = randomBytes(3).toString('hex');
const names = ['plain', 'checked', 'ignored', 'silent', 'wrong', 'hung'].map((name) => `foreign-${name}-${id}`);
const [plain, checked, ignored, silent, wrong, hung] = names as [string, string, string, string, string, string];
const IMAGE = 'berth-test/busybox:1';
const SERVE = ['sh', '-c', 'touch /tmp/ok; exec httpd -f -p 8080 -h /tmp'];

let cluster: Cluster;
let proxy: DockerProxy;
beforeAll(async () => {
  proxy = await startDockerProxy();
  cluster = await Cluster.start({ agents: 0, coordinators: 0 });
  await cluster.addAgent('h1', ['--register-foreign', 'true', '--docker', proxy.address]);
}, 60_000);
afterAll(async () => {
  await docker('rm', '-f', ...names).catch(() => undefined);
  await cluster.stop();
  await proxy.stop();
}, 60_000);

const run = (name: string, ...options: readonly string[]): Promise<string> =>
  docker('run', '-d', '--name', name, '--stop-signal', 'KILL', '-p', '8080', ...options, IMAGE, ...SERVE);
const endpoint = async (service: string, name: string): Promise<Endpoint | undefined> => {
  const text = await cluster.etcd.get(cluster.keys.endpoint(service, `h1-${name}-8080`));
  return text === undefined ? undefined : decodeDocument('Endpoint', text);
};
const all = async (): Promise<string> => cluster.etcd.ctl(['get', '--prefix', '--keys-only', cluster.keys.endpoints]);

test('by its environment or labels, while it runs, and while its check passes', async () => {
  await run(ignored, '-e', `SERVICE_NAME=ignored-${id}`, '-e', 'SERVICE_IGNORE=true');
  await run(silent);
  await run(wrong, '-e', 'SERVICE_NAME=no_label');
  // Published twice: two ports of the host are one of the container, as where Docker finds one of a pair taken.
  await run(plain, '-p', '8080', '-e', `SERVICE_NAME=Plain-${id}`);
  const check = ['SERVICE_8080_CHECK_HTTP=/ok', 'SERVICE_8080_CHECK_INTERVAL=200ms'].flatMap((word) => [
    '--label',
    word,
  ]);
  await run(checked, '--label', `SERVICE_8080_NAME=checked-${id}`, ...check);

  const found = await until('the plain one', () => endpoint(`plain-${id}`, plain));
  const ports = [...(await docker('port', plain, '8080/tcp')).matchAll(/0\.0\.0\.0:(\d+)$/gm)].map(([, port]) =>
    Number(port),
  );
  const port = Math.min(...ports);
  expect(ports).toHaveLength(2);
  expect(found).toMatchObject({ host: '127.0.0.1', hostName: 'h1', port, ports: { 8080: port }, release: 0 });
  const isThere = async (): Promise<boolean> => (await endpoint(`checked-${id}`, checked)) !== undefined;
  await until('the checked one', isThere);
  await docker('exec', checked, 'rm', '/tmp/ok');
  await until('it to go', async () => !(await isThere()));
  await docker('exec', checked, 'touch', '/tmp/ok');
  await until('it to come back', isThere);
  await docker('stop', plain);
  await until('the stopped one to go', async () => (await endpoint(`plain-${id}`, plain)) === undefined);

  const keys = await all();
  for (const name of [ignored, silent, wrong]) expect(keys).not.toContain(name);
  expect(cluster.agents[0]!.output).toContain(`container ${wrong}: \\"no_label\\" is no name for a service`);
}, 60_000);

test('one on which Docker hangs holds up no other, and is published when Docker says what it is', async () => {
  const ofIt = await docker('create', '--name', hung, '-p', '8080', '-e', `SERVICE_NAME=hung-${id}`, IMAGE, ...SERVE);
  const heal = proxy.inject(({ path }) => path === `/containers/${ofIt}/json`, { kind: 'hang' });
  await docker('start', hung);
  await docker('start', plain);
  await until('the plain one', () => endpoint(`plain-${id}`, plain));
  await docker('stop', plain);
  await until('the stopped one to go', async () => (await endpoint(`plain-${id}`, plain)) === undefined);
  expect(await endpoint(`hung-${id}`, hung)).toBeUndefined();
  heal();
  await until('the one that hung', () => endpoint(`hung-${id}`, hung));
}, 60_000);

test('without the setting they are nobody’s, and what an agent with it left goes at once', async () => {
  await until('the checked one', async () => (await all()).includes(checked));
  await cluster.agents[0]!.end('SIGKILL');
  await cluster.agents[0]!.start('--register-foreign', 'false');
  await until('it to go', async () => !(await all()).includes(checked));
  expect(await docker('inspect', '--format', '{{.State.Running}}', checked)).toBe('true');
}, 60_000);
