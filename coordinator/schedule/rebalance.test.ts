/** What an operator is offered to move, and that it comes true when it is written down. */
import * as fc from 'fast-check';
import { emptyDocument } from '../../lib/documents/codec';
import type { Mount } from '../../lib/documents/types';
import { World } from '../../test/support/world';
import { planRebalance, type Move } from './rebalance';

const offer = (world: World, maxMoves = 100): readonly Move[] =>
  planRebalance(world.view, { maxMoves, pauses: world.inForce });

/** As `berth rebalance` does. */
function accept(world: World, moves: readonly Move[]): World {
  const document = { ...world.clusterIntent.document, moves: moves.map(({ id }) => id) };
  world.clusterIntent = { document, modRevision: 1 };
  return world;
}

function settled(hosts: number, services: Readonly<Record<string, number>>): World {
  const world = new World();
  for (let at = 1; at <= hosts; at++) world.addHost(`h${at}`, { zone: at % 2 === 1 ? 'a' : 'b' });
  for (const [name, replicas] of Object.entries(services)) world.put(name, { replicas });
  world.settle();
  return world;
}

test('a world that is even is left alone', () => {
  expect(offer(settled(3, { web: 4, api: 2, log: 0 }))).toEqual([]);
});

test('a host that came gets its share, no more than asked for, and no service goes below its count', () => {
  const world = settled(2, { web: 6, api: 3 });
  world.addHost('h3');
  const moves = offer(world);
  expect(moves.map(({ to }) => to)).toEqual(['h3', 'h3', 'h3']);
  expect(moves.map(({ service }) => service).sort()).toEqual(['api', 'web', 'web']);
  expect(moves.find(({ service }) => service === 'web')!.reason).toMatch(/^3 of web are on h1, and 0 on h3$/);
  expect(offer(world, 1)).toEqual(moves.slice(0, 1));
  expect(accept(world, moves).settle('web')).toBe(6);
  expect(world.counts('web')).toEqual([2, 2, 2]);
  expect(world.counts('api')).toEqual([1, 1, 1]);
  expect(offer(world)).toEqual([]);
});

test('hosts are relieved where services are even', () => {
  const world = settled(1, { a: 1, b: 1, c: 1, d: 1 });
  world.addHost('h2');
  const moves = offer(world);
  expect(moves.map(({ reason }) => reason)).toEqual([
    'h1 has 4 instances, and h2 has 0',
    'h1 has 3 instances, and h2 has 1',
  ]);
  accept(world, moves).settle();
  expect(['a', 'b', 'c', 'd'].map((name) => world.counts(name)[1]!).reduce((sum, one) => sum + one)).toBe(2);
});

test('what breaks a rule by now goes first', () => {
  const world = settled(2, { web: 2, api: 1 });
  const document = { replicas: 2, deploy: { constraints: ['node.labels.zone == a'] } };
  world.addHost('h3', { zone: 'a' });
  world.put('web', document).settle();
  const [host] = world.ids('web').map((placed) => placed.split('/')[0]!);
  const { record } = world.hosts.get(host!)!;
  world.set(host!, { record: { ...record!, labels: { zone: 'b' } } });
  world.settle();
  expect(offer(world)[0]).toMatchObject({
    service: 'web',
    from: host,
    reason: `${host} does not satisfy node.labels.zone == a`,
  });
});

test('zones that came are spread over', () => {
  const world = new World().addHost('h1', { zone: 'a' }).addHost('h2', { zone: 'a' });
  world.put('web', { replicas: 4, deploy: { spread: ['zone'] } }).settle();
  world.addHost('h3', { zone: 'b' });
  const moves = offer(world);
  expect(moves[0]!.reason).toBe('4 of web are on node.labels.zone == a, and 0 on node.labels.zone == b');
  accept(world, moves).settle();
  expect(world.counts('web')[2]).toBe(2);
});

const data: Mount = {
  ...{ type: 'volume', source: 'pg', target: '/v', readOnly: false, tmpfsSizeBytes: 0, tmpfsMode: 0, noCopy: false },
  ...{ createHostPath: false, propagation: '', nonRecursive: false, volumeDriver: '', volumeDriverOptions: {} },
  ...{ volumeLabels: {}, volumeSubpath: '', volumeExternal: false },
};

test.each<[string, (world: World) => void]>([
  ['paused', (world) => world.pause(['service', 'web'])],
  ['bound to its data', (world) => world.put('web', { replicas: 4, container: { mounts: [data] } }).settle()],
  ['of every host', (world) => world.put('web', { mode: 'global' }).settle()],
  ['on a paused host', (world) => world.pause(['host', 'h1'], ['host', 'h2'])],
  ['deleted', (world) => world.services.delete('web')],
  ['on its way to another release', (world) => void (world.put('web', { replicas: 4, image: 'a:2' }), world.plan())],
])('what is %s is not moved', (_, make) => {
  const world = settled(2, { web: 4 });
  make(world);
  world.addHost('h3');
  expect(offer(world)).toEqual([]);
});

test('while the cluster is frozen, or filled host by host, nothing is offered', () => {
  const world = settled(2, { web: 4 }).addHost('h3');
  const intent = emptyDocument('ClusterIntent');
  world.clusterIntent = { document: { ...intent, freeze: { reason: '', by: '', atMs: 0 } }, modRevision: 1 };
  expect(offer(world)).toEqual([]);
  world.clusterIntent = { document: { ...intent, placement: 'binpack' }, modRevision: 1 };
  expect(offer(world)).toEqual([]);
});

test('whatever hosts come, moves that are accepted leave nothing to move, and moves of the past count for nothing', () => {
  const replicas = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 }), replicas, fc.integer({ min: 1, max: 3 }), (hosts, counts, more) => {
      const world = settled(hosts, Object.fromEntries(counts.map((count, at) => [`s${at}`, count])));
      for (let at = 1; at <= more; at++) world.addHost(`n${at}`);
      for (let round = 0; round < 5 && offer(world).length > 0; round++) accept(world, offer(world)).settle();
      expect(offer(world)).toEqual([]);
      expect(world.plan()).toBe(0);
      counts.forEach((count, at) => expect(world.ids(`s${at}`)).toHaveLength(count));
    }),
    { numRuns: 50 },
  );
});
