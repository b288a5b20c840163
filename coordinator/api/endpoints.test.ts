/** Endpoints as etcd has them, beside what hosts report, on a clock that stands still. */
import { emptyDocument, encodeDocument } from '../../lib/documents/codec';
import type { InstanceStatus } from '../../lib/documents/types';
import { RpcError, type ListEndpointsResponse } from '../../lib/rpc/types';
import { OperatedCluster } from '../../test/support/operated-cluster';

let cluster: OperatedCluster;
beforeEach(async () => {
  cluster = await OperatedCluster.start('h1', 'h2');
  await cluster.put(cluster.keys.service('web'), 'image: a:1\ndeploy: { replicas: 2 }\n');
  await cluster.put(cluster.keys.service('api'), 'image: a:1\n');
  await cluster.clock.advance(1000);
});

async function ask(...services: readonly string[]): Promise<ListEndpointsResponse> {
  const answer = await cluster.settle(({ api }) => api.listEndpoints({ services }));
  if (answer instanceof RpcError) throw answer;
  return answer;
}

/** Of the one instance of a service on a host. */
function on(host: string, service: string): { id: string; status: InstanceStatus } {
  const [id, status] = [...cluster.agent(host).running].find(([, one]) => one.service === service)!;
  return { id, status };
}

async function publish(service: string, instance: string, slot = 1, release = 1): Promise<void> {
  const where = { host: '10.0.0.1', hostName: 'h1', port: 20_001 };
  const endpoint = { ...emptyDocument('Endpoint'), ...where, slot, release, weight: 100 };
  await cluster.put(cluster.keys.endpoint(service, instance), encodeDocument('Endpoint', endpoint));
}

/** What its host says of it from now on. */
async function report(host: string, id: string, change: Partial<InstanceStatus>): Promise<void> {
  const status = { ...cluster.agent(host).running.get(id)!, ...change };
  await cluster.put(
    cluster.keys.status(host),
    encodeDocument('HostStatus', {
      ...emptyDocument('HostStatus'),
      assignmentRevision: 9,
      instances: { [id]: status },
    }),
  );
}

test('what is published, by service and slot, and what is not yet', async () => {
  const [one, two] = [on('h1', 'web'), on('h2', 'web')];
  for (const { id, status } of [one, two]) await publish('web', id, status.slot);
  const answer = await ask();
  expect(answer.endpoints.map(({ service, endpoint, doubt }) => [service, endpoint.slot, doubt])).toEqual([
    ['web', 1, ''],
    ['web', 2, ''],
  ]);
  expect(answer.unpublished).toMatchObject([
    { service: 'api', slot: 1, reason: 'it runs and nothing speaks against it: its host has not published it yet' },
  ]);
  expect(answer).toMatchObject({ problems: [], unknown: [], freshness: { etcdConnected: true } });
});

test('those of some services alone, and names that nobody has', async () => {
  await publish('web', on('h1', 'web').id);
  await publish('webs', 'webs-1-a');
  const answer = await ask('web', 'wob', 'webs');
  expect(answer.endpoints.map(({ service }) => service)).toEqual(['web', 'webs']);
  expect(answer.unpublished.map(({ service }) => service)).toEqual(['web']);
  expect(answer.unknown).toEqual(['wob']);
  const many = Array.from({ length: 20 }, (_, index) => `s${index}`);
  expect((await ask('web', ...many)).endpoints.map(({ service }) => service)).toEqual(['web']);
});

test.each<[string, Partial<InstanceStatus>, string]>([
  ['unhealthy', { health: 'unhealthy', reason: 'GET / → 500' }, 'unhealthy: GET / → 500'],
  ['to be restarted', { health: 'unhealthy', reason: 'unhealthy: GET / → 500' }, 'unhealthy: GET / → 500'],
  ['starting up', { health: 'starting' }, 'starting: its check has not passed yet'],
  [
    'draining',
    { phase: 'DRAINING', progress: 'drain wait, 5 s in all' },
    'draining: out of discovery, and stopped after that: drain wait, 5 s in all',
  ],
  ['crashing', { phase: 'BACKOFF', reason: 'exited with code 3' }, 'waits for its next start: exited with code 3'],
  ['ended', { phase: 'STOPPED' }, 'ended'],
  ['pulled', { phase: 'PULLING', progress: '12 of 40 MB' }, 'pulling: 12 of 40 MB'],
  ['failing', { phase: 'FAILED', reason: 'no such image' }, 'failed: no such image'],
])('one that is %s: why, published or not', async (_, change, why) => {
  const host = [...cluster.agent('h1').running.values()].some(({ service }) => service === 'api') ? 'h1' : 'h2';
  const { id } = on(host, 'api');
  await report(host, id, change);
  expect((await ask('api')).unpublished).toMatchObject([{ instance: id, host, reason: why }]);
  await report(host, id, change);
  await publish('api', id);
  expect(await ask('api')).toMatchObject({ unpublished: [], endpoints: [{ doubt: `about to be withdrawn: ${why}` }] });
});

test('a host that is lost', async () => {
  const { id } = on('h2', 'web');
  await publish('web', id);
  cluster.agent('h2').die();
  await cluster.clock.advance(2500);
  expect((await ask('web')).endpoints).toMatchObject([{ instance: id, doubt: 'its host is lost' }]);
});

test('endpoints of somebody else: under a service of ours they are doubted', async () => {
  await publish('web', 'web-9-zzzz');
  await publish('legacy', 'legacy-abc');
  // As register-foreign has it.
  await publish('web', 'h1-shop-80', 0, 0);
  const { endpoints } = await ask('web', 'legacy');
  expect(endpoints.map(({ instance, doubt }) => [instance, doubt])).toEqual([
    ['legacy-abc', ''],
    [
      'h1-shop-80',
      expect.stringMatching(/^none of Berth’s instances: a container on h1 that says by registrator’s words/),
    ],
    ['web-9-zzzz', expect.stringMatching(/^no host reports it/)],
  ]);
});

test('garbage is told, and hides nothing', async () => {
  const { id } = on('h1', 'web');
  await publish('web', id);
  await cluster.put(cluster.keys.endpoint('web', 'web-1-bad'), '{"host":');
  await cluster.put(cluster.keys.endpoint('web', 'web-2-bad'), '{"port":1}');
  await cluster.put(`${cluster.keys.endpoints}web`, '{}');
  const { endpoints, problems } = await ask();
  expect(endpoints).toMatchObject([{ instance: id }]);
  expect(problems.map(({ key, rule }) => `${key} ${rule}`)).toEqual([
    '/b/endpoints/web unknown-key',
    '/b/endpoints/web/web-1-bad json-syntax',
    '/b/endpoints/web/web-2-bad wrong-type',
  ]);
});

test('before etcd was read there is no answer', async () => {
  const fresh = cluster.coordinator('c2');
  await expect(fresh.api.listEndpoints({ services: [] })).rejects.toMatchObject({ code: 'unavailable' });
});
