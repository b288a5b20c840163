/** A rebalance that an operator asks for, through a coordinator over the in-memory store. */
import type { RebalanceResponse, RpcError } from '../../lib/rpc/types';
import { OperatedCluster } from '../../test/support/operated-cluster';

let cluster: OperatedCluster;
beforeEach(async () => {
  cluster = await OperatedCluster.start('h1', 'h2');
  await cluster.put(
    cluster.keys.service('web'),
    'image: web:1\ndeploy: { replicas: 6, update_config: { monitor: 1s } }\n',
  );
  await cluster.clock.advance(60_000);
  cluster.add('h3');
  await cluster.clock.advance(5000);
});

const rebalance = (maxMoves: number, isPreview: boolean) =>
  cluster.settle(({ api }) => api.rebalance({ maxMoves, isPreview })) as Promise<RebalanceResponse>;
const counts = (): readonly number[] => ['h1', 'h2', 'h3'].map((host) => cluster.agent(host).running.size);

test('a preview writes nothing; then as many move as were asked for, and no more', async () => {
  const { revision } = cluster.etcd;
  const { moves } = await rebalance(10, true);
  expect(cluster.etcd.revision).toBe(revision);
  expect(moves).toHaveLength(2);
  expect(moves[0]).toMatchObject({ service: 'web', to: 'h3', reason: expect.stringContaining('3') });
  expect(counts()).toEqual([3, 3, 0]);

  const { moves: one } = await rebalance(1, false);
  expect(one).toEqual([moves[0]]);
  await cluster.clock.advance(60_000);
  expect(counts()).toEqual(moves[0]!.from === 'h1' ? [2, 3, 1] : [3, 2, 1]);

  await rebalance(10, false);
  await cluster.clock.advance(60_000);
  expect(counts()).toEqual([2, 2, 2]);
  expect((await rebalance(10, false)).moves).toEqual([]);
});

test.each([0, 1001])('%d moves are refused', async (count) => {
  expect((await rebalance(count, true)) as unknown as RpcError).toMatchObject({ code: 'invalid' });
});

test('a frozen cluster shows what it would do, and does not', async () => {
  await cluster.settle(({ api }) => api.changeFreeze({ service: '', frozen: true, reason: '', by: '' }));
  expect((await rebalance(1, false)) as unknown as RpcError).toMatchObject({
    code: 'refused',
    message: expect.stringContaining('berth unfreeze'),
  });
  expect(counts()).toEqual([3, 3, 0]);
});
