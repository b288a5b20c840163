import { isDnsLabel } from '../../../lib/names';
import { readRegistrator } from './registrator';

const tcp = (target: number) => ({ target, protocol: 'tcp' });
const read = (words: Record<string, string>, ports = [tcp(80)], change: { name?: string; image?: string } = {}) =>
  readRegistrator({ name: 'shop', image: 'registry.example.com:5000/team/nginx:1.25', words, ports, ...change }, 'h1');
const names = (...args: Parameters<typeof read>): readonly string[] =>
  read(...args).services.map(({ service, instance }) => `${service} ${instance}`);

test.each<[string, Parameters<typeof read>, readonly string[]]>([
  ['none of its words', [{ PATH: '/bin', APP_SERVICE_NAME: 'x' }], []],
  ['a name', [{ SERVICE_NAME: 'web' }], ['web h1-shop-80']],
  ['a name in capitals', [{ SERVICE_NAME: 'Web' }], ['web h1-shop-80']],
  ['another word alone: the name is the image’s', [{ SERVICE_TAGS: 'a,b' }], ['nginx h1-shop-80']],
  ['no published port, and no name', [{ SERVICE_TAGS: 'a' }, []], []],
  ['no published port, to be ignored', [{ SERVICE_NAME: 'web', SERVICE_IGNORE: '1' }, []], []],
  [
    'a name of one port',
    [{ SERVICE_80_NAME: 'web', SERVICE_NAME: 'all' }, [tcp(80), tcp(443)]],
    ['web h1-shop-80', 'all-443 h1-shop-443'],
  ],
  [
    'one name for several ports',
    [{ SERVICE_NAME: 'web' }, [tcp(80), tcp(443)]],
    ['web-80 h1-shop-80', 'web-443 h1-shop-443'],
  ],
  ['to be ignored', [{ SERVICE_NAME: 'web', SERVICE_IGNORE: 'true' }], []],
  [
    'one port to be ignored',
    [{ SERVICE_NAME: 'web', SERVICE_443_IGNORE: '1' }, [tcp(80), tcp(443)]],
    ['web-80 h1-shop-80'],
  ],
  ['a port of UDP', [{ SERVICE_NAME: 'dns' }, [{ target: 53, protocol: 'udp' }]], ['dns h1-shop-53-udp']],
])('a container with %s', (_, args, found) => {
  expect([names(...args), read(...args).problems]).toEqual([found, []]);
});

test.each<[string, string]>([
  ['my_db', '"my_db" is no name for a service; give it a DNS label in SERVICE_80_NAME'],
  ['-web', '"-web" is no name'],
  ['w'.repeat(64), 'at most 63'],
])('a name that is no DNS label is said: %s', (name, problem) => {
  const { services, problems } = read({ SERVICE_NAME: name });
  expect([services, problems]).toEqual([[], [expect.stringContaining(problem) as string]]);
});

test('a name without a published port is said', () => {
  const said = expect.stringContaining('it has SERVICE_NAME and no published port') as string;
  expect(read({ SERVICE_NAME: 'web' }, [])).toEqual({ services: [], problems: [said] });
});

test('whatever a container is called, its instance is a DNS label, and another one for another container', () => {
  const containers = ['a_b', 'a-b', 'a.b', 'A-b', 'x'.repeat(80), `${'x'.repeat(80)}y`];
  const found = containers.map((name) => read({ SERVICE_NAME: 'web' }, undefined, { name }).services[0]!.instance);
  expect(found.filter((instance) => !isDnsLabel(instance))).toEqual([]);
  expect(new Set(found).size).toBe(containers.length);
});

describe('checks', () => {
  const probe = (words: Record<string, string>) => read({ SERVICE_NAME: 'web', ...words }).services[0]?.probe;
  test('none: it is well while it runs', () => expect(probe({})).toBeUndefined());
  test('over HTTP', () => {
    const words = { SERVICE_80_CHECK_HTTP: '/health', SERVICE_80_CHECK_INTERVAL: '15s', SERVICE_CHECK_TIMEOUT: '2s' };
    expect(probe(words)).toMatchObject({ http: { port: 80, path: '/health' }, intervalMs: 15_000, timeoutMs: 2000 });
  });
  test('over TCP', () => expect(probe({ SERVICE_80_CHECK_TCP: 'true' })).toMatchObject({ tcp: { port: 80 } }));
  test('of another port', () => expect(probe({ SERVICE_81_CHECK_TCP: 'true' })).toBeUndefined());
  test.each([
    [{ SERVICE_80_CHECK_CMD: '/check' }, 'SERVICE_CHECK_CMD is no check that Berth makes'],
    [
      { SERVICE_80_CHECK_TCP: 'true', SERVICE_80_CHECK_INTERVAL: 'soon' },
      'SERVICE_CHECK_INTERVAL: "soon" is not a duration',
    ],
  ])('%j is said', (words, problem) => {
    const { services, problems } = read({ SERVICE_NAME: 'web', ...words });
    expect([services.length, problems]).toEqual([1, [expect.stringContaining(problem) as string]]);
  });
});
