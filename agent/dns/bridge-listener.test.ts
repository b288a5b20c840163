import { silentLogger } from '../../lib/log';
import { createFakeClock, type FakeClock } from '../../test/support/fake-clock';
import { EngineError } from '../docker/engine';
import type { ContainerDns } from '../../lib/config/container-dns';
import { BridgeListener } from './bridge-listener';

let clock: FakeClock;
/** "host:port" of those that are listened on. */
let listening: string[];
/** What Docker says, and why nobody can listen. */
let bridge: string | undefined | EngineError;
let refusal: string | undefined;
beforeEach(() => {
  clock = createFakeClock();
  [listening, bridge, refusal] = [[], '172.17.0.1', undefined];
});

function create(setting: ContainerDns = 'auto'): BridgeListener {
  return new BridgeListener({
    ...{ setting, clock, log: silentLogger, random: () => 0.5, onProblem: () => undefined },
    engine: {
      bridgeAddress: () => (bridge instanceof Error ? Promise.reject(bridge) : Promise.resolve(bridge)),
    },
    listen: (address) => {
      if (refusal !== undefined) return Promise.reject(new Error(refusal));
      listening.push(address);
      return Promise.resolve({
        close: () => Promise.resolve(void (listening = listening.filter((one) => one !== address))),
      });
    },
  });
}

test('containers are given the bridge where DNS is answered, and no longer than it is', async () => {
  const listener = create();
  expect(listener.resolvers).toEqual([]);
  await listener.start();
  expect([listening, listener.resolvers]).toEqual([['172.17.0.1:53'], ['172.17.0.1']]);
  bridge = '10.9.0.1';
  await clock.advance(60_000);
  expect([listening, listener.resolvers]).toEqual([['10.9.0.1:53'], ['10.9.0.1']]);
  bridge = undefined;
  await clock.advance(60_000);
  expect([listening, listener.resolvers]).toEqual([[], []]);
  bridge = 'fd00::1';
  await clock.advance(60_000);
  expect(listening).toEqual(['[fd00::1]:53']);
  await listener.close();
  expect(listening).toEqual([]);
});

test('a port that is taken is told, and tried again', async () => {
  const listener = create();
  refusal = 'listen EADDRINUSE: address already in use 172.17.0.1:53';
  await listener.start();
  expect(listener.resolvers).toEqual([]);
  expect(listener.problem).toMatchObject({
    rule: 'container-dns',
    message: `containers are not given this host's DNS: ${refusal}. It will be tried again; where containers are to go without, set container-dns to off`,
  });
  refusal = undefined;
  await clock.advance(2000);
  expect([listener.resolvers, listener.problem]).toEqual([['172.17.0.1'], undefined]);
  await listener.close();
});

test('a Docker that does not answer takes no resolver away', async () => {
  const listener = create();
  await listener.start();
  bridge = new EngineError('unavailable', 'Docker is away');
  await clock.advance(200_000);
  expect([listening, listener.resolvers, listener.problem]).toEqual([['172.17.0.1:53'], ['172.17.0.1'], undefined]);
  await listener.close();
});

test.each<[ContainerDns, readonly string[]]>([
  ['off', []],
  [
    ['10.0.0.53', '10.0.0.54'],
    ['10.0.0.53', '10.0.0.54'],
  ],
])('by the setting %j nothing is listened on', async (setting, resolvers) => {
  const listener = create(setting);
  await listener.start();
  expect([listening, listener.resolvers]).toEqual([[], resolvers]);
  await listener.close();
});
