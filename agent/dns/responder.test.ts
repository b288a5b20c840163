/** What is answered, read from the bytes by the library. */
import { dnsQuery, readDnsAnswer, type QueryOptions, type ReadAnswer } from '../../test/support/dns-client';
import { createFakeDiscovery, fakeEndpoint } from '../../test/support/fake-discovery';
import type { KnownService } from '../discovery/discovery';
import { MAX_WAITING, Responder, type Outcome } from './responder';
import { Zone, type ZoneOptions } from './zone';

function createScene(options: Partial<ZoneOptions> = {}) {
  const discovery = createFakeDiscovery();
  const zone = new Zone({
    ...{ discovery, domain: 'berth', host: 'h1', preferredZone: undefined, ttlSeconds: 7 },
    ...options,
  });
  const outcomes: Outcome[] = [];
  const forwarded: string[] = [];
  const mistakes: unknown[] = [];
  const chance = { next: Math.random };
  const responder = new Responder({
    onMistake: (error) => mistakes.push(error),
    zone,
    forward: (packet, { name }) => {
      forwarded.push(name);
      if (name.includes('broken')) throw MISTAKE;
      return Promise.resolve(name.includes('dead') ? undefined : packet);
    },
    random: () => chance.next(),
    onQuery: (outcome) => outcomes.push(outcome),
  });
  const ask = async (name: string, type: string, query: QueryOptions = {}, via: 'udp' | 'tcp' = 'udp') =>
    readDnsAnswer((await responder.respond(dnsQuery(name, type, query), via, '172.17.0.2'))!);
  return { discovery, responder, outcomes, forwarded, mistakes, chance, ask };
}
const MISTAKE = new TypeError('it has no such property');
function mistaken(): never {
  throw MISTAKE;
}
/** From which no answer can be made, by a mistake of ours. */
const BROKEN = undefined as unknown as KnownService;

const SOA = ['SOA h1.host.berth 1'];

describe('names of a service of three', () => {
  const { discovery, ask } = createScene();
  discovery.hosts.set('h1', '10.0.0.1').set('h6', '2001:db8::6').set('odd', 'host.example.com');
  discovery.set('web', [
    fakeEndpoint('web-1-aaaa', { ports: { http: 31001, '8080': 31011, Dns: 31021 }, protocols: { Dns: 'udp' } }),
    fakeEndpoint('web-2-bbbb', { host: '10.0.0.1', weight: 50 }),
    fakeEndpoint('web-2-cccc', { host: '2001:db8::3' }),
  ]);
  discovery.set('sick', []);
  discovery.set('odd', [fakeEndpoint('odd-1-aaaa', { host: 'host.example.com' })]);
  discovery.set('portless', [fakeEndpoint('portless-1-aaaa', { port: 0, ports: {} })]);

  test.each<[string, string, string, readonly string[], readonly string[]]>([
    ['web.service.berth', 'A', 'NOERROR', ['A 10.0.0.1'], []],
    ['web.service.berth', 'AAAA', 'NOERROR', ['AAAA 2001:db8::3'], []],
    ['WEB.Service.bErTh', 'A', 'NOERROR', ['A 10.0.0.1'], []],
    ['web.service.berth', 'ANY', 'NOERROR', ['HINFO RFC8482'], []],
    [
      'web.service.berth',
      'SRV',
      'NOERROR',
      [
        'SRV 1 100 31001 web-1-aaaa.web.service.berth',
        'SRV 1 100 31002 web-2-cccc.web.service.berth',
        'SRV 1 50 31002 web-2-bbbb.web.service.berth',
      ],
      ['A 10.0.0.1', 'A 10.0.0.1', 'AAAA 2001:db8::3'],
    ],
    [
      '_8080._TCP.web.service.berth',
      'SRV',
      'NOERROR',
      ['SRV 1 100 31011 web-1-aaaa.web.service.berth'],
      ['A 10.0.0.1'],
    ],
    ['_dns._udp.web.service.berth', 'SRV', 'NOERROR', ['SRV 1 100 31021 web-1-aaaa.web.service.berth'], ['A 10.0.0.1']],
    ['web-2.web.service.berth', 'A', 'NOERROR', ['A 10.0.0.1'], []],
    ['web-2.web.service.berth', 'AAAA', 'NOERROR', ['AAAA 2001:db8::3'], []],
    ['web-1-aaaa.web.service.berth', 'A', 'NOERROR', ['A 10.0.0.1'], []],
    ['web-1.web.service.berth', 'SRV', 'NOERROR', ['SRV 1 100 31001 web-1-aaaa.web.service.berth'], ['A 10.0.0.1']],
    ['h1.host.berth', 'A', 'NOERROR', ['A 10.0.0.1'], []],
    ['h6.host.berth', 'AAAA', 'NOERROR', ['AAAA 2001:db8::6'], []],
    ['1.0.0.10.in-addr.arpa', 'PTR', 'NOERROR', ['PTR h1.host.berth'], []],
    [`6.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`, 'PTR', 'NOERROR', ['PTR h6.host.berth'], []],
    ['berth', 'SOA', 'NOERROR', SOA, []],
    ['berth', 'NS', 'NOERROR', ['NS h1.host.berth'], []],
  ])('%s %s is answered', async (name, type, rcode, answers, additionals) => {
    const answer = await ask(name, type, { payloadBytes: 1232 });
    expect({ ...answer, answers: [...answer.answers].sort() }).toMatchObject({ rcode, answers, isTruncated: false });
    expect([...answer.additionals].sort()).toEqual(additionals);
    expect(answer.packet).toMatchObject({ id: 7, flag_aa: true, flag_ra: true, flag_rd: true, questions: [{ name }] });
    expect(answer.packet.answers!.map((record) => record.name)).toEqual(answers.map(() => name));
    expect(answer.authorities).toEqual([]);
  });

  test.each([
    ['of another type', 'web.service.berth', 'TXT'],
    ['of a family that no instance has', 'web-1.web.service.berth', 'AAAA'],
    ['of a family that the host has not', 'h1.host.berth', 'AAAA'],
    ['of a service without healthy instances', 'sick.service.berth', 'A'],
    ['of its ports', '_http._tcp.sick.service.berth', 'SRV'],
    ['of a port, but an address', '_http._tcp.web.service.berth', 'A'],
    ['with nothing but names below', '_tcp.web.service.berth', 'SRV'],
    ['with nothing but names below', 'service.berth', 'A'],
    ['with nothing but names below', 'host.berth', 'ANY'],
    ['the domain, but an address', 'berth', 'A'],
    ['of hosts whose address is a name', 'odd.service.berth', 'A'],
    ['of hosts whose address is a name', 'odd.service.berth', 'SRV'],
    ['of a host whose address is a name', 'odd.host.berth', 'A'],
    ['of a service without ports', 'portless.service.berth', 'SRV'],
  ])('a name %s is there, and has no data: %s %s', async (_, name, type) => {
    expect(await ask(name, type)).toMatchObject({ rcode: 'NOERROR', answers: [], authorities: SOA });
  });

  test.each([
    ['none.service.berth'],
    ['_http._tcp.none.service.berth'],
    ['_https._tcp.web.service.berth'],
    ['_http._udp.web.service.berth'],
    ['_sctp.web.service.berth'],
    ['web-3.web.service.berth'],
    ['web-1-zzzz.web.service.berth'],
    ['a.web-1.web.service.berth'],
    ['_a._http._tcp.web.service.berth'],
    ['none.host.berth'],
    ['a.h1.host.berth'],
    ['other.berth'],
    ['-.service.berth'],
    ['*.service.berth'],
  ])('%s is not there', async (name) => {
    for (const type of ['A', 'SRV', 'ANY'])
      expect(await ask(name, type)).toMatchObject({ rcode: 'NXDOMAIN', answers: [], authorities: SOA });
  });

  test('how long an answer may be kept: as the setting says, and a second when there is nothing', async () => {
    const ttls = (answer: ReadAnswer) =>
      [...answer.packet.answers!, ...answer.packet.authorities!].map((one) => 'ttl' in one && one.ttl);
    expect(ttls(await ask('web.service.berth', 'A'))).toEqual([7]);
    expect(ttls(await ask('none.service.berth', 'A'))).toEqual([1]);
  });
});

test('a change is in the next answer', async () => {
  const { discovery, ask } = createScene();
  discovery.set('web', [fakeEndpoint('web-1-aaaa')]);
  expect((await ask('web.service.berth', 'A')).answers).toEqual(['A 10.0.0.1']);
  discovery.set('web', [fakeEndpoint('web-2-aaaa')]);
  expect((await ask('web.service.berth', 'A')).answers).toEqual(['A 10.0.0.2']);
  discovery.forget('web');
  expect((await ask('web.service.berth', 'A')).rcode).toBe('NXDOMAIN');
});

test('who is first changes from answer to answer, by weight; addresses of one host count together', async () => {
  const { discovery, ask } = createScene();
  const light = fakeEndpoint('web-1-aaaa', { weight: 1 });
  discovery.set('web', [
    light,
    fakeEndpoint('web-2-aaaa', { weight: 2 }),
    fakeEndpoint('web-3-aaaa', { weight: 1, host: '10.0.0.2' }),
  ]);
  const first: Record<string, number> = {};
  for (let turn = 0; turn < 2000; turn++) {
    const { answers } = await ask('web.service.berth', 'A');
    expect([...answers].sort()).toEqual(['A 10.0.0.1', 'A 10.0.0.2']);
    first[answers[0]!] = (first[answers[0]!] ?? 0) + 1;
  }
  // 1 of 4, within five times the deviation of 19.
  expect(first['A 10.0.0.1']).toBeGreaterThan(400);
  expect(first['A 10.0.0.1']).toBeLessThan(600);
});

test('endpoints of the preferred zone come first, and have the better priority', async () => {
  const { discovery, ask } = createScene({ preferredZone: 'b' });
  const zones = ['a', 'b', 'a', 'b'];
  discovery.set(
    'web',
    zones.map((zone, index) => fakeEndpoint(`web-${index + 1}-aaaa`, { labels: { zone }, weight: index + 1 })),
  );
  for (let turn = 0; turn < 50; turn++) {
    const { answers } = await ask('web.service.berth', 'A');
    expect([...answers.slice(0, 2)].sort()).toEqual(['A 10.0.0.2', 'A 10.0.0.4']);
    const ports = (await ask('web.service.berth', 'SRV', { payloadBytes: 4096 })).answers;
    expect(ports.map((record) => record.slice(0, 8)).sort()).toEqual(['SRV 1 2 ', 'SRV 1 4 ', 'SRV 2 1 ', 'SRV 2 3 ']);
    expect(ports.slice(0, 2).every((record) => record.startsWith('SRV 1'))).toBe(true);
  }
});

test('what etcd has not said is no lie: SERVFAIL, at once and after it was asked', async () => {
  const { discovery, ask, outcomes } = createScene();
  discovery.unknown.add('web');
  expect((await ask('web.service.berth', 'A')).rcode).toBe('SERVFAIL');
  discovery.slow.add('web');
  expect((await ask('_http._tcp.web.service.berth', 'SRV')).rcode).toBe('SERVFAIL');
  expect((await ask('web.host.berth', 'A')).rcode).toBe('SERVFAIL');
  discovery.unknown.clear();
  discovery.set('web', [fakeEndpoint('web-1-aaaa')]);
  discovery.slow.add('web');
  expect((await ask('web.service.berth', 'A')).answers).toEqual(['A 10.0.0.1']);
  expect(outcomes).toEqual(['servfail', 'servfail', 'servfail', 'answered']);
});

test.each<[string, string, string, (scene: ReturnType<typeof createScene>) => void]>([
  ['while it is looked up', 'web.service.berth', 'A', ({ discovery }) => (discovery.service = mistaken)],
  [
    'while etcd is asked',
    'web.service.berth',
    'SRV',
    ({ discovery }) => (discovery.service = () => Promise.reject(MISTAKE)),
  ],
  ['in what is known', 'web.service.berth', 'A', ({ discovery }) => (discovery.service = () => BROKEN)],
  [
    'in what etcd said',
    'web.service.berth',
    'A',
    ({ discovery }) => (discovery.service = () => Promise.resolve(BROKEN)),
  ],
  [
    'in the order of answers',
    'web.service.berth',
    'SRV',
    ({ discovery }) => {
      discovery.slow.add('web');
      discovery.set('web', [fakeEndpoint('web-1-aaaa', { labels: BROKEN as unknown as Record<string, string> })]);
    },
  ],
  ['in a host', 'h1.host.berth', 'A', ({ discovery }) => (discovery.hostAddress = () => Promise.reject(MISTAKE))],
  ['in an address', '1.0.0.10.in-addr.arpa', 'PTR', ({ discovery }) => (discovery.hostAt = mistaken)],
  [
    'in an answer that is encoded late',
    'web.service.berth',
    'A',
    ({ discovery, ...scene }) => {
      discovery.slow.add('web');
      discovery.set('web', [fakeEndpoint('web-1-aaaa'), fakeEndpoint('web-2-aaaa')]);
      scene.chance.next = mistaken;
    },
  ],
  ['while it is forwarded', 'broken.example.com', 'A', () => undefined],
])('a mistake of ours %s is told of, and answered by SERVFAIL', async (_, name, type, breakIt) => {
  const scene = createScene({ preferredZone: 'a' });
  breakIt(scene);
  const { ask, mistakes, outcomes } = scene;
  expect((await ask(name, type)).rcode).toBe('SERVFAIL');
  expect(mistakes).toEqual([expect.any(TypeError)]);
  expect(outcomes).toEqual(['servfail']);
});

test('of those that may wait for etcd, who asks for names without end gets half, and others find room', async () => {
  const { discovery, responder } = createScene();
  const ask = (service: string, asker: string): ReturnType<Responder['respond']> => {
    discovery.slow.add(service);
    return responder.respond(dnsQuery(`${service}.service.berth`, 'A'), 'udp', asker);
  };
  const asked = Array.from({ length: MAX_WAITING / 2 + 1 }, (_, at) => ask(`s${at}`, '172.17.0.2'));
  expect(asked.slice(0, -1).every((one) => one instanceof Promise)).toBe(true);
  expect(readDnsAnswer(asked.at(-1) as Buffer).rcode).toBe('SERVFAIL');
  asked.push(ask('other', '172.17.0.3'));
  expect(asked.at(-1)).toBeInstanceOf(Promise);
  for (const one of asked) await one;
  expect(ask('again', '172.17.0.2')).toBeInstanceOf(Promise);
});

test('all else is forwarded; nothing of the domain, nor of the addresses of hosts, is', async () => {
  const { discovery, ask, forwarded, outcomes } = createScene();
  discovery.hosts.set('h1', '10.0.0.1');
  for (const name of ['example.com', 'berth.example.com', 'xberth', '2.0.0.10.in-addr.arpa', '1.in-addr.arpa'])
    await ask(name, 'PTR');
  expect(forwarded).toHaveLength(5);
  expect((await ask('dead.example.com', 'A')).rcode).toBe('SERVFAIL');
  for (const name of ['berth', 'x.berth', 'x.service.berth', '1.0.0.10.in-addr.arpa']) await ask(name, 'PTR');
  expect((await ask('web.service.berth', 'AXFR')).rcode).toBe('REFUSED');
  expect(forwarded).toHaveLength(6);
  expect(new Set(outcomes)).toEqual(new Set(['forwarded', 'servfail', 'nodata', 'nxdomain', 'answered', 'refused']));
});

test('a domain of several labels, and what is beside it', async () => {
  const { discovery, ask, forwarded } = createScene({ domain: 'berth.example.com' });
  discovery.set('web', [fakeEndpoint('web-1-aaaa')]);
  expect((await ask('web.service.berth.example.com', 'A')).answers).toEqual(['A 10.0.0.1']);
  const missing = await ask('none.service.berth.example.com', 'A');
  expect(missing.packet.authorities![0]!.name).toBe('berth.example.com');
  await ask('web.service.berth', 'A');
  expect(forwarded).toHaveLength(1);
});
