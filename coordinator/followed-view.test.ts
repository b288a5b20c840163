import { keysUnder } from '../lib/documents/keys';
import { createMemoryStore } from '../lib/etcd/memory-store';
import { silentLogger } from '../lib/log';
import { createFakeClock } from '../test/support/fake-clock';
import { watchCluster } from './cluster';

const keys = keysUnder('/t');

test('a view that is held stands still, says of which revision it is, and catches up at once', async () => {
  const clock = createFakeClock();
  const etcd = createMemoryStore(clock);
  const store = etcd.connect();
  const put = (service: string, value: string): Promise<unknown> =>
    store.txn({ compares: [], writes: [{ op: 'put', key: keys.service(service), value }] });
  await put('web', '1');
  const told: string[][] = [];
  const cluster = watchCluster({
    ...{ store, keys, clock, log: silentLogger, random: () => 0 },
    onChange: (changes) =>
      void told.push(changes.map(({ key, value }) => `${key.slice(keys.services.length)}=${value}`)),
  });
  await clock.advance(100);
  const { revision } = cluster.freshness();
  const endFirst = cluster.hold();
  const endSecond = cluster.hold();
  await put('web', '2');
  await put('web', '3');
  await put('api', '1');
  await clock.advance(100);
  expect([...cluster.view.services.keys()]).toEqual(['web']);
  expect(cluster.view.services.get('web')!.text).toBe('1');
  expect(cluster.freshness().revision).toBe(revision);
  endFirst();
  expect(cluster.view.services.size).toBe(1);
  endSecond();
  expect(cluster.view.services.get('web')!.text).toBe('3');
  expect(cluster.freshness().revision).toBe(revision + 3);
  expect(told.filter((changes) => changes.length > 0)).toEqual([['web=1'], ['web=3', 'api=1']]);
  await put('web', '4');
  await clock.advance(100);
  expect(cluster.view.services.get('web')!.text).toBe('4');
  cluster.close();
});
