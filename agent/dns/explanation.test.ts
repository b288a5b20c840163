import { systemClock } from '../../lib/clock';
import { silentLogger } from '../../lib/log';
import { createFakeDiscovery, fakeEndpoint } from '../../test/support/fake-discovery';
import { startNameServer } from '../../test/support/name-server';
import { dnsQuery, readDnsAnswer } from '../../test/support/dns-client';
import { askUdp } from '../../test/support/dns-exchange';
import { AgentDns } from './dns';

const discovery = createFakeDiscovery();
discovery.hosts.set('h1', '10.0.0.1');
discovery.set('web', [
  fakeEndpoint('web-1-aaaa', { labels: { zone: 'a' } }),
  fakeEndpoint('web-2-aaaa', { host: '2001:db8::2', isStale: true }),
  fakeEndpoint('web-3-aaaa', { host: 'name.example.com', ports: {} }),
]);
discovery.set('sick', []);
const options = {
  ...{ discovery, domain: 'berth', host: 'h1', preferredZone: 'a', ttlSeconds: 5 },
  ...{ clock: systemClock, random: Math.random, log: silentLogger },
};
const dns = new AgentDns({ ...options, upstreams: ['127.0.0.1:1'] });
afterAll(() => dns.close());

test('what is answered, from where, and who was left out', async () => {
  const explained = await dns.explain('Web.Service.Berth.', 'a');
  expect(explained).toMatchObject({
    ...{ name: 'web.service.berth', type: 'A', source: 'memory', rcode: 'NOERROR', askedServers: [] },
    why: '1 of the 3 healthy instances of web',
    records: [{ section: 'answer', name: 'web.service.berth', type: 'A', ttlSeconds: 5, data: '10.0.0.1' }],
  });
  expect(
    explained.endpoints.map(({ instance, leftOut, isStale, isNear }) => [instance, leftOut, isStale, isNear]),
  ).toEqual([
    ['web-1-aaaa', undefined, false, true],
    ['web-2-aaaa', 'its address 2001:db8::2 is for AAAA', true, false],
    ['web-3-aaaa', 'its host\'s address is no IP address: "name.example.com"', false, false],
  ]);
});

test('ports, with the addresses beside them; who has none', async () => {
  const explained = await dns.explain('_http._tcp.web.service.berth', 'SRV');
  expect(explained.records.map(({ section, name, data }) => `${section} ${name} ${data}`)).toEqual([
    'answer _http._tcp.web.service.berth 1 100 31001 web-1-aaaa.web.service.berth',
    'answer _http._tcp.web.service.berth 2 100 31002 web-2-aaaa.web.service.berth',
    'additional web-1-aaaa.web.service.berth 10.0.0.1',
    'additional web-2-aaaa.web.service.berth 2001:db8::2',
  ]);
  expect(explained.endpoints[2]!.leftOut).toBe('it publishes no port "http" of tcp');
});

test.each([
  ['none.service.berth', 'A', 'NXDOMAIN', 'memory', 'the cluster has no service "none"'],
  ['sick.service.berth', 'A', 'NOERROR', 'memory', 'no instance of sick is healthy'],
  ['web.service.berth', 'TXT', 'NOERROR', 'memory', 'none of the 3 healthy instances of web has TXT here'],
  ['web-9.web.service.berth', 'A', 'NXDOMAIN', 'memory', 'none of the 3 healthy instances of web has this name'],
  ['h1.host.berth', 'A', 'NOERROR', 'memory', 'it is the address of the host'],
  ['h1.host.berth', 'AAAA', 'NOERROR', 'memory', 'the address of the host is none for AAAA'],
  ['h9.host.berth', 'A', 'NXDOMAIN', 'memory', 'the cluster has no host "h9"'],
  ['1.0.0.10.in-addr.arpa', 'PTR', 'NOERROR', 'memory', 'it is the address of a host of the cluster'],
  ['service.berth', 'A', 'NOERROR', 'settings', 'it has no A, and names below it'],
  ['berth', 'NS', 'NOERROR', 'settings', 'it is the domain'],
  ['berth', 'AXFR', 'REFUSED', 'settings', 'the zone is not handed out'],
  [
    'web',
    'A',
    'SERVFAIL',
    'forwarded',
    'it is not of the cluster (a service has the name web.service.berth), and no name server answered',
  ],
  ['a.b', 'TYPE65', 'SERVFAIL', 'forwarded', 'it is not of the cluster, and no name server answered'],
])('%s %s: %s', async (name, type, rcode, source, why) => {
  expect(await dns.explain(name, type)).toMatchObject({ name, type, rcode, source, why });
});

test('what has to be asked of etcd first, and what etcd does not say', async () => {
  discovery.set('late', [fakeEndpoint('late-1-aaaa')]);
  discovery.slow.add('late');
  expect(await dns.explain('late.service.berth', 'A')).toMatchObject({
    source: 'etcd',
    why: 'the one healthy instance of late',
  });
  expect(await dns.explain('late.service.berth', 'A')).toMatchObject({ source: 'memory' });
  discovery.unknown.add('dark');
  expect(await dns.explain('dark.service.berth', 'A')).toMatchObject({ source: 'etcd', rcode: 'SERVFAIL' });
});

test('a name outside: who was asked, and what came', async () => {
  const known = new AgentDns({ ...options, upstreams: [] });
  const { address } = await known.server.listen('127.0.0.1:0');
  const outside = await startNameServer((packet) => [
    // As the answer of another domain would be, with its record under the name that is asked for.
    Buffer.concat([
      packet.subarray(0, 2),
      Buffer.from('818000010001', 'hex'),
      Buffer.alloc(4),
      packet.subarray(12),
      Buffer.from('c00c000100010000003c00040a090807', 'hex'),
    ]),
  ]);
  const asker = new AgentDns({ ...options, upstreams: ['127.0.0.1:1', outside.address] });
  expect(await asker.explain('www.example.com', 'A')).toMatchObject({
    ...{ source: 'forwarded', rcode: 'NOERROR', askedServers: ['127.0.0.1:1', outside.address] },
    why: `it is not of the cluster: ${outside.address} was asked`,
    records: [{ section: 'answer', name: 'www.example.com', ttlSeconds: 60, data: '10.9.8.7' }],
  });
  // The same words as the answer itself.
  const sent = readDnsAnswer((await askUdp(address, dnsQuery('web.service.berth', 'A')))!);
  const told = await known.explain('web.service.berth', 'A');
  expect(told.records.map(({ type, data }) => `${type} ${data}`)).toEqual(sent.answers);
  for (const one of [known, asker, outside]) await one.close();
});

test.each([
  ['', 'A', false],
  ['a'.repeat(64), 'A', true],
  ['a..b', 'A', true],
  ['a b', 'A', true],
  [`${'a.'.repeat(127)}a`, 'A', true],
  ['web.service.berth', 'NOSUCH', true],
  ['web.service.berth', '', true],
])('"%s" "%s" is refused: %s', async (name, type, isRefused) => {
  const explaining = dns.explain(name, type);
  if (isRefused) await expect(explaining).rejects.toThrow(/is no (name|type); write/);
  else await expect(explaining).resolves.toMatchObject({ source: 'forwarded' });
});
