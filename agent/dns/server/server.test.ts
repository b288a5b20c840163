/** The server over real sockets of loopback. */
import type * as dgram from 'node:dgram';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { systemClock } from '../../../lib/clock';
import { silentLogger } from '../../../lib/log';
import { dnsQuery, readDnsAnswer } from '../../../test/support/dns-client';
import { askTcp, askUdp, connectTcp, framed } from '../../../test/support/dns-exchange';
import { createFakeClock } from '../../../test/support/fake-clock';
import { createFakeDiscovery, fakeEndpoint } from '../../../test/support/fake-discovery';
import { startNameServer } from '../../../test/support/name-server';
import { freePort } from '../../../test/support/ports';
import { recordLog } from '../../../test/support/recorded-log';
import { until } from '../../../test/support/wait';
import { AgentDns } from '../dns';
import { DnsServer } from './server';
import { IDLE_MS, MAX_CONNECTIONS, MAX_QUERY_BYTES } from './tcp';

const discovery = createFakeDiscovery();
discovery.set('web', [fakeEndpoint('web-1-aaaa')]);
discovery.set(
  'many',
  Array.from({ length: 200 }, (_, at) => fakeEndpoint(`many-${at + 1}-aaaa`, { host: `10.1.0.${at + 1}` })),
);
const options = {
  ...{ discovery, domain: 'berth', host: 'h1', preferredZone: undefined, ttlSeconds: 1, upstreams: ['127.0.0.1:1'] },
  ...{ clock: systemClock, random: Math.random, log: silentLogger },
};
const dns = new AgentDns(options);
let address: string;
beforeAll(async () => {
  address = (await dns.server.listen('127.0.0.1:0')).address;
});
afterAll(() => dns.close());

test('UDP and TCP give the same, under the id that was asked with', async () => {
  const query = dnsQuery('web.service.berth', 'A', { id: 0xbeef });
  const over = [await askUdp(address, query), await askTcp(address, query)];
  expect(over[0]).toEqual(over[1]);
  expect(readDnsAnswer(over[0]!)).toMatchObject({ answers: ['A 10.0.0.1'], packet: { id: 0xbeef } });
});

test('who asks over TCP and does not read is closed, long before its silence is', async () => {
  const long = Buffer.alloc(65_000);
  const server = new DnsServer({ ...options, respond: () => Promise.resolve(long) });
  const { address: at } = await server.listen('127.0.0.1:0');
  const { socket, closed } = await connectTcp(at);
  socket.pause();
  let isClosed = false;
  void closed.then(() => (isClosed = true));
  const queries = Buffer.concat(Array<Buffer>(256).fill(framed(dnsQuery('web.service.berth', 'A'))));
  try {
    await until('it is closed', () => isClosed || void socket.write(queries), IDLE_MS / 2);
  } finally {
    socket.destroy();
    await server.close();
  }
});

describe('200 addresses', () => {
  test.each<[string, number | undefined, number, number]>([
    ['without EDNS', undefined, 480, 512],
    ['with EDNS that takes less than without', 100, 480, 512],
    ['with EDNS of 1232 bytes', 1232, 1200, 1232],
    ['with EDNS of more than is sent at once', 65_535, 3200, 4096],
  ])('over UDP %s: whole records, and TC when some are missing', async (_, payloadBytes, least, most) => {
    const bytes = (await askUdp(
      address,
      dnsQuery('many.service.berth', 'A', { ...(payloadBytes && { payloadBytes }) }),
    ))!;
    const { answers, isTruncated, packet } = readDnsAnswer(bytes);
    expect(bytes.length).toBeLessThanOrEqual(most);
    expect(bytes.length).toBeGreaterThanOrEqual(least);
    expect(isTruncated).toBe(answers.length < 200);
    expect(new Set(answers).size).toBe(answers.length);
    expect(packet.additionals!.map(({ type }) => type)).toEqual(payloadBytes === undefined ? [] : ['OPT']);
  });

  test('over TCP all of them; ports with as many of their addresses as pointers reach', async () => {
    const all = readDnsAnswer((await askTcp(address, dnsQuery('many.service.berth', 'A')))!);
    expect([all.isTruncated, new Set(all.answers).size]).toEqual([false, 200]);
    const ports = readDnsAnswer((await askTcp(address, dnsQuery('_http._tcp.many.service.berth', 'SRV')))!);
    expect([ports.isTruncated, ports.answers.length, ports.additionals.length]).toEqual([false, 200, 200]);
    const owners = ports.packet.additionals!.map(({ name }) => name);
    expect(owners).toEqual(ports.answers.map((record) => record.split(' ')[4]));
  });

  test('addresses of ports that have no room are left out, without TC', async () => {
    const payloadBytes = 4096;
    const query = dnsQuery('_http._tcp.web.service.berth', 'SRV', { payloadBytes });
    expect(readDnsAnswer((await askUdp(address, query))!).additionals).toHaveLength(1);
    discovery.set(
      'some',
      Array.from({ length: 8 }, (_, at) => fakeEndpoint(`some-${at + 1}-aaaa`)),
    );
    const some = readDnsAnswer((await askUdp(address, dnsQuery('some.service.berth', 'SRV')))!);
    expect([some.isTruncated, some.answers.length]).toEqual([false, 8]);
    expect(some.additionals.length).toBeLessThan(8);
  });
});

/** A good query with some of its bytes changed. */
function bent(change: (packet: Buffer) => void): Buffer {
  const packet = Buffer.from(dnsQuery('web.service.berth', 'A', { payloadBytes: 1232 }));
  change(packet);
  return packet;
}

describe('what is no query of one question', () => {
  const plain = dnsQuery('web.service.berth', 'A');
  test.each<[string, Buffer, string]>([
    ['another opcode', bent((packet) => (packet[2] = 0x28)), 'NOTIMP'],
    ['no question', bent((packet) => packet.writeUInt16BE(0, 4)), 'FORMERR'],
    ['two questions', bent((packet) => packet.writeUInt16BE(2, 4)), 'FORMERR'],
    ['answers', bent((packet) => packet.writeUInt16BE(1, 6)), 'FORMERR'],
    ['authorities', bent((packet) => packet.writeUInt16BE(65_535, 8)), 'FORMERR'],
    ['more additional records than there are', bent((packet) => packet.writeUInt16BE(2, 10)), 'FORMERR'],
    ['too many additional records', bent((packet) => packet.writeUInt16BE(3, 10)), 'FORMERR'],
    ['a name that is a pointer to itself', bent((packet) => packet.writeUInt16BE(0xc00c, 12)), 'FORMERR'],
    ['a label longer than the packet', bent((packet) => (packet[12] = 63)), 'FORMERR'],
    ['an option longer than the packet', bent((packet) => packet.writeUInt16BE(9, packet.length - 2)), 'FORMERR'],
    ['a header alone', plain.subarray(0, 12), 'FORMERR'],
    ['half a question', plain.subarray(0, -2), 'FORMERR'],
    ['something behind its end', Buffer.concat([plain, Buffer.from('x')]), 'FORMERR'],
    ['64 KB of it', Buffer.concat([plain, Buffer.alloc(65_000)]), 'FORMERR'],
    ['a name of 300 bytes', dnsQuery(`${'a'.repeat(60)}.`.repeat(5) + 'berth', 'A'), 'FORMERR'],
  ])('%s', async (_, packet, rcode) => {
    expect(readDnsAnswer((await askUdp(address, packet))!)).toMatchObject({ rcode, answers: [], packet: { id: 7 } });
  });

  test('an EDNS version that nobody knows: BADVERS, and which one is known', async () => {
    const packet = bent((query) => (query[query.length - 5] = 1));
    const answer = readDnsAnswer((await askUdp(address, packet))!);
    expect(answer.packet.additionals).toMatchObject([{ type: 'OPT', extendedRcode: 1, ednsVersion: 0 }]);
  });

  test.each([
    ['an answer', bent((packet) => (packet[2]! |= 0x80))],
    ['less than a header', plain.subarray(0, 11)],
    ['nothing', Buffer.alloc(0)],
  ])('%s is not answered: over UDP silence, over TCP the end', async (_, packet) => {
    expect(await askUdp(address, packet, 100)).toBeUndefined();
    expect(await askTcp(address, packet)).toBeUndefined();
    expect(await askUdp(address, plain)).toBeDefined();
  });
});

test('a packet from port 0, which nobody can answer', async () => {
  const create = jest.spyOn(jest.requireActual<typeof dgram>('node:dgram'), 'createSocket');
  const listener = await dns.server.listen('127.0.0.1:0');
  const socket = create.mock.results[0]!.value as dgram.Socket;
  create.mockRestore();
  const packet = dnsQuery('web.service.berth', 'A');
  socket.emit('message', packet, { address: '127.0.0.1', family: 'IPv4', port: 0, size: packet.length });
  expect(await askUdp(listener.address, packet)).toBeDefined();
  await listener.close();
});

describe('connections', () => {
  const query = (id: number) => dnsQuery('web.service.berth', 'A', { id });

  test('many queries at once, cut anywhere, all answered, also when no more will come', async () => {
    const client = await connectTcp(address);
    const bytes = Buffer.concat(Array.from({ length: 300 }, (_, id) => framed(query(id))));
    for (let at = 0; at < bytes.length; at += 97) client.socket.write(bytes.subarray(at, at + 97));
    client.socket.end();
    await client.closed;
    expect(new Set(client.answers.map((one) => one.readUInt16BE()))).toEqual(new Set(Array(300).keys()));
  });

  test('who waits for etcd does not keep others waiting', async () => {
    discovery.set('late', []);
    discovery.slow.add('late');
    const client = await connectTcp(address);
    client.send(dnsQuery('late.service.berth', 'A', { id: 1 }), query(2));
    client.socket.end();
    await client.closed;
    expect(client.answers.map((one) => one.readUInt16BE())).toEqual([2, 1]);
  });

  test('a query larger than any, or smaller than a header, ends the connection', async () => {
    for (const length of [MAX_QUERY_BYTES + 1, 65_535, 11, 0]) {
      const client = await connectTcp(address);
      client.socket.write(Buffer.from([length >> 8, length & 255]));
      await client.closed;
      expect(client.answers).toEqual([]);
    }
  });

  test('who does not read does not make it keep answers without end', async () => {
    const socket = connect(Number(address.split(':')[1]), '127.0.0.1').on('error', () => undefined);
    socket.pause();
    const many = framed(dnsQuery('many.service.berth', 'SRV'));
    const before = process.memoryUsage().arrayBuffers;
    // Answers of 50 MB.
    for (let turn = 0; turn < 4000; turn++) socket.write(many);
    for (let turn = 0; turn < 20; turn++) await askUdp(address, query(3));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(25e6);
    socket.destroy();
  });

  test('of too many, the one that has been silent longest goes', async () => {
    const first = await connectTcp(address);
    const second = await connectTcp(address);
    first.send(query(1));
    await first.next();
    const others = [];
    for (let count = 2; count <= MAX_CONNECTIONS; count++) others.push(await connectTcp(address));
    await second.closed;
    first.send(query(2));
    expect((await first.next())!.readUInt16BE()).toBe(2);
    for (const { socket } of [first, second, ...others]) socket.destroy();
  });
});

test('who waits for a name server when all ends hears nothing, and asks again: a failure would be an answer', async () => {
  const outside = await startNameServer(() => []);
  const other = new AgentDns({ ...options, upstreams: [outside.address] });
  const listener = await other.server.listen('127.0.0.1:0');
  const asked = askUdp(listener.address, dnsQuery('example.com', 'A'), 500);
  await until('it is asked', () => outside.seen.length > 0);
  await other.close();
  expect(await asked).toBeUndefined();
  await outside.close();
});

describe('addresses', () => {
  test('IPv6', async () => {
    const listener = await dns.server.listen('[::1]:0');
    const query = dnsQuery('web.service.berth', 'A');
    expect(readDnsAnswer((await askUdp(listener.address, query))!).answers).toEqual(['A 10.0.0.1']);
    expect(readDnsAnswer((await askTcp(listener.address, query))!).answers).toEqual(['A 10.0.0.1']);
    await listener.close();
    await listener.close();
    expect(dns.server.addresses).toEqual([address]);
  });

  test.each(['udp', 'tcp'])(
    'one whose port is taken for %s is had once it is free, and nothing is left behind',
    async (kind) => {
      const taken = await (kind === 'udp' ? takeUdp() : takeTcp());
      const clock = createFakeClock();
      const { log, lines } = recordLog(clock);
      const other = new AgentDns({ ...options, clock, log });
      await expect(other.server.listen(taken.address)).rejects.toThrow('EADDRINUSE');
      const kept = other.listen(taken.address);
      await until('it has been tried', () => kept.problem);
      expect(kept).toMatchObject({
        address: undefined,
        problem: expect.stringMatching(/another program has port \d+ of 127\.0\.0\.1 \(EADDRINUSE\); ss /),
      });
      await taken.close();
      await until('it is had', async () => {
        await clock.advance(1000);
        return kept.address;
      });
      expect(kept).toMatchObject({ address: taken.address, problem: undefined });
      expect(await askUdp(taken.address, dnsQuery('web.service.berth', 'A'))).toBeDefined();
      expect(lines.map(({ message }) => message)).toEqual([
        'DNS can not be answered here; will try again',
        'DNS is answered here now',
      ]);
      await kept.close();
      await other.close();
      expect(clock.pending).toBe(0);
    },
  );

  test('one that this machine does not have is no reason to end, nor to wait when all ends', async () => {
    const kept = dns.listen('192.0.2.1:53');
    await until('it has been tried', () => kept.problem);
    expect(kept.problem).toContain('192.0.2.1 is no address of this host');
    await kept.close();
    expect(kept.address).toBeUndefined();
  });
});

async function takeUdp() {
  const socket = createSocket('udp4');
  await once(socket.bind(await freePort(), '127.0.0.1'), 'listening');
  const close = () => new Promise<void>((resolve) => socket.close(resolve));
  return { address: `127.0.0.1:${socket.address().port}`, close };
}

async function takeTcp() {
  const server = createServer();
  await once(server.listen(await freePort(), '127.0.0.1'), 'listening');
  const close = () => new Promise<void>((resolve) => void server.close(() => resolve()));
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}
