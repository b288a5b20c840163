/** What operators ask of hosts, through a coordinator over the in-memory store, on a clock that stands still. */
import { decodeDocument } from '../../lib/documents/codec';
import { RpcError } from '../../lib/rpc/types';
import { OperatedCluster } from '../../test/support/operated-cluster';

const WEB = 'image: a:1\ndeploy: { replicas: 3 }\n';

let cluster: OperatedCluster;
beforeEach(async () => {
  cluster = await OperatedCluster.start('h1', 'h2', 'h3');
  await cluster.put(cluster.keys.service('web'), WEB);
  await cluster.clock.advance(1000);
});

const change = (host: string, action: string, reason = '') =>
  cluster.settle(({ api }) => api.changeHost({ host, action, reason, by: 'ann@ops' }));
const remove = (host: string) => cluster.settle(({ api }) => api.removeHost({ host }));
const intent = async (host: string) => {
  const text = await cluster.read(cluster.keys.hostIntent(host));
  return text === undefined ? undefined : decodeDocument('HostIntent', text);
};

test('cordon, drain and uncordon write who asked for it, and say what was there before', async () => {
  expect(await change('h1', 'cordon', 'a look')).toMatchObject({
    changed: true,
    instances: 1,
    live: true,
    schedulableHosts: 2,
  });
  expect(await intent('h1')).toEqual({ schedulable: false, drain: false, reason: 'a look', by: 'ann@ops' });
  expect(await change('h1', 'cordon', 'another')).toMatchObject({ changed: false, intent: { reason: 'another' } });
  expect(await change('h1', 'drain')).toMatchObject({ changed: true, schedulableHosts: 2 });
  expect(await intent('h1')).toEqual({ schedulable: false, drain: true, reason: 'another', by: 'ann@ops' });
  expect(await change('h1', 'uncordon')).toMatchObject({ changed: true, schedulableHosts: 3 });
  expect(await intent('h1')).toBeUndefined();
  const { revision } = cluster.etcd;
  expect(await change('h1', 'uncordon')).toMatchObject({ changed: false });
  expect(cluster.etcd.revision).toBe(revision);
});

test('the last host that takes instances is counted, lost ones are not', async () => {
  cluster.agent('h3').die();
  await cluster.clock.advance(10_000);
  expect(await change('h1', 'drain')).toMatchObject({ schedulableHosts: 1 });
  expect(await change('h2', 'drain')).toMatchObject({ schedulableHosts: 0 });
  expect(await change('h3', 'cordon')).toMatchObject({ live: false });
});

test('an intent that is garbage is written over', async () => {
  await cluster.put(cluster.keys.hostIntent('h1'), 'drain please');
  await cluster.clock.advance(100);
  expect(await change('h1', 'cordon')).toMatchObject({ changed: true });
  expect(await intent('h1')).toMatchObject({ schedulable: false });
});

test.each<[string, () => Promise<unknown>, string, RegExp]>([
  ['a host that is not there', () => change('h9', 'drain'), 'not-found', /^there is no host "h9"$/],
  ['an action that is none', () => change('h1', 'evict'), 'invalid', /"evict" is none of cordon, drain, uncordon/],
  ['a novel for a reason', () => change('h1', 'drain', 'x'.repeat(301)), 'invalid', /300 characters at most/],
  ['removal of a host that is not there', () => remove('hh'), 'not-found', /no host "hh"/],
  ['removal of a host that lives', () => remove('h1'), 'refused', /^h1 lives: .*berth drain h1 --wait.*stop its agent/],
])('%s is refused, and nothing is written', async (_, ask, code, message) => {
  const { revision } = cluster.etcd;
  expect(await ask()).toMatchObject({ code, message: expect.stringMatching(message) });
  expect(cluster.etcd.revision).toBe(revision);
});

test('a lost host is forgotten in one transaction, with its pauses, its config layer aside, and may come back', async () => {
  const { keys, etcd, clock } = cluster;
  await change('h3', 'cordon');
  const [own = ''] = cluster.agent('h3').running.keys();
  const [other = ''] = cluster.agent('h2').running.keys();
  for (const name of ['h3', own, other, 'h2'])
    await cluster.settle(({ api }) => api.pause({ kind: '', name, forMs: 3_600_000, reason: '', by: '' }));
  await cluster.put(keys.hostConfig('h3'), 'A: b\n');
  await cluster.put(keys.hostLoss('h3'), '{"sinceMs":1}');
  cluster.agent('h3').die();
  await clock.advance(10_000);
  const { revision } = etcd;
  expect(await remove('h3')).toEqual({ instances: 1, pauses: 2, configKey: keys.hostConfig('h3') });
  const { kvs } = await etcd.range({ prefix: keys.all });
  expect(kvs.map(({ key }) => key).filter((key) => key.endsWith('/h3') || key.includes('/h3/'))).toEqual([
    keys.hostConfig('h3'),
  ]);
  expect(etcd.revision).toBeGreaterThan(revision);
  const { pauses } = await cluster.lead.api.listPauses({});
  expect(pauses.map(({ name }) => name)).toEqual(['h2', other]);
  const hosts = async () => (await cluster.lead.api.listHosts({ hosts: [] })).hosts.map(({ name }) => name);
  expect(await hosts()).toEqual(['h1', 'h2']);
  cluster.add('h3');
  await clock.advance(1000);
  expect(await hosts()).toEqual(['h1', 'h2', 'h3']);
});

test('an agent that comes back at the same moment keeps its host', async () => {
  cluster.agent('h3').die();
  await cluster.clock.advance(10_000);
  const before = await cluster.read(cluster.keys.hostRecord('h3'));
  const removal = cluster.lead.api.removeHost({ host: 'h3' }).catch((error: RpcError) => error);
  // Written after the removal has read that it is lost.
  await cluster.put(cluster.keys.hostAlive('h3'), '{"agentId":"h3"}');
  await cluster.clock.advance(3000);
  expect(await removal).toBeInstanceOf(RpcError);
  expect(await cluster.read(cluster.keys.hostRecord('h3'))).toBe(before);
});

test('ps is narrowed to hosts, hosts to those asked for, with the loss that the leader noted', async () => {
  const { api } = cluster.lead;
  const { instances } = await api.listInstances({ services: [], hosts: ['h2'] });
  expect(instances.map(({ host }) => host)).toEqual(['h2']);
  expect(await cluster.settle(() => api.listInstances({ services: [], hosts: ['hx'] }))).toMatchObject({
    code: 'not-found',
  });
  cluster.agent('h2').die();
  await cluster.put(cluster.keys.hostLoss('h2'), '{"sinceMs":1234}');
  await cluster.clock.advance(10_000);
  const { hosts } = await api.listHosts({ hosts: ['h2', 'gone'] });
  expect(hosts).toEqual([expect.objectContaining({ name: 'h2', live: false, lostSinceMs: expect.any(Number) })]);
});

test('what can not move, and alarms that nobody released, are told', async () => {
  const { keys, clock } = cluster;
  const alarms = { alarms: [{ kind: 'lost-hosts', id: 7, message: 'many are lost' }] };
  await cluster.put(keys.clusterStatus, JSON.stringify(alarms));
  await clock.advance(50);
  const { api } = cluster.lead;
  expect((await api.listHosts({ hosts: [] })).alarms).toHaveLength(1);
  expect((await api.listServices({ services: [] })).alarms).toHaveLength(1);
  await cluster.put(keys.clusterIntent, JSON.stringify({ released: { 'lost-hosts': 7 } }));
  await clock.advance(50);
  expect((await api.listHosts({ hosts: [] })).alarms).toEqual([]);
});
