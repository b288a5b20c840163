/** A container that asks without end, of what this host really knows: the others of it are answered all the same. */
import { dnsQuery, readDnsAnswer } from '../../test/support/dns-client';
import { DiscoveryWorld } from '../../test/support/discovery-world';
import { Responder } from './responder';
import { Zone } from './zone';

const FLOOD = 2000;

test('etcd is slow, and one asks for names without end: another is answered, and waits for etcd as ever', async () => {
  const world = new DiscoveryWorld();
  const { discovery } = world;
  const responder = new Responder({
    zone: new Zone({ discovery, domain: 'berth', host: 'h1', preferredZone: undefined, ttlSeconds: 1 }),
    forward: () => Promise.resolve(undefined),
    random: Math.random,
    onQuery: () => undefined,
    onMistake: (error) => {
      throw error;
    },
  });
  const ask = (service: string, asker: string): ReturnType<Responder['respond']> =>
    responder.respond(dnsQuery(`${service}.service.berth`, 'A'), 'udp', asker);
  await world.hostUp(1, 'web-1-a');
  world.store.faults.freeze();
  const flood = Array.from({ length: FLOOD }, (_, at) => ask(`n${at}`, '172.17.0.2'));
  const refused = flood.filter((answer) => !(answer instanceof Promise));
  expect(new Set(refused.map((answer) => readDnsAnswer(answer as Buffer).rcode))).toEqual(new Set(['SERVFAIL']));
  const other = ask('web', '172.17.0.3');
  expect(other).toBeInstanceOf(Promise);
  world.store.faults.reconnect();
  await world.clock.advance(5000);
  for (const answer of flood) await answer;
  expect(readDnsAnswer((await ask('web', '172.17.0.3'))!).answers).toEqual(['A 10.0.0.1']);
  await other;
  discovery.close();
});
