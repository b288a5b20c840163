/** The brake on mass expiry, and what counts while etcd is not heard. */
import { DiscoveryWorld, keys, TTL_MS } from '../../test/support/discovery-world';
import { gate } from '../../test/support/wait';

let world: DiscoveryWorld;
beforeEach(() => void (world = new DiscoveryWorld()));
afterEach(() => world.discovery.close());

test.each<[string, number, readonly number[], readonly string[]]>([
  ['one of three hosts: its lease was to say so', 1, [], ['web-2-b', 'web-3-c']],
  ['two of three hosts that still accept connections: answered on', 2, [], ['web-1-a?', 'web-2-b?', 'web-3-c']],
  ['two of three, one of which refuses', 2, [1], ['web-2-b?', 'web-3-c']],
  ['all three', 3, [2], ['web-1-a?', 'web-3-c?']],
  ['all three, and nobody accepts a connection', 3, [1, 2, 3], []],
])('the lease ends of %s', async (_, count, refuse, answer) => {
  await world.put(keys.service('web'));
  for (const [host, name] of [
    [1, 'web-1-a'],
    [2, 'web-2-b'],
    [3, 'web-3-c'],
  ] as const)
    await world.hostUp(host, name);
  await world.asked();
  for (const host of refuse) world.refusing.add(`10.0.0.${host}`);
  await world.expire(...[1, 2, 3].slice(0, count));
  expect(await world.asked()).toEqual(answer);
});

describe('when most have vanished with their leases', () => {
  beforeEach(async () => {
    await world.put(keys.service('web'));
    await world.hostUp(1, 'web-1-a');
    await world.hostUp(2, 'web-2-b');
    await world.asked();
    await world.expire(1, 2);
    expect(await world.asked()).toEqual(['web-1-a?', 'web-2-b?']);
  });

  test('one that refuses later goes for good, though it accepts again', async () => {
    world.refusing.add('10.0.0.1');
    await world.clock.advance(1500);
    world.refusing.clear();
    await world.clock.advance(1500);
    expect(await world.asked()).toEqual(['web-2-b?']);
  });

  test('those that are back are answered as ever', async () => {
    await world.hostUp(1, 'web-1-a');
    expect(await world.asked()).toEqual(['web-1-a', 'web-2-b?']);
  });

  test('with as many others as there were, none that is stale is needed', async () => {
    await world.hostUp(3, 'web-1-x', 'web-2-y');
    expect(await world.asked()).toEqual(['web-1-x', 'web-2-y']);
  });

  test('one whose agent is back and does not publish it goes, though it accepts', async () => {
    await world.hostUp(1);
    await world.clock.advance(8000);
    expect(await world.asked()).toEqual(['web-1-a?', 'web-2-b?']);
    await world.clock.advance(5000);
    expect(await world.asked()).toEqual(['web-2-b?']);
  });

  test('one whose agent was back for a moment alone is not taken for one that its agent does not publish', async () => {
    await world.hostUp(1);
    await world.clock.advance(3000);
    await world.expire(1);
    await world.clock.advance(15_000);
    expect(await world.asked()).toEqual(['web-1-a?', 'web-2-b?']);
  });

  test('it ends after an hour, whatever accepts connections', async () => {
    for (let minute = 0; minute < 61; minute++) {
      await world.clock.advance(60_000);
      await world.asked();
    }
    expect(await world.asked()).toEqual([]);
  });
});

test('what agents took back themselves is gone at once, however much it is', async () => {
  await world.put(keys.service('web'));
  await world.hostUp(1, 'web-1-a', 'web-2-b');
  await world.asked();
  await world.drop(keys.endpoint('web', 'web-1-a'));
  await world.drop(keys.endpoint('web', 'web-2-b'));
  await world.clock.advance(0);
  expect(await world.asked()).toEqual([]);
});

test('while etcd is not heard for longer than leases last, what refuses connections is left out, unless all do', async () => {
  await world.hostUp(1, 'web-1-a');
  await world.hostUp(2, 'web-2-b');
  await world.asked();
  world.link.faults.disconnect();
  world.refusing.add('10.0.0.1');
  await world.clock.advance(TTL_MS - 1000);
  expect(await world.asked()).toEqual(['web-1-a', 'web-2-b']);
  await world.clock.advance(3000);
  expect(await world.asked()).toEqual(['web-2-b?']);
  world.refusing.add('10.0.0.2');
  await world.clock.advance(1500);
  expect(await world.asked()).toEqual(['web-1-a?', 'web-2-b?']);
  world.refusing.delete('10.0.0.1');
  await world.clock.advance(1500);
  expect(await world.asked()).toEqual(['web-1-a?']);
  world.link.faults.reconnect();
  await world.clock.advance(6000);
  expect(await world.asked()).toEqual(['web-1-a', 'web-2-b']);
});

test('for who is told of changes, what refuses connections stays left out, though nobody asks', async () => {
  await world.hostUp(1, 'web-1-a');
  await world.hostUp(2, 'web-2-b');
  world.discovery.subscribe('web', () => undefined);
  await world.asked();
  world.refusing.add('10.0.0.1');
  world.link.faults.disconnect();
  await world.clock.advance(TTL_MS + 2000);
  expect(await world.asked()).toEqual(['web-2-b?']);
  let changes = 0;
  world.discovery.subscribe('web', () => changes++);
  await world.clock.advance(3 * 60_000);
  expect([changes, await world.asked()]).toEqual([0, ['web-2-b?']]);
});

test('while it is found out for too long what accepts connections, a service is not called empty', async () => {
  await world.put(keys.service('web'));
  await world.hostUp(1, 'web-1-a');
  await world.asked();
  world.connectionsWait = gate().wait;
  await world.expire(1);
  expect(await world.asked()).toBe('unknown');
});

test('after an etcd that was emptied while it was not heard, what accepts connections is answered on', async () => {
  await world.hostUp(1, 'web-1-a');
  await world.hostUp(2, 'web-2-b');
  await world.asked();
  world.refusing.add('10.0.0.2');
  world.store.faults.wipe();
  await world.clock.advance(6000);
  expect(await world.asked()).toEqual(['web-1-a?']);
});
