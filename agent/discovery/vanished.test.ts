/** Whether an endpoint that vanished was taken back, or etcd took it: what is read later has to tell how it was then. */
import { emptyDocument } from '../../lib/documents/codec';
import { DiscoveryWorld, endpoint, keys } from '../../test/support/discovery-world';
import { gate } from '../../test/support/wait';

let world: DiscoveryWorld;
beforeEach(async () => {
  world = new DiscoveryWorld();
  await world.put(keys.service('web'));
});
afterEach(() => world.discovery.close());

test('its host’s lease has ended, and the agent is back before anybody has looked', async () => {
  await world.hostUp(1, 'web-1-a');
  expect(await world.asked()).toEqual(['web-1-a']);
  const { wait, open } = gate();
  world.requestsWait = wait;
  await world.expire(1);
  // A new lease: it does not know yet how its instances are.
  await world.hostUp(1);
  open();
  expect(await world.asked()).toEqual(['web-1-a?']);
  await world.put(keys.endpoint('web', 'web-1-a'), endpoint(1));
  expect(await world.asked()).toEqual(['web-1-a']);
});

test('its agent took it back, and wrote its own keys anew before anybody has looked', async () => {
  await world.hostUp(1, 'web-1-a');
  await world.asked();
  const { wait, open } = gate();
  world.requestsWait = wait;
  await world.drop(keys.endpoint('web', 'web-1-a'));
  await world.hostUp(1);
  open();
  expect(await world.asked()).toEqual([]);
});

test('its agent took it back, while the watch was broken', async () => {
  await world.asked();
  await world.hostUp(1, 'web-1-a');
  expect(await world.asked()).toEqual(['web-1-a']);
  world.link.faults.disconnect();
  await world.drop(keys.endpoint('web', 'web-1-a'));
  world.link.faults.reconnect();
  await world.clock.advance(1000);
  expect(await world.asked()).toEqual([]);
});

test('its host’s lease has ended and the agent is back, while the watch was broken', async () => {
  await world.hostUp(1, 'web-1-a');
  await world.asked();
  world.link.faults.disconnect();
  await world.expire(1);
  await world.hostUp(1);
  world.link.faults.reconnect();
  await world.clock.advance(1000);
  expect(await world.asked()).toEqual(['web-1-a?']);
});

test('etcd was put back to a time before it was there; its agent brings it back', async () => {
  await world.hostUp(1);
  const restore = world.store.faults.backUp();
  await world.put(keys.endpoint('web', 'web-1-a'), endpoint(1));
  expect(await world.asked()).toEqual(['web-1-a']);
  restore();
  await world.clock.advance(1000);
  expect(await world.asked()).toEqual(['web-1-a?']);
  await world.put(keys.endpoint('web', 'web-1-a'), endpoint(1));
  expect(await world.asked()).toEqual(['web-1-a']);
});

describe('what this agent knows from its disk alone', () => {
  const known = { ...emptyDocument('Endpoint'), isStale: false, instance: 'web-1-a', host: '10.0.0.1', hostName: 'h1' };
  const restored = async (revision: number): Promise<unknown> => {
    world.discovery.restore([{ name: 'web', endpoints: [known], revision }]);
    await world.clock.advance(1000);
    return world.asked();
  };

  test.each([
    ['of a time that the copy does not say', () => Infinity],
    ['since the copy was written', () => world.store.revision],
  ])('is gone, where its host’s agent lives and does not publish it: %s', async (_, revision) => {
    await world.hostUp(1);
    expect(await restored(revision())).toEqual([]);
  });

  test.each([
    ['that was written before', () => world.store.revision - 1],
    ['of an etcd that was put back since', () => world.store.revision + 1000],
  ])(
    'counts until its host’s agent, which has another lease than by the copy, publishes it: one %s',
    async (_, revision) => {
      await world.hostUp(1);
      expect(await restored(revision())).toEqual(['web-1-a?']);
      await world.put(keys.endpoint('web', 'web-1-a'), endpoint(1));
      expect(await world.asked()).toEqual(['web-1-a']);
    },
  );

  test('is gone when its agent has not published it for a while', async () => {
    await world.hostUp(1);
    expect(await restored(0)).toEqual(['web-1-a?']);
    await world.clock.advance(15_000);
    expect(await world.asked()).toEqual([]);
  });
});

test('an alive key that hangs on no lease says nothing of the host', async () => {
  await world.hostUp(1, 'web-1-a');
  await world.asked();
  await world.put(keys.hostAlive('h1'));
  await world.expire(1);
  expect(await world.asked()).toEqual(['web-1-a?']);
});

describe('while it is being found out what accepts connections', () => {
  let open: () => void;
  beforeEach(async () => {
    await world.hostUp(1, 'web-1-a');
    await world.hostUp(2, 'web-2-b');
    await world.asked();
    const connections = gate();
    world.connectionsWait = connections.wait;
    open = connections.open;
    await world.expire(1, 2);
  });

  test('one is back: when its agent takes it back later, it is gone', async () => {
    await world.hostUp(1, 'web-1-a');
    open();
    await world.clock.advance(0);
    expect(await world.asked()).toEqual(['web-1-a', 'web-2-b?']);
    await world.drop(keys.endpoint('web', 'web-1-a'));
    expect(await world.asked()).toEqual(['web-2-b?']);
  });

  test('as many others have come: none that is stale is needed', async () => {
    await world.hostUp(3, 'web-1-x', 'web-2-y');
    open();
    await world.clock.advance(0);
    expect(await world.asked()).toEqual(['web-1-x', 'web-2-y']);
    await world.clock.advance(5000);
    expect(await world.asked()).toEqual(['web-1-x', 'web-2-y']);
  });
});
