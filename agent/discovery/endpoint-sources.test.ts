/** What changes while a list is on its way. */
import { DiscoveryWorld, endpoint, keys } from '../../test/support/discovery-world';
import { gate } from '../../test/support/wait';

let world: DiscoveryWorld;
/** The hundred that are watched each for itself. */
const names = [...Array(100).keys()].map((number) => `s${number}`);
beforeEach(async () => {
  world = new DiscoveryWorld();
  await world.hostUp(1);
  for (const name of [...names, 'late']) await world.put(keys.endpoint(name, `${name}-1-a`), endpoint(1));
  for (const name of [...names, 'late']) await world.put(keys.service(name));
  for (const name of names) world.discovery.subscribe(name, () => undefined);
  await world.clock.advance(0);
});
afterEach(() => world.discovery.close());

/** Answers of etcd that are begun meanwhile arrive after it. */
async function meanwhile(act: () => Promise<void>): Promise<void> {
  const { wait, open } = gate();
  world.answersWait = wait;
  world.discovery.subscribe('late', () => undefined);
  await world.clock.advance(0);
  await act();
  open();
  await world.clock.advance(0);
}

test('the first list of the one watch of all: no event after it is missed', async () => {
  await meanwhile(async () => {
    expect(world.watched).toEqual([]);
    await world.put(keys.endpoint('s0', 's0-2-b'), endpoint(2));
    await world.drop(keys.endpoint('s1', 's1-1-a'));
    await world.put(keys.endpoint('late', 'late-2-b'), endpoint(2));
    expect(await world.asked('s0')).toEqual(['s0-1-a']);
  });
  expect(world.watched).toEqual([{ prefix: keys.endpoints }]);
  expect(await world.asked('s0')).toEqual(['s0-1-a', 's0-2-b']);
  expect(await world.asked('s1')).toEqual([]);
  expect(await world.asked('late')).toEqual(['late-1-a', 'late-2-b']);
});

test('the list of a service that joins the watch of all: an event that overtakes it is not missed, nor taken for all there is', async () => {
  world.discovery.subscribe('s100', () => undefined);
  await world.clock.advance(0);
  expect(world.watched).toEqual([{ prefix: keys.endpoints }]);
  await meanwhile(async () => {
    await world.put(keys.endpoint('late', 'late-2-b'), endpoint(2));
    await world.drop(keys.endpoint('late', 'late-1-a'));
    await world.put(keys.endpoint('late', 'late-3-c'), endpoint(3));
    expect(world.discovery.service('late')).toBeInstanceOf(Promise);
  });
  expect(await world.asked('late')).toEqual(['late-2-b', 'late-3-c']);
});

test('a service that joins while etcd has been put back, and nobody knows it yet: it is asked for now and then', async () => {
  const restore = world.store.faults.backUp();
  world.discovery.subscribe('s100', () => undefined);
  await world.put(keys.endpoint('late', 'late-2-b'), endpoint(2));
  await world.clock.advance(0);
  restore();
  let reads = 0;
  const range = world.link.range.bind(world.link);
  world.link.range = (what) => {
    if (++reads > 100) return new Promise(() => undefined);
    return range(what);
  };
  world.discovery.subscribe('late', () => undefined);
  await world.clock.advance(5000);
  expect(reads).toBeLessThan(20);
  expect(await world.asked('late')).toEqual(['late-1-a']);
});
