import { joinAddress, ownAddress, reachedAt, splitListen } from './listen-address';

test.each<[string, string, string, string | undefined]>([
  ['every address', '0.0.0.0:7423', '10.0.0.1', '10.0.0.1:7423'],
  ['every address of IPv6', '[::]:7423', '10.0.0.1', '10.0.0.1:7423'],
  ['a machine that is reached over IPv6', '0.0.0.0:7423', 'fd00::1', '[fd00::1]:7423'],
  ['one address', '10.9.0.1:7423', '10.0.0.1', '10.9.0.1:7423'],
  ['one address of IPv6', '[fd00::2]:7423', 'fd00::1', '[fd00::2]:7423'],
  ['loopback on a machine that others reach', '127.0.0.1:7423', '10.0.0.1', undefined],
  ['its name', 'localhost:7423', 'h1.example.com', undefined],
  ['loopback on a machine that nobody else is to reach', '127.0.0.1:7423', '127.0.0.1', '127.0.0.1:7423'],
  ['a port that is another with every start', '0.0.0.0:0', '10.0.0.1', undefined],
])('a server on %s (%s of %s) is reached at %s', (_, listen, address, wanted) => {
  expect(reachedAt(listen, address)).toBe(wanted);
});

test.each([
  ['0.0.0.0:7422', 'c1.example.com'],
  ['[::]:7422', 'c1.example.com'],
  ['127.0.0.1:7422', '127.0.0.1'],
  ['[::1]:7422', '::1'],
  ['10.0.0.5:7422', '10.0.0.5'],
])('the machine of a server on %s is called %s', (listen, wanted) => {
  expect(ownAddress(listen, 'c1.example.com')).toBe(wanted);
});

test('what is joined is split again', () => {
  for (const [host, port] of [['10.0.0.1', 80] as const, ['fd00::1', 8080] as const, ['a.example.com', 1] as const])
    expect(splitListen(joinAddress(host, port))).toEqual({ host, port });
});
