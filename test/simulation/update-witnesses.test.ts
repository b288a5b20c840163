/** That the witnesses of G5 and G7 see what a coordinator might do wrong. */
import { emptyDocument, encodeDocument } from '../../lib/documents/codec';
import { keysUnder } from '../../lib/documents/keys';
import type { ServiceStatus, UpdateConfig } from '../../lib/documents/types';
import { createMemoryStore } from '../../lib/etcd/memory-store';
import type { Store, Write } from '../../lib/etcd/store';
import { createFakeClock } from '../support/fake-clock';
import { RolloutWorld, wanted } from '../support/rollout-world';
import { floorWitness } from './floor-witness';
import { refusalWitness } from './refusal-witness';

const keys = keysUnder('/x');

/** @returns what the witness says of one transaction */
async function saidOf(
  world: RolloutWorld,
  witness: typeof floorWitness | typeof refusalWitness,
  writes: readonly Write[],
): Promise<readonly string[]> {
  const breaches: string[] = [];
  const etcd: Store = createMemoryStore(createFakeClock()).connect();
  const store = witness(
    etcd,
    keys,
    () => world.view,
    (what) => breaches.push(what),
  );
  expect((await store.txn({ compares: [], writes })).succeeded).toBe(true);
  return breaches;
}

const emptied = (host: string): Write => {
  const assignment = { ...emptyDocument('Assignment'), revision: 9 };
  return { op: 'put', key: keys.assignment(host), value: encodeDocument('Assignment', assignment) };
};

test.each<[string, Partial<UpdateConfig>, number, readonly RegExp[]]>([
  ['none, start-first', {}, 0, []],
  ['one, start-first', {}, 1, [/^G7: web: 3 slots were ready, 2 are left, and no fewer than 3 may be$/]],
  ['one, stop-first', { order: 'stop-first' }, 1, []],
  ['two, stop-first', { order: 'stop-first' }, 2, [/3 slots were ready, 1 are left, and no fewer than 2/]],
  ['two, stop-first, two at once', { order: 'stop-first', parallelism: 2 }, 2, []],
])('an assignment that takes away %s', async (_, update, gone, said) => {
  const world = new RolloutWorld().put('web', wanted('good:1', update)).run(10_000);
  const writes = world
    .placements('web')
    .slice(0, gone)
    .map(({ host }) => emptied(host));
  const other: Write = { op: 'put', key: keys.clusterStatus, value: '{}' };
  expect(await saidOf(world, floorWitness, [...writes, other])).toEqual(
    said.map((text) => expect.stringMatching(text)),
  );
});

test.each<[string, number, number, readonly RegExp[]]>([
  ['one of three that are beyond the count', 2, 1, []],
  [
    'two of three, where two are wanted',
    2,
    2,
    [/^G7: web: 2 slots were ready, 1 are left, and no fewer than 2 may be$/],
  ],
  ['one of three that are all wanted', 3, 1, [/^G7: web: 3 slots were ready, 2 are left, and no fewer than 3 may be$/]],
])('from one on every host to a count, an assignment that takes away %s', async (_, replicas, gone, said) => {
  const world = new RolloutWorld().put('web', wanted('good:1', {}, { mode: 'global' })).run(10_000);
  world.put('web', wanted('good:2', {}, { replicas })).plan();
  expect(world.status()).toMatchObject({ targetRelease: 2, currentRelease: 1 });
  const writes = ['h1', 'h2', 'h3'].slice(0, gone).map(emptied);
  expect(await saidOf(world, floorWitness, writes)).toEqual(said.map((text) => expect.stringMatching(text)));
});

test.each<[string, Partial<UpdateConfig>, boolean, readonly RegExp[]]>([
  ['start-first', {}, false, [/^G7: web: 3 slots were ready, 2 are left, and no fewer than 3 may be$/]],
  ['stop-first', { order: 'stop-first' }, false, []],
  ['start-first, from a drained host', {}, true, []],
])('of a service of every host, an assignment that takes away one, %s', async (_, update, isDrained, said) => {
  const world = new RolloutWorld().put('web', wanted('good:1', update, { mode: 'global' })).run(10_000);
  world.drain('h1', isDrained);
  expect(await saidOf(world, floorWitness, [emptied('h1')])).toEqual(said.map((text) => expect.stringMatching(text)));
});

test.each<[string, 'start-first' | 'stop-first', string, readonly RegExp[]]>([
  ['two at once', 'stop-first', 'start-first', []],
  ['none', 'start-first', 'stop-first', [/^G7: web: 3 slots were ready, 2 are left, and no fewer than 3 may be$/]],
])('on the way back one is taken away, and by what failed %s may be missing', async (_, order, other, said) => {
  const back = (by: string) => ({ rollbackConfig: { ...wanted('').deploy!.updateConfig!, order: by, parallelism: 2 } });
  const world = new RolloutWorld().put('web', wanted('good:1', {}, { deploy: back(other) })).run(10_000);
  world.put('web', wanted('bad:2', { order: 'stop-first' }, { deploy: back(order) }));
  while (world.move()?.isRollback !== true) {
    world.plan();
    world.act();
  }
  expect([world.status().targetRelease, world.move()!.phase]).toEqual([1, 'moving']);
  expect(await saidOf(world, floorWitness, [emptied('h3')])).toEqual(said.map((text) => expect.stringMatching(text)));
});

const GOOD = 'image: web:2\n';
const REFUSED = 'imagee: web:2\n';
const PROBLEMS = [{ rule: 'unknown-key', path: 'imagee', line: 1, column: 1, message: 'unknown key', key: '' }];

test.each<[string, string, Partial<ServiceStatus> | 'release', readonly RegExp[]]>([
  ['a release of a good document', GOOD, 'release', []],
  [
    'a release of a refused one',
    REFUSED,
    'release',
    [/^G5: \/x\/releases\/web\/2 is cut from a document that is refused$/],
  ],
  ['another target by a good one', GOOD, { accepted: true, targetRelease: 2 }, []],
  ['the same target by a refused one', REFUSED, { targetRelease: 1 }, []],
  ['another target by a refused one', REFUSED, { targetRelease: 2 }, [/^G5: web goes from release 1 to 2/]],
  [
    'a refusal without a reason',
    REFUSED,
    { targetRelease: 1, problems: [] },
    [/^G5: web is refused without a reason$/],
  ],
])('%s', async (_, text, what, said) => {
  const world = new RolloutWorld().put('web', wanted('good:1')).run(10_000);
  world.services.set('web', { text, modRevision: 9 });
  const write: Write =
    what === 'release'
      ? { op: 'put', key: keys.release('web', 2), value: '{}' }
      : {
          op: 'put',
          key: keys.serviceStatus('web'),
          value: encodeDocument('ServiceStatus', { ...emptyDocument('ServiceStatus'), problems: PROBLEMS, ...what }),
        };
  expect(await saidOf(world, refusalWitness, [write])).toEqual(said.map((each) => expect.stringMatching(each)));
});

test.each<[string, number, readonly RegExp[]]>([
  ['to the newest, since an older one is not wanted any more', 3, []],
  ['to any other', 2, [/^G5: web goes from release 1 to 2/]],
])('from an older release %s, though the document is refused', async (_, targetRelease, said) => {
  const world = new RolloutWorld().put('web', wanted('good:1')).run(10_000);
  for (const image of ['good:2', 'good:3']) world.put('web', wanted(image)).run(60_000);
  world.services.set('web', { text: REFUSED, modRevision: 9 });
  const known = world.serviceStatuses.get('web')!;
  world.serviceStatuses.set('web', { ...known, document: { ...known.document!, targetRelease: 1 } });
  const value = encodeDocument('ServiceStatus', {
    ...emptyDocument('ServiceStatus'),
    problems: PROBLEMS,
    targetRelease,
  });
  const write: Write = { op: 'put', key: keys.serviceStatus('web'), value };
  expect(await saidOf(world, refusalWitness, [write])).toEqual(said.map((each) => expect.stringMatching(each)));
});
