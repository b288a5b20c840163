/** Names that nobody gives, and packets that nobody sends: an answer or silence, soon, and nothing is left behind. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { systemClock } from '../../lib/clock';
import { silentLogger } from '../../lib/log';
import { dnsQuery, readDnsAnswer } from '../../test/support/dns-client';
import { askTcp, askUdp, connectTcp, framed } from '../../test/support/dns-exchange';
import { recordLog } from '../../test/support/recorded-log';
import { createFakeDiscovery, fakeEndpoint } from '../../test/support/fake-discovery';
import { AgentDns } from './dns';
import { Responder } from './responder';
import { MAX_QUERY_BYTES } from './server/tcp';
import { readQuery } from './wire/query';
import { Zone } from './zone';

const discovery = createFakeDiscovery();
discovery.hosts.set('h1', '10.0.0.1');
discovery.set('web', [fakeEndpoint('web-1-aaaa'), fakeEndpoint('web-2-aaaa', { host: '2001:db8::2', weight: 7 })]);
discovery.set('sick', []);
const view = { discovery, domain: 'berth', host: 'h1', preferredZone: undefined, ttlSeconds: 1 };
const responder = new Responder({
  onMistake: (error) => {
    throw error;
  },
  zone: new Zone(view),
  forward: () => Promise.resolve(undefined),
  random: Math.random,
  onQuery: () => undefined,
});

/** Labels of any bytes, among them those that mean something. */
const label = fc.oneof(
  fc.constantFrom(
    'berth',
    'SERVICE',
    'host',
    'web',
    'sick',
    '_http',
    '_tcp',
    'web-1',
    'h1',
    'arpa',
    'in-addr',
    'ip6',
    '10',
  ),
  fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 63 }),
  fc.uint8Array({ minLength: 1, maxLength: 63 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);
const question = fc
  .tuple(fc.array(label, { maxLength: 8 }), fc.boolean(), fc.nat(0xffff), fc.constantFrom(1, 1, 1, 3, 255, 0))
  .map(([labels, isOurs, type, kind]) => {
    const all = isOurs ? [...labels.slice(0, 5), 'service', 'berth'] : labels;
    const name = all.map((one) => Buffer.concat([Buffer.from([one.length]), Buffer.from(one, 'latin1')]));
    return Buffer.concat([...name, Buffer.from([0, type >> 8, type & 255, kind >> 8, kind & 255])]);
  });
const query = fc.tuple(question, fc.nat(0xffff), fc.nat(0xff)).map(([one, id, flags]) => {
  return Buffer.concat([Buffer.from([id >> 8, id & 255, flags & 1, flags, 0, 1, 0, 0, 0, 0, 0, 0]), one]);
});

/** A good packet, bent: bytes changed, cut, put in, counts that lie, pointers that go round. */
const good = fc.constantFrom(
  dnsQuery('_http._tcp.web.service.berth', 'SRV', { payloadBytes: 4096 }),
  dnsQuery('web.service.berth', 'A'),
  dnsQuery('1.0.0.10.in-addr.arpa', 'PTR', { payloadBytes: 0 }),
);
const bend = fc.oneof(
  fc.record({ at: fc.nat(80), byte: fc.nat(255) }).map(({ at, byte }) => (packet: Buffer) => {
    const bent = Buffer.from(packet);
    bent[at % bent.length] = byte;
    return bent;
  }),
  fc.nat(80).map((end) => (packet: Buffer) => packet.subarray(0, end)),
  fc.record({ at: fc.nat(80), bytes: fc.uint8Array({ maxLength: 200 }) }).map(({ at, bytes }) => (packet: Buffer) => {
    return Buffer.concat([packet.subarray(0, at), bytes, packet.subarray(at)]);
  }),
  fc.record({ which: fc.nat(3), count: fc.nat(0xffff) }).map(({ which, count }) => (packet: Buffer) => {
    const bent = Buffer.from(packet);
    if (bent.length >= 12) bent.writeUInt16BE(count, 4 + which * 2);
    return bent;
  }),
  fc.record({ at: fc.nat(80), to: fc.nat(0x3fff) }).map(({ at, to }) => (packet: Buffer) => {
    const bent = Buffer.from(packet);
    if (at + 2 <= bent.length) bent.writeUInt16BE(0xc000 | to, at);
    return bent;
  }),
);
const bent = fc.tuple(good, fc.array(bend, { minLength: 1, maxLength: 4 })).map(([packet, bends]) => {
  return bends.reduce((one, change) => change(one), packet);
});
const noise = fc.oneof(
  fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
  fc.record({ length: fc.constantFrom(512, 4096, 65_507), byte: fc.nat(255) }).map(({ length, byte }) => {
    return Buffer.alloc(length, byte);
  }),
);
const anything = fc.oneof(query, bent, noise);

const ASKER = '172.17.0.2';

async function check(packet: Buffer): Promise<void> {
  const startedMs = performance.now();
  const answer = await responder.respond(packet, packet.length % 2 === 0 ? 'udp' : 'tcp', ASKER);
  // A millisecond would be long; a machine that does much else takes its time now and then.
  expect(performance.now() - startedMs).toBeLessThan(1000);
  judge(packet, answer);
}

const isAnswered = (packet: Buffer): boolean => packet.length >= 12 && packet[2]! < 0x80;

function judge(packet: Buffer, answer: Buffer | undefined): void {
  if (!isAnswered(packet)) return expect(answer).toBeUndefined();
  expect(answer!.subarray(0, 2)).toEqual(packet.subarray(0, 2));
  const read = readDnsAnswer(answer!);
  expect(read.packet.flag_qr).toBe(true);
  const asked = readQuery(packet);
  if (typeof asked === 'object') {
    expect(answer!.subarray(12, asked.questionEnd)).toEqual(packet.subarray(12, asked.questionEnd));
    // Nothing of what the others sent is behind it.
    expect(answer!.length).toBeLessThan(512);
  } else {
    expect(['FORMERR', 'NOTIMP']).toContain(read.rcode);
    expect(answer).toHaveLength(12);
  }
}

test('every packet gets an answer to itself, or silence', async () => {
  await fc.assert(fc.asyncProperty(anything, check), { numRuns: 4000 });
});

test('a question that is well formed is answered, whatever its name', async () => {
  await fc.assert(
    fc.asyncProperty(query, async (packet) => {
      const answer = readDnsAnswer((await responder.respond(packet, 'udp', ASKER))!);
      expect(['NOERROR', 'NXDOMAIN', 'SERVFAIL', 'REFUSED', 'FORMERR']).toContain(answer.rcode);
    }),
    { numRuns: 2000 },
  );
});

describe('over sockets', () => {
  const dns = new AgentDns({
    ...view,
    // Nobody answers there, and the kernel says so at once.
    ...{ upstreams: ['127.0.0.1:1'], clock: systemClock, random: Math.random, log: silentLogger },
  });
  const alive = dnsQuery('web-1.web.service.berth', 'A');
  let address: string;
  beforeAll(async () => {
    address = (await dns.server.listen('127.0.0.1:0')).address;
  });
  afterAll(() => dns.close());

  test('every packet gets an answer to itself, or silence', async () => {
    const overUdp = fc.asyncProperty(anything, async (packet) => {
      if (isAnswered(packet)) judge(packet, await askUdp(address, packet));
      else void askUdp(address, packet, 1);
    });
    await fc.assert(overUdp, { numRuns: 500 });
    const overTcp = fc.asyncProperty(anything, async (packet) => {
      const answer = await askTcp(address, packet.subarray(0, 0xffff));
      if (packet.length <= MAX_QUERY_BYTES) judge(packet, answer);
      else expect(answer).toBeUndefined();
    });
    await fc.assert(overTcp, { numRuns: 500 });
  });

  test('a mistake of ours is answered by SERVFAIL, said once, and ends nothing', async () => {
    const { log, lines } = recordLog(systemClock);
    const mistake = new TypeError('it has no such property');
    const broken = { ...discovery, service: () => Promise.reject(mistake) };
    const options = { ...view, discovery: broken, upstreams: [], clock: systemClock, random: Math.random, log };
    const one = new AgentDns(options);
    try {
      const { address: at } = await one.server.listen('127.0.0.1:0');
      const query = dnsQuery('web.service.berth', 'A');
      for (const ask of [askUdp, askTcp, askUdp]) expect(readDnsAnswer((await ask(at, query))!).rcode).toBe('SERVFAIL');
      expect(lines.map(({ message }) => message)).toEqual(['a name can not be answered, by a mistake of the agent']);
      expect(readDnsAnswer((await askUdp(at, dnsQuery('berth', 'SOA')))!).rcode).toBe('NOERROR');
    } finally {
      await one.close();
    }
  });

  test('it goes on after each of them', async () => {
    const udp = fc.asyncProperty(fc.array(anything, { maxLength: 20 }), async (packets) => {
      for (const packet of packets) void askUdp(address, packet, 50);
      expect(readDnsAnswer((await askUdp(address, alive))!).answers).toEqual(['A 10.0.0.1']);
    });
    await fc.assert(udp, { numRuns: 40 });
    const tcp = fc.asyncProperty(fc.array(anything, { maxLength: 20 }), fc.boolean(), async (packets, isFramed) => {
      const client = await connectTcp(address);
      client.socket.write(Buffer.concat(isFramed ? packets.map((one) => framed(one.subarray(0, 0xffff))) : packets));
      client.socket.destroySoon();
      const other = await connectTcp(address);
      other.send(alive);
      expect(readDnsAnswer((await other.next())!).answers).toEqual(['A 10.0.0.1']);
      other.socket.destroy();
    });
    await fc.assert(tcp, { numRuns: 40 });
  });
});

test('memory does not grow', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const packets = fc.sample(anything, 1000);
  const strangers = (turn: number): Buffer => dnsQuery(`n${turn}.${turn % 7}.service.berth`, 'A');
  const round = async (from: number): Promise<number> => {
    for (let turn = 0; turn < 20_000; turn++) {
      await responder.respond(packets[turn % packets.length]!, 'udp', ASKER);
      await responder.respond(strangers(from + turn), 'udp', ASKER);
    }
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const warm = await round(0);
  const after = await round(20_000);
  // A hundred bytes for each query would be 4 MB.
  expect(after - warm).toBeLessThan(2e6);
});
