/** A service, from a key in etcd to containers and away again. */
import { IDLE, docker } from '../support/docker';
import { Cluster } from '../support/cluster';
import { until } from '../support/wait';

let cluster: Cluster;
beforeAll(async () => (cluster = await Cluster.start({ agents: 2 })), 60_000);
afterAll(() => cluster.stop(), 60_000);

test('a key brings a service up, a bad edit leaves it running and says where it is wrong, del takes it down', async () => {
  await cluster.put('web', `${IDLE}deploy: { replicas: 3 }\n`);
  const before = await cluster.running(3);
  const hosts = Object.values((await cluster.assignment('h1'))!.instances).length;
  expect([1, 2]).toContain(hosts);
  await cluster.steady('web', 1);

  await cluster.put('web', `${IDLE}deploy:\n  replicsa: 5\n  resources: { limits: { memory: -5M } }\n`);
  const refused = await until('the refusal', async () => {
    const status = await cluster.serviceStatus('web');
    return status?.accepted === false ? status : undefined;
  });
  expect(refused.problems).toEqual([
    expect.objectContaining({
      rule: 'unknown-key',
      path: 'deploy.replicsa',
      line: 5,
      column: 3,
      message: expect.stringContaining('did you mean "replicas"?'),
    }),
    expect.objectContaining({ rule: 'bad-value', path: 'deploy.resources.limits.memory', line: 6, column: 34 }),
  ]);
  expect(refused).toMatchObject({ currentRelease: 1, running: 3 });
  expect(await cluster.containers()).toEqual(before);
  const { stdout } = await cluster.berth('services');
  expect(stdout).toContain('refused');
  expect(stdout).toContain('line 5:3 deploy.replicsa');

  await cluster.remove('web');
  await cluster.running(0);
  await until(
    'the releases to go',
    async () => (await cluster.etcd.ctl(['get', '--prefix', '--keys-only', `${cluster.prefix}/releases/`])) === '',
  );
  expect(await cluster.serviceStatus('web')).toBeUndefined();
}, 60_000);

test('a change of the spec is rolled out one by one; a change of the count makes no new container', async () => {
  const document = (greeting: string, replicas: number): string =>
    `${IDLE}environment: { GREETING: ${greeting} }\nports: [{ name: http, target: 8080 }]\ndeploy: { replicas: ${replicas} }\n`;
  await cluster.put('api', document('one', 2));
  const first = await cluster.running(2);
  await cluster.steady('api', 1);

  let fewest = 2;
  const watching = setInterval(
    () =>
      void cluster
        .containers()
        .then((seen) => (fewest = Math.min(fewest, seen.filter(({ state }) => state === 'running').length))),
    50,
  );
  await cluster.put('api', document('two', 2));
  await cluster.steady('api', 2, 40_000);
  clearInterval(watching);
  expect(fewest).toBeGreaterThanOrEqual(2);
  const second = await cluster.running(2);
  expect(second.filter(({ id }) => first.some((old) => old.id === id))).toEqual([]);
  expect(await docker('inspect', '--format', '{{.Config.Env}}', second[0]!.id)).toContain('GREETING=two');

  await cluster.put('api', document('two', 3));
  await cluster.steady('api', 3);
  const third = await cluster.running(3);
  expect(third.map(({ id }) => id)).toEqual(expect.arrayContaining(second.map(({ id }) => id)));
  await cluster.remove('api');
  await cluster.running(0);
}, 120_000);

test('a global service has one instance on each host, constraints keep hosts out, and the reason is told', async () => {
  await cluster.put('everywhere', `${IDLE}deploy: { mode: global }\n`);
  await cluster.running(2);
  await cluster.put('nowhere', `${IDLE}deploy: { placement: { constraints: ["node.labels.zone == mars"] } }\n`);
  const status = await until('the refusal to place', async () => {
    const seen = await cluster.serviceStatus('nowhere');
    return seen !== undefined && seen.unplaced.length === 2 ? seen : undefined;
  });
  expect(status.unplaced[0]).toEqual({ host: 'h1', reason: 'does not satisfy node.labels.zone == mars' });
  await cluster.put('nowhere', `${IDLE}deploy: { placement: { constraints: ["node.hostname == h2"] } }\n`);
  await cluster.running(3);
  expect(
    Object.values((await cluster.assignment('h2'))!.instances)
      .map(({ service }) => service)
      .sort(),
  ).toEqual(['everywhere', 'nowhere']);
  await cluster.put('huge', `${IDLE}deploy: { resources: { reservations: { memory: 9000G } } }\n`);
  await until('the reason', async () =>
    (await cluster.serviceStatus('huge'))?.unplaced[0]?.reason.includes('MiB of memory are wanted'),
  );
  for (const service of ['everywhere', 'nowhere', 'huge']) await cluster.remove(service);
  await cluster.running(0);
}, 90_000);
