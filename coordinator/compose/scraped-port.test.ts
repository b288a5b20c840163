import { decodeDocument, emptyDocument, encodeDocument } from '../../lib/documents/codec';
import { sourceHash } from '../../lib/release/source-hash';
import { specHash } from '../../lib/release/spec-hash';
import { compileService } from './compile';

const PORTS = 'ports: [{ name: http, target: 8080 }, { name: dns, target: 53, protocol: udp }, "90:9000"]';

function compile(metrics: string, ports = PORTS) {
  return compileService('web', `image: a\n${ports}\n${metrics === '' ? '' : `x-berth: { metrics: ${metrics} }`}`);
}

function compiled(metrics: string, ports?: string) {
  const made = compile(metrics, ports);
  if (!made.ok) throw new Error(JSON.stringify(made.problems));
  return made;
}

test.each<[string, string, string | undefined, object | undefined]>([
  ['nothing', '', undefined, undefined],
  ['by name', '{ port: http }', undefined, { port: 8080, path: '/metrics', scheme: 'http' }],
  ['by number in the container', '{ port: 9000 }', undefined, { port: 9000, path: '/metrics', scheme: 'http' }],
  ['a number as text', '{ port: "8080" }', undefined, { port: 8080, path: '/metrics', scheme: 'http' }],
  [
    'path and scheme',
    '{ port: http, path: /actuator/prometheus, scheme: https }',
    undefined,
    { port: 8080, path: '/actuator/prometheus', scheme: 'https' },
  ],
  [
    'on the network of the host',
    '{ port: 9100 }',
    'network_mode: host',
    { port: 9100, path: '/metrics', scheme: 'http' },
  ],
])('%s', (_, metrics, ports, wanted) => {
  expect(compiled(metrics, ports).deploy.metrics).toEqual(wanted);
});

test.each<[string, string, string | undefined, string]>([
  ['no port', '{}', undefined, 'missing-key x-berth.metrics.port port is missing: write the number in the container'],
  ['a port that is not there', '{ port: 81 }', undefined, 'publishes no port "81"; there are http (8080), 9000'],
  ['a name that is not there', '{ port: htp }', undefined, 'publishes no port "htp"; there are http (8080), 9000'],
  ['a port on the host', '{ port: 90 }', undefined, 'publishes no port "90"'],
  ['a port of udp', '{ port: dns }', undefined, '"dns" is no tcp port; there are http'],
  ['no ports at all', '{ port: 81 }', 'init: true', 'publishes none: add it to ports'],
  ['no port', '{ port: 0 }', undefined, 'out-of-range x-berth.metrics.port'],
  ['no network', '{ port: 80 }', 'network_mode: none', 'there is nothing to scrape'],
  ['a name on the network of the host', '{ port: http }', 'network_mode: host', 'write the number of the port on'],
  ['a path without a slash', '{ port: http, path: metrics }', undefined, 'bad-value x-berth.metrics.path "metrics" is'],
  ['a query', '{ port: http, path: /m?a=b }', undefined, 'is no path'],
  ['another scheme', '{ port: http, scheme: ftp }', undefined, '"ftp" is none of http, https'],
  ['another key', '{ port: http, interval: 5s }', undefined, 'unknown-key x-berth.metrics.interval no such key'],
  ['a number alone', '9100', undefined, 'wrong-type x-berth.metrics this is 9100; a map of settings is wanted'],
])('refuses %s', (_, metrics, ports, problem) => {
  const made = compile(metrics, ports);
  const problems = made.ok ? [] : made.problems;
  expect(problems.map(({ rule, path, message }) => `${rule} ${path} ${message}`).join('\n')).toContain(problem);
});

test('it is another release, and the same container', () => {
  const [without, with_] = [compiled(''), compiled('{ port: http }')];
  expect(specHash(with_.container)).toBe(specHash(without.container));
  expect(sourceHash(with_, {})).not.toBe(sourceHash(without, {}));
});

test('a release from before there was such a thing reads as it did, and has the hash that it had', () => {
  const release = { ...emptyDocument('Release'), ...compiled('') };
  const text = encodeDocument('Release', { ...release, service: 'web', number: 1 });
  expect(text).not.toContain('metrics');
  const read = decodeDocument('Release', text);
  expect(read.deploy.metrics).toBeUndefined();
  expect(sourceHash(read, {})).toBe(sourceHash(compiled(''), {}));
});
