import { emptyDocument } from '../../lib/documents/codec';
import type { Endpoint } from '../../lib/documents/types';
import { skyDnsKey, skyDnsRecord } from './skydns';

const SKY_DNS = { domain: 'cluster.local', ttlS: 10 };
const recordOf = (endpoint: Partial<Endpoint>) =>
  skyDnsRecord({ ...emptyDocument('Endpoint'), host: '10.0.0.5', port: 31_080, weight: 100, ...endpoint }, SKY_DNS);

test('byte for byte as CoreDNS reads it', () => {
  expect(skyDnsKey({ service: 'web', instance: 'web-1-x7k2' }, SKY_DNS)).toBe('/skydns/local/cluster/web/web-1-x7k2');
  expect(recordOf({})).toBe('{"host":"10.0.0.5","port":31080,"ttl":10}');
});

test.each<[string, Partial<Endpoint>, string]>([
  ['a weight of its own', { weight: 250 }, '{"host":"10.0.0.5","port":31080,"weight":250,"ttl":10}'],
  ['no port', { port: 0 }, '{"host":"10.0.0.5","ttl":10}'],
  ['an address of IPv6', { host: 'fd00::5' }, '{"host":"fd00::5","port":31080,"ttl":10}'],
])('%s', (_, endpoint, value) => expect(recordOf(endpoint)).toBe(value));

test('keys are lower case', () => {
  expect(skyDnsKey({ service: 'web', instance: 'Web-1' }, SKY_DNS)).toBe('/skydns/local/cluster/web/web-1');
});
