/** The settings of a container, from a Compose file through `berth apply` to what runs: examples/settings. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cluster } from '../support/cluster';
import { docker } from '../support/docker';
import { until } from '../support/wait';

let cluster: Cluster;
let network: string;
beforeAll(async () => {
  cluster = await Cluster.start();
  network = `berth-test-${cluster.prefix.slice('/berth-test-'.length)}`;
}, 60_000);
afterAll(async () => {
  await cluster.stop();
  await docker('network', 'rm', network).catch(() => undefined);
  await docker('volume', 'rm', '-f', `${network}_scratch`);
}, 60_000);

const shell = (id: string, command: string): Promise<string> => docker('exec', id, '/bin/busybox', 'sh', '-c', command);

test('examples/settings: says what the host lacks, then runs with all that the file says', async () => {
  const variables = join(cluster.folder, 'settings.env');
  writeFileSync(variables, `IMAGE=berth-test/busybox:1\nNETWORK=${network}\n`);
  const applied = await cluster.berth(
    'apply',
    '-f',
    'examples/settings/compose.yaml',
    '--env-file',
    variables,
    '--project-name',
    network,
  );
  expect(applied).toMatchObject({ code: 0, stderr: '' });
  await until('the reason', async () => (await cluster.berth('ps')).stdout.includes(`no network "${network}"`));

  await docker('network', 'create', network);
  await until('all to run', async () => {
    const web = await cluster.serviceStatus('web');
    return web?.running === 2 && (await cluster.serviceStatus('files'))?.running === 1;
  });
  const containers = await cluster.containers();
  const one = containers.find(({ instance }) => instance.startsWith('web-1-'))!;
  expect(await shell(one.id, 'cat /etc/hostname; cat /tmp/web/index.html; cat /proc/sys/net/core/somaxconn')).toBe(
    `web-1\n${one.instance} on h1\n1024`,
  );
  expect(await shell(one.id, 'busybox nslookup content 127.0.0.11')).toMatch(/Name:\tcontent/);
  expect(await docker('port', one.id)).toMatch(/8080\/tcp -> .*:289\d\d/);
  const files = containers.find(({ instance }) => instance.startsWith('files-'))!;
  expect(await shell(files.id, 'busybox df -k /srv | busybox tail -1')).toContain(' 4096 ');
}, 120_000);

test('a container finds in its environment who and where it is; what its operator says wins', async () => {
  await cluster.put(
    'told',
    `image: berth-test/busybox:1
command: sleep 999
stop_signal: KILL
environment: { BERTH_HOST: mine }
ports: [{ name: http-admin, target: 8080 }, { target: 53, protocol: udp }]
`,
  );
  const { instance, id } = await until('it to run', async () =>
    (await cluster.containers()).find(({ instance, state }) => instance.startsWith('told-') && state === 'running'),
  );
  const lines = (await shell(id, 'busybox env')).split('\n').filter((line) => line.startsWith('BERTH_'));
  const [http, dns] = await Promise.all(['8080/tcp', '53/udp'].map((port) => docker('port', id, port)));
  const portOf = (text: string): string => /:(\d+)$/m.exec(text)![1]!;
  expect(lines.sort()).toEqual([
    'BERTH_ADDRESS=127.0.0.1',
    'BERTH_HOST=mine',
    `BERTH_INSTANCE=${instance}`,
    `BERTH_PORT_53=${portOf(dns!)}`,
    `BERTH_PORT_HTTP_ADMIN=${portOf(http!)}`,
    'BERTH_RELEASE=1',
    'BERTH_SERVICE=told',
    'BERTH_SLOT=1',
  ]);
}, 60_000);

test('{{.Node.ID}} is the id of the agent', async () => {
  await cluster.put(
    'node',
    'image: berth-test/busybox:1\ncommand: sleep 999\nstop_signal: KILL\nhostname: "{{.Node.ID}}"\n',
  );
  const found = await until('it to run', async () =>
    (await cluster.containers()).find(({ instance, state }) => instance.startsWith('node-') && state === 'running'),
  );
  expect(await shell(found.id, 'cat /etc/hostname')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-/);
});
