import { dnsQuery, readDnsAnswer } from '../../test/support/dns-client';
import { createFakeDiscovery, fakeEndpoint } from '../../test/support/fake-discovery';
import { Responder } from './responder';
import { Zone } from './zone';

const COUNT = 60;
const discovery = createFakeDiscovery();
discovery.set(
  'web',
  Array.from({ length: COUNT }, (_, at) => fakeEndpoint(`web-${at + 1}-aaaa`)),
);
const responder = new Responder({
  zone: new Zone({ discovery, domain: 'berth', host: 'h1', preferredZone: undefined, ttlSeconds: 1 }),
  forward: () => Promise.resolve(undefined),
  random: Math.random,
  onQuery: () => undefined,
  onMistake: (error) => {
    throw error;
  },
});

const ASKER = '172.17.0.2';

test.each([
  ['without EDNS', {}],
  ['with EDNS', { payloadBytes: 1232 }],
])('an answer without room for all says so %s, so that who needs them asks again over TCP', async (_, query) => {
  const packet = dnsQuery('web.service.berth', 'SRV', query);
  const cut = readDnsAnswer((await responder.respond(packet, 'udp', ASKER))!);
  expect([cut.isTruncated, cut.answers.length > 0, cut.answers.length < COUNT]).toEqual([true, true, true]);
  const whole = readDnsAnswer((await responder.respond(packet, 'tcp', ASKER))!);
  expect([whole.isTruncated, whole.answers.length]).toEqual([false, COUNT]);
});
