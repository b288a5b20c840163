import { missingOf, questionOf, triesOf } from './dns';

const DOCUMENTED = '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa';

test.each([
  ['web.service.berth', undefined, 'web.service.berth', 'A'],
  ['web.service.berth', 'aaaa', 'web.service.berth', 'aaaa'],
  ['_http._tcp.web.service.berth', undefined, '_http._tcp.web.service.berth', 'SRV'],
  ['10.0.0.11', undefined, '11.0.0.10.in-addr.arpa', 'PTR'],
  ['2001:db8::1', undefined, DOCUMENTED, 'PTR'],
  ['::', 'TXT', `${'0.'.repeat(32)}ip6.arpa`, 'TXT'],
])('%s %s', (given, givenType, name, type) => expect(questionOf(given, givenType)).toEqual({ name, type }));

test.each(['http://web.service.berth/', 'web.service.berth:8080'])('%s is more than a name', (name) => {
  expect(() => questionOf(name, undefined)).toThrow(`"${name}" is no name, but more; write the name alone`);
});

test('a server that was asked again is named once', () => {
  expect(triesOf(['10.0.0.53:53', '[::1]:53', '10.0.0.53:53'])).toBe('10.0.0.53:53 twice, [::1]:53');
  expect(triesOf(['a', 'a', 'a'])).toBe('a 3 times');
});

test.each<[string, string, string, string, readonly string[], number, string | undefined]>([
  ['an instance that is not healthy', 'web-2.web.service.berth', 'memory', 'NXDOMAIN', ['authority'], 1, 'web'],
  ['a port that none has', '_grpc._tcp.web.service.berth', 'etcd', 'NXDOMAIN', ['authority'], 2, 'web'],
  ['a service without a healthy instance', 'web.service.berth', 'memory', 'NOERROR', ['authority'], 0, 'web'],
  ['a service that there is not', 'wbe.service.berth', 'etcd', 'NXDOMAIN', ['authority'], 0, undefined],
  ['a type that no address has', 'web.service.berth', 'memory', 'NOERROR', ['authority'], 2, undefined],
  ['a service that answers', 'web.service.berth', 'memory', 'NOERROR', ['answer'], 2, undefined],
  ['a host that there is not', 'h9.host.berth', 'etcd', 'NXDOMAIN', ['authority'], 0, undefined],
  ['a name outside', 'web.service.example.com', 'forwarded', 'NOERROR', [], 0, undefined],
])('%s: where to look on', (_, name, source, rcode, sections, count, service) => {
  const records = sections.map((section) => ({ section }));
  expect(missingOf({ name, source, rcode, records, endpoints: Array(count).fill({}) })).toBe(service);
});
