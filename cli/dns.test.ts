import { questionOf, triesOf } from './dns';

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
