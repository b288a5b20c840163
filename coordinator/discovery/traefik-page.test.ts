/** Labels as users of Traefik's Docker provider have them, and what Traefik is given for them. */
import * as fc from 'fast-check';
import { emptyDocument } from '../../lib/documents/codec';
import type { InstanceStatus, Release } from '../../lib/documents/types';
import { instanceStatus } from '../../test/support/fake-coordinator';
import { FIELDS, refusals } from '../../test/support/traefik-check';
import { World } from '../../test/support/world';
import { compileService } from '../compose/compile';
import { createFakeClock } from '../../test/support/fake-clock';
import { TraefikPages } from './traefik-page';

const PORTS = 'ports: [{ name: http, target: 8080 }, { name: admin, target: 9000 }, { target: 53, protocol: udp }]';
const RULE = { 'traefik.http.routers.web.rule': 'Host(`web.example.com`)' };
type Labels = Readonly<Record<string, string>>;

let world: World;
beforeEach(() => {
  world = new World();
  for (const [name, address] of [
    ['h1', '10.0.0.1'],
    ['h2', 'fd00::2'],
  ] as const)
    world.addHost(name).set(name, { record: { ...emptyDocument('HostRecord'), address } });
});

function release(service: string, labels: Labels, text = PORTS, number = 1, config: Labels = {}): Release {
  const compiled = compileService(service, `image: a\n${text}\nlabels: ${JSON.stringify(labels)}`);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  const { container, deploy } = compiled;
  const made = { ...emptyDocument('Release'), service, number, container, deploy, config };
  world.releases.set(service, (world.releases.get(service) ?? new Map<number, Release>()).set(number, made));
  return made;
}

/** What a host says of its instances. */
function report(
  host: string,
  instances: Readonly<Record<string, Partial<InstanceStatus> & { service: string }>>,
): void {
  const ports = [
    { name: 'http', target: 8080, published: 20_001, protocol: 'tcp' },
    { name: 'admin', target: 9000, published: 20_002, protocol: 'tcp' },
  ];
  const told = Object.entries(instances).map(
    ([id, one]) => [id, instanceStatus(one.service, { ports, ...one })] as const,
  );
  world.set(host, { status: { ...emptyDocument('HostStatus'), instances: Object.fromEntries(told) } });
}

const pages = (): TraefikPages => new TraefikPages(createFakeClock(), () => undefined);

async function page() {
  const { text, problems } = await pages().make(world.view);
  const document = JSON.parse(text) as Record<string, Record<string, Record<string, unknown>>>;
  expect(refusals(text)).toEqual([]);
  return { document, problems: problems.map(({ service, label, message }) => `${service} ${label}: ${message}`) };
}

test('a router, the one service that it can mean, and its healthy instances by slot', async () => {
  release('web', { 'traefik.enable': 'true', ...RULE, 'traefik.http.routers.web.entrypoints': 'web, websecure' });
  report('h1', { 'web-2-a': { service: 'web', slot: 2 }, 'web-3-a': { service: 'web', slot: 3, health: 'unhealthy' } });
  report('h2', { 'web-1-a': { service: 'web', slot: 1, health: 'healthy' }, x: { service: 'web', phase: 'DRAINING' } });
  expect(await page()).toEqual({
    problems: [],
    document: {
      http: {
        routers: { web: { rule: 'Host(`web.example.com`)', entryPoints: ['web', 'websecure'], service: 'web' } },
        services: {
          web: { loadBalancer: { servers: [{ url: 'http://[fd00::2]:20001' }, { url: 'http://10.0.0.1:20001' }] } },
        },
      },
    },
  });
});

test('when all instances are gone, the router stays and its service is empty', async () => {
  release('web', RULE);
  const empty = { http: { routers: { web: expect.anything() }, services: { web: { loadBalancer: { servers: [] } } } } };
  expect((await page()).document).toEqual(empty);
  report('h1', { 'web-1-a': { service: 'web', health: 'unhealthy' } });
  expect((await page()).document).toEqual(empty);
  world.set('h1', { isLive: false });
  expect((await page()).document).toEqual(empty);
});

test('instances of lost hosts count where no live host has a ready one: all leases may end at once', async () => {
  release('web', RULE);
  const servers = async (): Promise<unknown> => (await page()).document['http']!['services']!['web'];
  const of = (...addresses: readonly string[]) => ({
    loadBalancer: { servers: addresses.map((address) => ({ url: `http://${address}:20001` })) },
  });
  report('h1', { 'web-1-a': { service: 'web', slot: 1 }, 'web-3-a': { service: 'web', slot: 3, health: 'unhealthy' } });
  report('h2', { 'web-2-a': { service: 'web', slot: 2 } });
  world.set('h1', { isLive: false });
  expect(await servers()).toEqual(of('[fd00::2]'));
  world.set('h2', { isLive: false });
  expect(await servers()).toEqual(of('10.0.0.1', '[fd00::2]'));
  world.set('h1', { isLive: true });
  expect(await servers()).toEqual(of('10.0.0.1'));
  report('h1', { 'web-1-a': { service: 'web', health: 'unhealthy' } });
  expect(await servers()).toEqual(of('[fd00::2]'));
});

test.each<[string, Labels, string, readonly object[]]>([
  ['by number', { 'server.port': '9000' }, PORTS, [{ url: 'http://10.0.0.1:20002' }]],
  ['by name', { 'server.port': 'admin' }, PORTS, [{ url: 'http://10.0.0.1:20002' }]],
  ['by scheme', { 'server.scheme': 'h2c' }, PORTS, [{ url: 'h2c://10.0.0.1:20001' }]],
  ['of the host', { 'server.port': '8443' }, 'network_mode: host', [{ url: 'http://10.0.0.1:8443' }]],
])('the port %s', async (_, labels, text, servers) => {
  const own = Object.entries(labels).map(([name, value]) => [`traefik.http.services.web.loadbalancer.${name}`, value]);
  release('web', { ...RULE, ...Object.fromEntries(own) }, text);
  report('h1', { 'web-1-a': { service: 'web' } });
  const { document, problems } = await page();
  expect(problems).toEqual([]);
  expect(document['http']!['services']!['web']).toEqual({ loadBalancer: { servers } });
});

test('what YAML does not take as it stands is written by its number', async () => {
  const odd = 'a\u007f\u0085\u009f\ufeff\ufffe\u001b\n\u2028😀\\ud800';
  release('web', { ...RULE, 'traefik.http.routers.web.rule': odd });
  expect((await page()).document['http']!['routers']!['web']).toEqual({ rule: odd, service: 'web' });
});

test('tcp', async () => {
  release('db', {
    'traefik.tcp.routers.db.rule': 'HostSNI(`*`)',
    'traefik.tcp.routers.db.tls.passthrough': 'true',
    'traefik.tcp.services.db.loadbalancer.server.port': '9000',
    'traefik.tcp.services.db.loadbalancer.proxyprotocol': 'true',
  });
  report('h1', { 'db-1-a': { service: 'db' } });
  expect((await page()).document).toEqual({
    tcp: {
      routers: { db: { rule: 'HostSNI(`*`)', tls: { passthrough: true }, service: 'db' } },
      services: { db: { loadBalancer: { proxyProtocol: {}, servers: [{ address: '10.0.0.1:20002' }] } } },
    },
  });
});

test.each<[string, Labels, string]>([
  [
    'a field that is not there',
    { 'traefik.http.routers.web.entrypoint': 'web' },
    'nothing called "entrypoint"; did you mean "entryPoints"?',
  ],
  [
    'a middleware that is not there',
    { 'traefik.http.middlewares.a.adprefix.prefix': '/' },
    'did you mean "addPrefix"?',
  ],
  ['a number that is none', { 'traefik.http.routers.web.priority': 'high' }, '"high" is no whole number'],
  ['a flag that is none', { 'traefik.http.services.web.loadbalancer.passhostheader': 'yes' }, 'neither true nor false'],
  ['a duration that is none', { 'traefik.http.middlewares.a.ratelimit.period': 'often' }, '"often" is no duration'],
  ['a duration that Go has no room for', { 'traefik.http.middlewares.a.ratelimit.period': '9999999h' }, 'no duration'],
  ['half of a character', { 'traefik.http.routers.web.ruleSyntax': '\ud800' }, 'it is no text'],
  ['an empty strategy', { 'traefik.http.middlewares.a.inflightreq.sourcecriterion.ipstrategy': 'true' }, 'alone says'],
  ['a part without anything', { 'traefik.http.middlewares.a.headers': 'true' }, '"headers" alone says nothing'],
  ['a list that is empty', { 'traefik.http.routers.web.middlewares': '' }, 'is no list'],
  ['a domain without its number', { 'traefik.http.routers.web.tls.domains.main': 'a' }, 'write domains[0]'],
  ['another protocol', { 'traefik.udp.routers.web.service': 'a' }, 'http and tcp are supported'],
  ['nothing below a name', { 'traefik.http.routers.web': 'a' }, 'says nothing of what has the name'],
  [
    'a port that is not published',
    { 'traefik.http.services.web.loadbalancer.server.port': '81' },
    'no tcp port "81"; there are http (8080), admin (9000)',
  ],
  ['a router without a rule', { 'traefik.http.routers.other.priority': '1' }, 'it has no rule, and is left out'],
  [
    'what differs from instance to instance',
    { 'traefik.http.routers.web.middlewares': 'a-{{.Task.Slot}}' },
    'another one for each instance',
  ],
])('%s is told and left out, and everything else stays', async (_, labels, problem) => {
  release('web', { ...RULE, ...labels });
  const { document, problems } = await page();
  expect(problems).toEqual([expect.stringContaining(problem)]);
  expect(Object.keys(document['http']!['routers']!)).toEqual(['web']);
  expect(document['http']!['routers']!['web']).toEqual({ rule: RULE['traefik.http.routers.web.rule'], service: 'web' });
});

test('services that Traefik is not to know, and those that say too little', async () => {
  release('off', { ...RULE, 'traefik.enable': 'false' });
  release('plain', { other: 'label' });
  release('on', { 'traefik.enable': 'true', 'traefik.docker.network': 'proxy' });
  const two = 'traefik.http.services.b.loadbalancer.server.port';
  release('two', { ...RULE, 'traefik.http.services.a.loadbalancer.server.port': '9000', [two]: '8080' });
  const { document, problems } = await page();
  expect(document['http']?.['routers']).toBeUndefined();
  expect(problems).toEqual([
    expect.stringMatching(/^on traefik.enable: no router says/),
    expect.stringMatching(/^two traefik.http.routers.web: which of a, b is it for/),
  ]);
});

test('of two services that say otherwise of one name the first counts; those that say the same share it', async () => {
  const shared = { 'traefik.http.services.all.loadbalancer.server.port': '8080' };
  release('blue', { ...RULE, ...shared });
  release('green', { ...RULE, ...shared, 'traefik.http.routers.web.priority': '9' });
  report('h1', { 'blue-1-a': { service: 'blue' } });
  report('h2', { 'green-1-a': { service: 'green' } });
  const { document, problems } = await page();
  expect(problems).toEqual([expect.stringMatching(/^green traefik.http.routers.web: blue says otherwise/)]);
  expect(document['http']!['services']).toEqual({
    all: { loadBalancer: { servers: [{ url: 'http://10.0.0.1:20001' }, { url: 'http://[fd00::2]:20001' }] } },
  });
});

test('the labels of the release that is whole count, with its config filled in', async () => {
  const rule = { 'traefik.http.routers.web.rule': 'Host(`{{.Service.Name}}.{{.Config.DOMAIN}}`)' };
  release('web', rule, PORTS, 1, { DOMAIN: 'example.com' });
  release('web', { ...rule, 'traefik.http.routers.web.priority': '9' }, PORTS, 2, { DOMAIN: 'example.org' });
  const status = { ...emptyDocument('ServiceStatus'), currentRelease: 1, targetRelease: 2 };
  world.serviceStatuses.set('web', { document: status, modRevision: 1 });
  expect((await page()).document['http']!['routers']).toEqual({
    web: { rule: 'Host(`web.example.com`)', service: 'web' },
  });
});

test.each<[string, object]>([
  ['a field that nobody knows', { http: { routers: { a: { rule: 'r', rulle: 'r' } } } }],
  ['a section with nothing in it', { http: { routers: {} } }],
  ['text where a number is', { http: { routers: { a: { priority: '1' } } } }],
  ['text where a list is', { http: { routers: { a: { entryPoints: 'web' } } } }],
  ['a part with nothing in it', { http: { middlewares: { a: { headers: {} } } } }],
  ['a duration that is too long', { http: { middlewares: { a: { rateLimit: { period: '9999999h' } } } } }],
  ['what YAML has no character for', { http: { routers: { a: { rule: '\u007f' } } } }],
  ['half of a character', { http: { routers: { a: { rule: '\ud800' } } } }],
  ['a duration that is none', { http: { middlewares: { a: { rateLimit: { period: 'x' } } } } }],
])('the check of the tests refuses %s', (_, document) => {
  expect(refusals(JSON.stringify(document))).toHaveLength(1);
});

const SAMPLES: Readonly<Record<string, readonly [label: string, value: unknown]>> = {
  ...{ string: ['text', 'text'], int: ['42', 42], bool: ['true', true], duration: ['10s', '10s'], any: ['x', 'x'] },
  ...{ '[]string': ['a, b', ['a', 'b']], '?': ['true', {}] },
};

test.each(FIELDS.filter(([path]) => !path.includes('.servers.')))(
  '%s: whatever its case, it comes out as Traefik spells it',
  async (path, type) => {
    const [text, value] = SAMPLES[type]!;
    const label = `traefik.${path}`.replaceAll('*', 'x').replace('.[]', '[0]').toLowerCase();
    release('x', { 'traefik.http.routers.x.rule': 'r', 'traefik.tcp.routers.x.rule': 'r', [label]: text });
    const { document, problems } = await page();
    expect(problems).toEqual([]);
    let at: unknown = document;
    for (const part of path.split('.'))
      at = (at as Record<string, unknown>)[part === '*' ? 'x' : part === '[]' ? 0 : part];
    expect(at).toEqual(value);
  },
);

test('whatever labels say, Traefik takes the document', async () => {
  const words = fc.oneof(
    ...[...new Set(FIELDS.flatMap(([path]) => path.split('.')))].map((word) => fc.constant(word)),
    fc.constantFrom(
      '[0]',
      'domains[0]',
      'domains[7]',
      '__proto__',
      'constructor',
      '',
      'a b',
      'é',
      'server',
      'port',
      'x',
    ),
  );
  const paths = fc.oneof(
    fc.array(words, { maxLength: 7 }).map((parts) => parts.join('.')),
    fc.constantFrom(...FIELDS.map(([path]) => path.replaceAll('*', 'x').replace('.[]', '[0]'))),
  );
  const values = fc.oneof(
    fc.constantFrom('true', 'false', '', '1', '-5', '9e9', '10s', '9999999h', 'a, b', ',', '{{', 'http'),
    fc.string({ unit: 'binary' }),
  );
  const labels = fc.array(fc.tuple(paths, values), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(labels, fc.boolean(), async (pairs, isRunning) => {
      world.releases.clear();
      const made = release('web', {});
      const own = Object.fromEntries([
        ...pairs.map(([path, value]) => [`traefik.${path}`, value]),
        ...Object.entries(RULE),
      ]) as Labels;
      world.releases.get('web')!.set(1, { ...made, container: { ...made.container, labels: own } });
      report('h1', isRunning ? { 'web-1-a': { service: 'web' } } : {});
      const { text } = await pages().make(world.view);
      expect(refusals(text)).toEqual([]);
    }),
    { numRuns: 500 },
  );
});
