/** What is answered, when, and at what cost. */
import { encodeDocument, emptyDocument } from '../../lib/documents/codec';
import { DiscoveryWorld, endpoint, keys, TTL_MS } from '../../test/support/discovery-world';

let world: DiscoveryWorld;
beforeEach(() => void (world = new DiscoveryWorld()));
afterEach(() => world.discovery.close());

test('what is asked for is followed from then on, and answered from memory, by the same object while nothing changes', async () => {
  await world.hostUp(1, 'web-1-a');
  expect(await world.asked()).toEqual(['web-1-a']);
  expect(world.watched).toEqual([{ prefix: '/berth/endpoints/web/' }]);
  const known = world.discovery.service('web');
  expect(known).not.toBeInstanceOf(Promise);
  expect(world.discovery.service('web')).toBe(known);
  await world.hostUp(2, 'web-2-b');
  expect(world.discovery.service('web')).not.toBe(known);
  expect(await world.asked()).toEqual(['web-1-a', 'web-2-b']);
  expect(world.discovery.hostAt('10.0.0.2')).toBe('h2');
});

test('a service whose instances are all unhealthy exists; a name that nobody has does not, and is not watched', async () => {
  await world.put(keys.service('web'));
  expect(await world.asked()).toEqual([]);
  expect(await world.asked('nobody')).toBe('absent');
  expect(world.watched).toEqual([{ prefix: '/berth/endpoints/web/' }]);
  // It comes to be: within a second of being asked again.
  await world.put(keys.endpoint('nobody', 'nobody-1-a'), endpoint(1));
  await world.clock.advance(1000);
  expect(await world.asked('nobody')).toBe('absent');
  expect(await world.asked('nobody')).toEqual(['nobody-1-a']);
  expect(await world.asked('No_Label')).toBe('absent');
});

test('what nobody asks for any more is forgotten, and its watch ends; what is subscribed to stays', async () => {
  await world.hostUp(1, 'web-1-a');
  await world.put(keys.endpoint('api', 'api-1-a'), endpoint(1));
  let woken = 0;
  const unsubscribe = world.discovery.subscribe('api', () => woken++);
  await world.asked();
  await world.asked('nobody');
  await world.clock.advance(11 * 60_000);
  expect([...world.discovery.followed].map(({ name }) => name)).toEqual(['api']);
  expect(world.watched).toEqual([{ prefix: '/berth/endpoints/api/' }]);
  const before = woken;
  await world.drop(keys.endpoint('api', 'api-1-a'));
  await world.clock.advance(0);
  expect(woken).toBeGreaterThan(before);
  unsubscribe();
  await world.clock.advance(11 * 60_000);
  expect(world.watched).toEqual([]);
});

test('beyond a hundred services one watch of them all takes the place of theirs, and nothing is missed on the way', async () => {
  await world.hostUp(1);
  await world.put(keys.service('s149'));
  const names = [...Array(150).keys()].map((number) => `s${number}`);
  for (const name of names) await world.put(keys.endpoint(name, `${name}-1-a`), endpoint(1));
  for (const name of names) expect(await world.asked(name)).toEqual([`${name}-1-a`]);
  expect(world.watched).toEqual([{ prefix: '/berth/endpoints/' }]);
  await world.put(keys.endpoint('s0', 's0-2-b'), endpoint(2));
  await world.drop(keys.endpoint('s149', 's149-1-a'));
  await world.clock.advance(0);
  expect(await world.asked('s0')).toEqual(['s0-1-a', 's0-2-b']);
  expect(await world.asked('s149')).toEqual([]);
  await world.clock.advance(12 * 60_000);
  expect(world.watched).toEqual([]);
});

test('with one watch of all, what was forgotten and is asked for again is as it is by then', async () => {
  const names = [...Array(120).keys()].map((number) => `s${number}`);
  for (const name of names) await world.put(keys.endpoint(name, `${name}-1-a`), endpoint(1));
  for (const name of names.slice(1)) world.discovery.subscribe(name, () => undefined);
  expect(await world.asked('s0')).toEqual(['s0-1-a']);
  await world.clock.advance(11 * 60_000);
  expect([...world.discovery.followed].map(({ name }) => name)).not.toContain('s0');
  await world.put(keys.endpoint('s0', 's0-2-b'), endpoint(2));
  expect(await world.asked('s0')).toEqual(['s0-1-a', 's0-2-b']);
  expect(world.watched).toEqual([{ prefix: '/berth/endpoints/' }]);
  await world.put(keys.endpoint('s0', 's0-3-c'), endpoint(3));
  expect(await world.asked('s0')).toEqual(['s0-1-a', 's0-2-b', 's0-3-c']);
  // A full list now and then tells nothing new.
  const known = await world.discovery.service('s1');
  await world.clock.advance(15 * 60_000);
  expect(await world.discovery.service('s1')).toBe(known);
});

test('a watch of all that takes over while etcd was not heard leaves nobody in doubt', async () => {
  const names = [...Array(101).keys()].map((number) => `s${number}`);
  for (const name of names) await world.put(keys.endpoint(name, `${name}-1-a`), endpoint(1));
  for (const name of names.slice(0, 100)) await world.asked(name);
  world.link.faults.disconnect();
  await world.clock.advance(TTL_MS + 2000);
  expect(await world.asked('s0')).toEqual(['s0-1-a?']);
  world.link.faults.reconnect();
  expect(await world.asked('s100')).toEqual(['s100-1-a']);
  expect(world.watched).toEqual([{ prefix: '/berth/endpoints/' }]);
  await world.clock.advance(10_000);
  expect(await world.asked('s0')).toEqual(['s0-1-a']);
});

test('names at random cost no watch, and no more than a thousand or two of them are remembered', async () => {
  for (let number = 0; number < 5000; number++) {
    void Promise.resolve(world.discovery.service(`x${number}`)).catch(() => undefined);
    if (number % 100 === 99) await world.clock.advance(1);
  }
  expect(world.watched).toEqual([]);
  expect([...world.discovery.followed].length).toBeLessThan(2500);
});

test('a name that is asked for again and again while etcd says nothing is one wait, and not forgotten meanwhile', async () => {
  world.link.faults.disconnect();
  const asked = [...Array(1000).keys()].map(() => world.discovery.service('web'));
  expect(new Set(asked).size).toBe(1);
  const ended = Promise.allSettled([asked[0]!]);
  await world.hostUp(1, 'web-1-a');
  world.link.faults.reconnect();
  await world.clock.advance(1000);
  expect(await ended).toMatchObject([{ status: 'fulfilled', value: { endpoints: [{ instance: 'web-1-a' }] } }]);
});

test('an etcd that refuses is asked again by and by, however often a name is asked for', async () => {
  world.link.faults.disconnect();
  let reads = 0;
  const range = world.link.range.bind(world.link);
  world.link.range = (what) => {
    reads++;
    return range(what);
  };
  for (let askedMs = 0; askedMs < 1000; askedMs += 2) {
    void Promise.resolve(world.discovery.service('web')).catch(() => undefined);
    await world.clock.advance(2);
  }
  expect(reads).toBeLessThan(30);
  await world.hostUp(1, 'web-1-a');
  world.link.faults.reconnect();
  await world.clock.advance(300);
  expect(await world.asked()).toEqual(['web-1-a']);
});

test('etcd away changes no answer; what was not known is unknown, not absent', async () => {
  await world.hostUp(1, 'web-1-a');
  await world.asked();
  world.link.faults.disconnect();
  await world.clock.advance(1000);
  expect(await world.asked()).toEqual(['web-1-a']);
  expect(await world.asked('api')).toBe('unknown');
  world.link.faults.reconnect();
  await world.clock.advance(5000);
  expect(await world.asked('api')).toBe('absent');
});

test('garbage takes nothing away: the last good endpoint stays, and is told of', async () => {
  await world.hostUp(1, 'web-1-a');
  await world.asked();
  await world.put(keys.endpoint('web', 'web-1-a'), '{ "host"');
  await world.put(keys.endpoint('web', 'web-2-b'), '{ "hots": "10.0.0.2" }');
  await world.clock.advance(0);
  expect(await world.asked()).toEqual(['web-1-a']);
  const [service] = world.discovery.followed;
  expect([...service!.unreadable.keys()]).toEqual(['web-1-a', 'web-2-b']);
});

test('hosts are known by name: this one always, others as their records say', async () => {
  await world.put(
    keys.hostRecord('h1'),
    encodeDocument('HostRecord', { ...emptyDocument('HostRecord'), address: '10.0.0.1' }),
  );
  expect(world.discovery.hostAddress('h9')).toBe('10.0.0.9');
  expect(await world.discovery.hostAddress('h1')).toBe('10.0.0.1');
  expect(await world.discovery.hostAddress('h2')).toBeUndefined();
  expect(world.discovery.hostAt('10.0.0.9')).toBe('h9');
});

test.each<[string, string]>([
  ['no address', '{}'],
  ['a port above all', '{"host":"10.0.0.1","port":70000}'],
  ['a port below all', '{"host":"10.0.0.1","port":1,"ports":{"http":-1}}'],
  ['a weight that SRV can not say', '{"host":"10.0.0.1","weight":65536}'],
  ['a field that is none', '{"hots":"10.0.0.1"}'],
])('an endpoint with %s is not answered', async (_, text) => {
  await world.put(keys.service('web'));
  await world.put(keys.endpoint('web', 'web-1-a'), text);
  expect(await world.asked()).toEqual([]);
  expect([...[...world.discovery.followed][0]!.unreadable.keys()]).toEqual(['web-1-a']);
});
