import { isOneOf, parseResolvConf } from './resolv-conf';

test('its name servers, in order, and nothing else', () => {
  const text =
    '# nameserver 1.1.1.1\nsearch x\nnameserver 10.0.0.1\nnameserver\t2001:db8::1 \nnameserver bad\n;nameserver 1.2.3.4\n nameserver 5.6.7.8\nnameserver fe80::1%eth0';
  expect(parseResolvConf(text).map(({ host }) => host)).toEqual(['10.0.0.1', '2001:db8::1', 'fe80::1%eth0']);
  expect(parseResolvConf('nameserver 10.0.0.1\n'.repeat(100))).toHaveLength(8);
  expect(parseResolvConf('\0\u{1f4a3}')).toEqual([]);
});

test.each<[string, string, readonly string[], boolean]>([
  ['10.0.0.1', '10.0.0.1:53', [], true],
  ['10.0.0.1', '10.0.0.1:5353', [], false],
  ['127.0.0.53', '127.0.0.1:53', [], false],
  ['127.0.0.53', '0.0.0.0:53', [], true],
  ['10.0.0.1', '0.0.0.0:53', ['10.0.0.1'], true],
  ['10.0.0.2', '0.0.0.0:53', ['10.0.0.1'], false],
  ['::1', '[::]:53', [], true],
  ['::1', '0.0.0.0:53', [], false],
])('%s is one of %s: %s %s', (host, listener, locals, isOurs) => {
  expect(isOneOf({ host, port: 53 }, [listener], locals)).toBe(isOurs);
});
