/** Discovery over a store that can fail, on a clock that stands still: what is answered, when, and at what cost. */
import { encodeDocument, emptyDocument } from '../../lib/documents/codec';
import { keysUnder } from '../../lib/documents/keys';
import type { Endpoint } from '../../lib/documents/types';
import { createMemoryStore, type MemoryStore } from '../../lib/etcd/memory-store';
import type { KeyRange } from '../../lib/etcd/store';
import { silentLogger } from '../../lib/log';
import { createFakeClock, type FakeClock } from '../../test/support/fake-clock';
import { delegateStore } from '../../test/support/store-delegate';
import { ASK_MS, UnknownYet, type KnownService } from './discovery';
import { FollowedDiscovery } from './followed-discovery';

const TTL_MS = 5000;
const keys = keysUnder('/berth');

let clock: FakeClock;
/** Of everybody else. */
let store: MemoryStore;
/** Of the discovery alone. */
let link: MemoryStore;
/** Ranges that were watched and not closed. */
let watched: KeyRange[];
let discovery: FollowedDiscovery;
/** Addresses, "10.0.0.1", that accept no connection. */
const refusing = new Set<string>();
const leases = new Map<string, string>();

beforeEach(() => {
  clock = createFakeClock();
  store = createMemoryStore(clock);
  watched = [];
  refusing.clear();
  leases.clear();
  discovery = open();
});
afterEach(() => discovery.close());

function open(): FollowedDiscovery {
  link = store.connect();
  const followed = delegateStore(link);
  followed.watch = (range, ...rest) => {
    watched.push(range);
    const watch = link.watch(range, ...rest);
    return {
      close: () => {
        watched = watched.filter((one) => one !== range);
        watch.close();
      },
    };
  };
  return new FollowedDiscovery({
    ...{ store: followed, keys, clock, log: silentLogger, random: () => 0.5, leaseTtlMs: TTL_MS },
    host: { name: 'h9', address: '10.0.0.9' },
    accepts: ({ host }) => Promise.resolve(!refusing.has(host)),
  });
}

/** A host's agent: its alive key and these instances of web, on one lease. */
async function hostUp(number: number, ...instances: readonly string[]): Promise<void> {
  const { id: lease } = await store.grantLease(60_000);
  leases.set(`h${number}`, lease);
  await store.txn({
    compares: [],
    writes: [
      { op: 'put', key: keys.hostAlive(`h${number}`), value: '{}', lease },
      ...instances.map((one) => ({
        op: 'put' as const,
        key: keys.endpoint('web', one),
        value: endpoint(number),
        lease,
      })),
    ],
  });
  await clock.advance(0);
}

const endpoint = (host: number, rest: Partial<Endpoint> = {}): string =>
  encodeDocument('Endpoint', {
    ...{ ...emptyDocument('Endpoint'), host: `10.0.0.${host}`, hostName: `h${host}`, port: 8080 },
    ...{ ports: { http: 8080 }, ...rest },
  });

async function expire(...hosts: readonly number[]): Promise<void> {
  for (const host of hosts) store.faults.expireLease(leases.get(`h${host}`)!);
  await clock.advance(0);
}

const put = (key: string, value = '{}'): Promise<unknown> =>
  store.txn({ compares: [], writes: [{ op: 'put', key, value }] });
const drop = (key: string): Promise<unknown> => store.txn({ compares: [], writes: [{ op: 'delete', key }] });

/** @returns instances that are answered, stale ones with a "?" */
async function asked(name = 'web'): Promise<readonly string[] | 'absent' | 'unknown'> {
  let answer: KnownService | 'unknown' | undefined;
  void Promise.resolve()
    .then(() => discovery.service(name))
    .then(
      (known) => (answer = known),
      (error: unknown) => {
        if (!(error instanceof UnknownYet)) throw error;
        answer = 'unknown';
      },
    );
  for (let waitedMs = 0; answer === undefined && waitedMs <= ASK_MS; waitedMs += 100)
    await clock.advance(waitedMs && 100);
  if (answer === undefined || answer === 'unknown') return 'unknown';
  return answer.exists
    ? answer.endpoints.map(({ instance, isStale }) => (isStale ? `${instance}?` : instance))
    : 'absent';
}

test('what is asked for is followed from then on, and answered from memory, by the same object while nothing changes', async () => {
  await hostUp(1, 'web-1-a');
  expect(await asked()).toEqual(['web-1-a']);
  expect(watched).toEqual([{ prefix: '/berth/endpoints/web/' }]);
  const known = discovery.service('web');
  expect(known).not.toBeInstanceOf(Promise);
  expect(discovery.service('web')).toBe(known);
  await hostUp(2, 'web-2-b');
  expect(discovery.service('web')).not.toBe(known);
  expect(await asked()).toEqual(['web-1-a', 'web-2-b']);
  expect(discovery.hostAt('10.0.0.2')).toBe('h2');
});

test('a service whose instances are all unhealthy exists; a name that nobody has does not, and is not watched', async () => {
  await put(keys.service('web'));
  expect(await asked()).toEqual([]);
  expect(await asked('nobody')).toBe('absent');
  expect(watched).toEqual([{ prefix: '/berth/endpoints/web/' }]);
  // It comes to be: within a second of being asked again.
  await put(keys.endpoint('nobody', 'nobody-1-a'), endpoint(1));
  await clock.advance(1000);
  expect(await asked('nobody')).toBe('absent');
  expect(await asked('nobody')).toEqual(['nobody-1-a']);
  expect(await asked('No_Label')).toBe('absent');
});

test('what nobody asks for any more is forgotten, and its watch ends; what is subscribed to stays', async () => {
  await hostUp(1, 'web-1-a');
  await put(keys.endpoint('api', 'api-1-a'), endpoint(1));
  let woken = 0;
  const unsubscribe = discovery.subscribe('api', () => woken++);
  await asked();
  await asked('nobody');
  await clock.advance(11 * 60_000);
  expect([...discovery.followed].map(({ name }) => name)).toEqual(['api']);
  expect(watched).toEqual([{ prefix: '/berth/endpoints/api/' }]);
  const before = woken;
  await drop(keys.endpoint('api', 'api-1-a'));
  await clock.advance(0);
  expect(woken).toBeGreaterThan(before);
  unsubscribe();
  await clock.advance(11 * 60_000);
  expect(watched).toEqual([]);
});

test('beyond a hundred services one watch of them all takes the place of theirs, and nothing is missed on the way', async () => {
  await hostUp(1);
  const names = [...Array(150).keys()].map((number) => `s${number}`);
  for (const name of names) await put(keys.endpoint(name, `${name}-1-a`), endpoint(1));
  for (const name of names) expect(await asked(name)).toEqual([`${name}-1-a`]);
  expect(watched).toEqual([{ prefix: '/berth/endpoints/' }]);
  await put(keys.endpoint('s0', 's0-2-b'), endpoint(2));
  await drop(keys.endpoint('s149', 's149-1-a'));
  await put(keys.service('s149'));
  await clock.advance(0);
  expect(await asked('s0')).toEqual(['s0-1-a', 's0-2-b']);
  expect(await asked('s149')).toEqual([]);
  await clock.advance(12 * 60_000);
  expect(watched).toEqual([]);
});

test('names at random cost no watch, and no more than a thousand or two of them are remembered', async () => {
  for (let number = 0; number < 5000; number++) {
    void Promise.resolve(discovery.service(`x${number}`)).catch(() => undefined);
    if (number % 100 === 99) await clock.advance(1);
  }
  expect(watched).toEqual([]);
  expect([...discovery.followed].length).toBeLessThan(2500);
});

test('etcd away changes no answer; what was not known is unknown, not absent', async () => {
  await hostUp(1, 'web-1-a');
  await asked();
  link.faults.disconnect();
  await clock.advance(1000);
  expect(await asked()).toEqual(['web-1-a']);
  expect(await asked('api')).toBe('unknown');
  link.faults.reconnect();
  await clock.advance(5000);
  expect(await asked('api')).toBe('absent');
});

test.each<[string, number, readonly number[], readonly string[]]>([
  ['one of three hosts: its lease was to say so', 1, [], ['web-2-b', 'web-3-c']],
  ['two of three hosts that still accept connections: answered on', 2, [], ['web-1-a?', 'web-2-b?', 'web-3-c']],
  ['two of three, one of which refuses', 2, [1], ['web-2-b?', 'web-3-c']],
  ['all three', 3, [2], ['web-1-a?', 'web-3-c?']],
  ['all three, and nobody accepts a connection', 3, [1, 2, 3], []],
])('the lease ends of %s', async (_, count, refuse, answer) => {
  await put(keys.service('web'));
  for (const [host, name] of [
    [1, 'web-1-a'],
    [2, 'web-2-b'],
    [3, 'web-3-c'],
  ] as const)
    await hostUp(host, name);
  await asked();
  for (const host of refuse) refusing.add(`10.0.0.${host}`);
  await expire(...[1, 2, 3].slice(0, count));
  expect(await asked()).toEqual(answer);
});

describe('when most have vanished with their leases', () => {
  beforeEach(async () => {
    await put(keys.service('web'));
    await hostUp(1, 'web-1-a');
    await hostUp(2, 'web-2-b');
    await asked();
    await expire(1, 2);
    expect(await asked()).toEqual(['web-1-a?', 'web-2-b?']);
  });

  test('one that refuses later goes for good, though it accepts again', async () => {
    refusing.add('10.0.0.1');
    await clock.advance(1500);
    refusing.clear();
    await clock.advance(1500);
    expect(await asked()).toEqual(['web-2-b?']);
  });

  test('those that are back are answered as ever', async () => {
    await hostUp(1, 'web-1-a');
    expect(await asked()).toEqual(['web-1-a', 'web-2-b?']);
  });

  test('with as many others as there were, none that is stale is needed', async () => {
    await hostUp(3, 'web-1-x', 'web-2-y');
    expect(await asked()).toEqual(['web-1-x', 'web-2-y']);
  });

  test('it ends after an hour, whatever accepts connections', async () => {
    for (let minute = 0; minute < 61; minute++) {
      await clock.advance(60_000);
      await asked();
    }
    expect(await asked()).toEqual([]);
  });
});

test('what agents took back themselves is gone at once, however much it is', async () => {
  await put(keys.service('web'));
  await hostUp(1, 'web-1-a', 'web-2-b');
  await asked();
  await drop(keys.endpoint('web', 'web-1-a'));
  await drop(keys.endpoint('web', 'web-2-b'));
  await clock.advance(0);
  expect(await asked()).toEqual([]);
});

test('while etcd is not heard for longer than leases last, what refuses connections is left out, unless all do', async () => {
  await hostUp(1, 'web-1-a');
  await hostUp(2, 'web-2-b');
  await asked();
  link.faults.disconnect();
  refusing.add('10.0.0.1');
  await clock.advance(TTL_MS - 1000);
  expect(await asked()).toEqual(['web-1-a', 'web-2-b']);
  await clock.advance(3000);
  expect(await asked()).toEqual(['web-2-b?']);
  refusing.add('10.0.0.2');
  await clock.advance(1500);
  expect(await asked()).toEqual(['web-1-a?', 'web-2-b?']);
  refusing.delete('10.0.0.1');
  await clock.advance(1500);
  expect(await asked()).toEqual(['web-1-a?']);
  link.faults.reconnect();
  await clock.advance(6000);
  expect(await asked()).toEqual(['web-1-a', 'web-2-b']);
});

test('after an etcd that was emptied while it was not heard, what accepts connections is answered on', async () => {
  await hostUp(1, 'web-1-a');
  await hostUp(2, 'web-2-b');
  await asked();
  refusing.add('10.0.0.2');
  store.faults.wipe();
  await clock.advance(6000);
  expect(await asked()).toEqual(['web-1-a?']);
});

test('garbage takes nothing away: the last good endpoint stays, and is told of', async () => {
  await hostUp(1, 'web-1-a');
  await asked();
  await put(keys.endpoint('web', 'web-1-a'), '{ "host"');
  await put(keys.endpoint('web', 'web-2-b'), '{ "hots": "10.0.0.2" }');
  await clock.advance(0);
  expect(await asked()).toEqual(['web-1-a']);
  const [service] = discovery.followed;
  expect([...service!.unreadable.keys()]).toEqual(['web-1-a', 'web-2-b']);
});

test('hosts are known by name: this one always, others as their records say', async () => {
  await put(
    keys.hostRecord('h1'),
    encodeDocument('HostRecord', { ...emptyDocument('HostRecord'), address: '10.0.0.1' }),
  );
  expect(discovery.hostAddress('h9')).toBe('10.0.0.9');
  expect(await discovery.hostAddress('h1')).toBe('10.0.0.1');
  expect(await discovery.hostAddress('h2')).toBeUndefined();
  expect(discovery.hostAt('10.0.0.9')).toBe('h9');
});
