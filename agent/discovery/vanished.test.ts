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

test('what this agent knows from its disk alone, and an agent that lives does not publish, is gone', async () => {
  await world.hostUp(1);
  const known = { ...emptyDocument('Endpoint'), isStale: false, instance: 'web-1-a', host: '10.0.0.1', hostName: 'h1' };
  world.discovery.restore(new Map([['web', [known]]]));
  await world.clock.advance(1000);
  expect(await world.asked()).toEqual([]);
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
