/** What a coordinator tells of one service or instance, and of alarms. */
import { OperatedCluster } from '../../test/support/operated-cluster';

const WEB = 'image: web:1\ndeploy: { replicas: 2, resources: { reservations: { memory: 600M } } }\n';

let cluster: OperatedCluster;
beforeEach(async () => {
  cluster = await OperatedCluster.start('h1', 'h2', 'h3');
  await cluster.settle(({ api }) =>
    api.apply({ services: [{ name: 'web', document: WEB }], project: '', by: 'ann@ops', at: '' }),
  );
  await cluster.clock.advance(60_000);
});

const why = (name: string) => cluster.settle(({ api }) => api.why({ name }));

test('a service at rest: its document’s author, its release and its instances, and nothing about hosts', async () => {
  expect(await why('web')).toMatchObject({
    isInstance: false,
    service: { name: 'web', status: { rollout: 'steady', accepted: true } },
    author: { by: 'ann@ops' },
    releases: [{ number: 1, author: 'ann@ops', whole: true }],
    instances: [{ status: { slot: 1 } }, { status: { slot: 2 } }],
    fits: [],
  });
  // Somebody else wrote it since.
  await cluster.put(cluster.keys.service('web'), `${WEB}# by hand\n`);
  await cluster.clock.advance(100);
  expect(await why('web')).not.toHaveProperty('author');
});

test('labels that Traefik would stumble over', async () => {
  const labels = 'labels: { traefik.http.routers.web.rule: r, traefik.http.routers.web.prio: "1" }\nports: [80]\n';
  await cluster.put(cluster.keys.service('web'), WEB + labels);
  await cluster.clock.advance(60_000);
  expect(await why('web')).toMatchObject({
    service: {
      status: {
        accepted: true,
        problems: [{ rule: 'traefik-label', message: expect.stringMatching(/^traefik\.http\.routers\.web\.prio: /) }],
      },
    },
  });
});

test('what has no place: each host with every rule that it breaks, those that say the same together', async () => {
  await cluster.put(cluster.keys.hostIntent('h3'), '{"schedulable":false}');
  await cluster.put(
    cluster.keys.service('web'),
    WEB.replace('replicas: 2', 'replicas: 4, placement: { constraints: [node.hostname != h3] }'),
  );
  await cluster.clock.advance(20_000);
  const { fits } = (await why('web')) as { fits: readonly { hosts: readonly string[]; reasons: readonly string[] }[] };
  expect(fits.map(({ hosts, reasons }) => [hosts.join(), reasons.length])).toEqual([
    ['h1,h2', 1],
    ['h3', 2],
  ]);
  expect(fits[0]!.reasons[0]).toContain('memory');
  expect(fits[1]!.reasons).toEqual([
    expect.stringContaining('cordoned'),
    expect.stringContaining('node.hostname != h3'),
  ]);
});

test('of a lost host, that alone is told', async () => {
  cluster.agent('h3').die();
  await cluster.put(cluster.keys.service('web'), WEB.replace('replicas: 2', 'replicas: 9'));
  await cluster.clock.advance(20_000);
  const { fits } = (await why('web')) as { fits: readonly { hosts: readonly string[]; reasons: readonly string[] }[] };
  expect(fits.find(({ hosts }) => hosts.includes('h3'))!.reasons).toHaveLength(1);
});

test('an instance: itself, its host, its service, its release', async () => {
  const [id] = cluster.agent('h1').running.keys();
  expect(await why(id!)).toMatchObject({
    isInstance: true,
    instances: [{ id, host: 'h1' }],
    host: { name: 'h1', live: true },
    service: { name: 'web' },
    releases: [{ number: 1 }],
  });
});

test('an instance that is bound to its host by its data: what that means, and what can be done', async () => {
  const lines = 'deploy: { update_config: { monitor: 0s }, placement: { constraints: [node.hostname != h3] } }';
  const VOLUME = { type: 'volume', source: 'data', target: '/data' };
  await cluster.put(cluster.keys.service('db'), `image: db:1\nvolumes: [${JSON.stringify(VOLUME)}]\n${lines}\n`);
  await cluster.clock.advance(20_000);
  const find = async () => (await cluster.lead.api.listInstances({ services: ['db'], hosts: [] })).instances[0]!;
  const { id, host, stuck } = await find();
  expect(stuck).toBe('');
  const bound = async () => ((await why(id)) as { bound: string }).bound;
  expect(await bound()).toBe(
    `its data is in the volume data of ${host}: it stays there, also when ${host} is drained or lost. To move it, scale it away ("berth scale"), copy the volume to another host, cordon ${host}, and scale up again`,
  );
  cluster.agent(host).die();
  await cluster.clock.advance(60_000);
  const lost = `its data is in the volume data of ${host}, which is lost: nothing replaces it elsewhere, and it goes on when ${host} is back. When that will never be, "berth hosts rm ${host}" frees its place, and it begins anew elsewhere, with nothing in its volume`;
  expect([await bound(), (await find()).stuck]).toEqual([lost, lost]);
  // As it is said, so it is.
  await cluster.settle(({ api }) => api.removeHost({ host }));
  await cluster.clock.advance(20_000);
  expect((await find()).host).not.toBe(host);
  const [web] = (await cluster.lead.api.listInstances({ services: ['web'], hosts: [] })).instances;
  expect(await why(web!.id)).toMatchObject({ bound: '' });
});

test('what is said of moving data by hand is true', async () => {
  const text = (replicas: number): string =>
    `image: db:1\nvolumes: ["data:/data"]\ndeploy: { replicas: ${replicas}, update_config: { monitor: 0s } }\n`;
  const put = async (replicas: number): Promise<void> => {
    await cluster.put(cluster.keys.service('db'), text(replicas));
    await cluster.clock.advance(20_000);
  };
  await put(1);
  const where = async () => (await cluster.lead.api.listInstances({ services: ['db'], hosts: [] })).instances;
  const [{ host } = { host: '' }] = await where();
  await put(0);
  expect(await where()).toEqual([]);
  await cluster.settle(({ api }) => api.changeHost({ host, action: 'cordon', reason: '', by: '' }));
  await put(1);
  expect((await where()).map((one) => one.host)).toEqual([expect.not.stringMatching(host)]);
});

test('a name that nobody has', async () => {
  expect(await why('wbe')).toMatchObject({
    code: 'not-found',
    message: 'there is no service or instance "wbe" (did you mean "web"?)',
  });
});

test('an instance of a drained host that waits for its service’s rollout says so', async () => {
  const canary = `${WEB.replace('web:1', 'web:2').replace('600M', '100M')}x-berth: { canary: 1 }\n`;
  await cluster.put(cluster.keys.service('web'), canary);
  await cluster.clock.advance(30_000);
  await cluster.settle(({ api }) => api.changeHost({ host: 'h2', action: 'drain', reason: '', by: '' }));
  await cluster.clock.advance(30_000);
  const { instances } = await cluster.lead.api.listInstances({ services: ['web'], hosts: ['h2'] });
  expect(instances.map(({ stuck }) => stuck)).toEqual(
    instances.map(() => expect.stringMatching(/rollout, canary: .*berth promote web/)),
  );
});

test('alarms are listed, and released by their kind', async () => {
  await cluster.lead.resign();
  const alarm = { kind: 'lost-hosts', id: 1700000000000, message: '3 hosts are lost', names: ['h1', 'h2', 'h3'] };
  await cluster.put(cluster.keys.clusterStatus, JSON.stringify({ alarms: [alarm] }));
  await cluster.clock.advance(100);
  const list = async () => (await cluster.lead.api.listAlarms({})).alarms;
  expect(await list()).toEqual([{ alarm, released: false }]);
  expect(await cluster.settle(({ api }) => api.releaseAlarm({ kind: 'lost-host' }))).toMatchObject({
    ...{ code: 'not-found', message: 'there is no alarm "lost-host"; there is lost-hosts' },
  });
  expect(await cluster.settle(({ api }) => api.releaseAlarm({ kind: 'lost-hosts' }))).toEqual({ alarm });
  expect(await list()).toEqual([{ alarm, released: true }]);
  expect(JSON.parse((await cluster.read(cluster.keys.clusterIntent))!)).toEqual({
    released: { 'lost-hosts': 1700000000000 },
  });
});

test('many hosts at once: the alarm comes, is told with every list, and is released', async () => {
  for (const host of ['h1', 'h2', 'h3']) cluster.agent(host).die();
  cluster.add('h4', { memoryBytes: 8 * 1024 ** 3 });
  await cluster.clock.advance(20_000);
  const [found] = (await cluster.lead.api.listAlarms({})).alarms;
  expect(found).toMatchObject({ alarm: { kind: 'lost-hosts', names: ['h1', 'h2', 'h3'] }, released: false });
  expect((await why('web')) as object).toMatchObject({ alarms: [{ kind: 'lost-hosts' }] });
  // What was replaced before the third was lost stays so.
  const before = cluster.agent('h4').running.size;
  expect(before).toBeLessThan(2);
  await cluster.settle(({ api }) => api.releaseAlarm({ kind: 'lost-hosts' }));
  await cluster.clock.advance(20_000);
  expect(cluster.agent('h4').running.size).toBe(2);
  expect((await cluster.lead.api.listAlarms({})).alarms).toEqual([]);
});
