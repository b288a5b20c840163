import { emptyDocument } from '../../lib/documents/codec';
import type { Endpoint } from '../../lib/documents/types';
import { skyDnsRecord } from './skydns';

const recordOf = (endpoint: Partial<Endpoint>, instance = 'web-1-x7k2') =>
  skyDnsRecord(
    {
      ...{ service: 'web', instance, containerId: 'c1' },
      endpoint: { ...emptyDocument('Endpoint'), host: '10.0.0.5', port: 31_080, weight: 100, ...endpoint },
    },
    { domain: 'cluster.local', ttlS: 10 },
  );

test('byte for byte as CoreDNS reads it', () => {
  expect(recordOf({})).toEqual({
    key: '/skydns/local/cluster/web/web-1-x7k2',
    value: '{"host":"10.0.0.5","port":31080,"ttl":10}',
  });
});

test.each<[string, Partial<Endpoint>, string]>([
  ['a weight of its own', { weight: 250 }, '{"host":"10.0.0.5","port":31080,"weight":250,"ttl":10}'],
  ['no port', { port: 0 }, '{"host":"10.0.0.5","ttl":10}'],
  ['an address of IPv6', { host: 'fd00::5' }, '{"host":"fd00::5","port":31080,"ttl":10}'],
])('%s', (_, endpoint, value) => expect(recordOf(endpoint).value).toBe(value));

test('keys are lower case', () => {
  expect(recordOf({}, 'Web-1').key).toBe('/skydns/local/cluster/web/web-1');
});
