/** Removal of services, through a coordinator over the in-memory store. */
import { OperatedCluster } from '../../test/support/operated-cluster';

const WEB = 'image: a:1\n';

let cluster: OperatedCluster;
beforeEach(async () => {
  cluster = await OperatedCluster.start('h1');
  const services = ['web', 'api'].map((name) => ({ name, document: WEB }));
  await cluster.settle(({ api }) => api.apply({ services, project: '', by: 'ann@ops', at: '' }));
  await cluster.clock.advance(60_000);
});

const remove = (...services: readonly string[]) => cluster.settle(({ api }) => api.remove({ services }));
const freeze = (service: string, frozen = true) =>
  cluster.settle(({ api }) => api.changeFreeze({ service, frozen, reason: 'audit', by: 'ann@ops' }));
const keysOf = async (service: string): Promise<readonly string[]> => {
  const { kvs } = await cluster.etcd.range({ prefix: cluster.keys.all });
  return kvs.map(({ key }) => key).filter((key) => key.split('/').includes(service));
};

test.each([
  ['a frozen service', 'web', 'web: frozen by ann@ops: audit; "berth unfreeze web" ends it. Nothing was removed'],
  [
    'a frozen cluster',
    '',
    'api: the cluster is frozen by ann@ops: audit; "berth unfreeze" ends it; web: the cluster is frozen by ann@ops: audit; "berth unfreeze" ends it. Nothing was removed',
  ],
])('%s refuses it, all or nothing', async (_, frozen, message) => {
  await freeze(frozen);
  const { revision } = cluster.etcd;
  expect(await remove('api', 'web')).toMatchObject({ code: 'refused', message });
  expect(cluster.etcd.revision).toBe(revision);
  await freeze(frozen, false);
  expect(await remove('api', 'web')).toEqual({});
});

test('nothing that was wanted of a service holds for the next one of its name', async () => {
  expect(await keysOf('web')).toContain(cluster.keys.serviceIntent('web'));
  await remove('web');
  await cluster.clock.advance(10_000);
  expect(await keysOf('web')).toEqual([]);
  expect(await keysOf('api')).toContain(cluster.keys.serviceIntent('api'));
});
