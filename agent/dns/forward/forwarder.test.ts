/** Names that are not ours: asked of real name servers on loopback. */
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../lib/clock';
import { splitListen } from '../../../lib/listen-address';
import { dnsQuery, readDnsAnswer } from '../../../test/support/dns-client';
import { askTcp, askUdp } from '../../../test/support/dns-exchange';
import { createFakeClock, type FakeClock } from '../../../test/support/fake-clock';
import { createFakeDiscovery } from '../../../test/support/fake-discovery';
import {
  nothingFor,
  startNameServer,
  type AnswerOutside,
  type NameServerOutside,
} from '../../../test/support/name-server';
import { recordLog } from '../../../test/support/recorded-log';
import { until } from '../../../test/support/wait';
import { AgentDns, type DnsOptions } from '../dns';
import type { Outcome } from '../responder';
import { MAX_IN_FLIGHT, MAX_MORE_TRIES, MAX_SAME_QUESTION, TRY_MS } from './forwarder';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function outside(answer: AnswerOutside): Promise<NameServerOutside> {
  const server = await startNameServer(answer);
  closers.push(() => server.close());
  return server;
}

async function createScene(options: Partial<DnsOptions>) {
  const { log, lines } = recordLog(systemClock);
  const outcomes: Outcome[] = [];
  let failures = 0;
  const dns = new AgentDns({
    ...{ discovery: createFakeDiscovery(), domain: 'berth', host: 'h1', preferredZone: undefined, ttlSeconds: 1 },
    ...{ upstreams: [], clock: systemClock, random: Math.random, log },
    metrics: { onQuery: (outcome) => outcomes.push(outcome), onForwardFailure: () => failures++ },
    ...options,
  });
  const { address } = await dns.server.listen('127.0.0.1:0');
  closers.push(() => dns.close());
  const ask = async (name: string, id = 7) => readDnsAnswer((await askUdp(address, dnsQuery(name, 'A', { id })))!);
  return { dns, address, ask, outcomes, lines, failures: () => failures };
}

/** Time passes for tries alone. */
async function pass(clock: FakeClock, isOver: () => boolean): Promise<void> {
  await until('the time has come', async () => {
    await clock.advance(TRY_MS / 10);
    return isOver();
  });
}

test('the packet goes out as it came, with another id, and so does the answer', async () => {
  const query = dnsQuery('WWW.example.com', 'MX', { id: 77, payloadBytes: 1400 });
  const server = await outside((packet) => [nothingFor(packet)]);
  const { address, outcomes } = await createScene({ upstreams: [server.address] });
  for (const over of [askUdp, askTcp]) expect(await over(address, query)).toEqual(nothingFor(query));
  expect([server.seen.length, server.overTcp.length]).toEqual([1, 1]);
  expect(server.seen[0]!.subarray(2)).toEqual(query.subarray(2));
  const ids = await Promise.all(
    Array.from({ length: 20 }, (_, at) => askUdp(address, dnsQuery(`${at}.example.com`, 'A'))),
  ).then(() => server.seen.map((packet) => packet.readUInt16BE()));
  expect(new Set(ids).size).toBeGreaterThan(15);
  expect(new Set(outcomes)).toEqual(new Set(['forwarded']));
});

test('an answer that is cut is passed on as it is', async () => {
  const server = await outside((packet) => {
    const cut = nothingFor(packet);
    cut[2]! |= 2;
    return [cut];
  });
  const { ask } = await createScene({ upstreams: [server.address] });
  expect((await ask('big.example.com')).isTruncated).toBe(true);
});

test.each<[string, (packet: Buffer) => Buffer]>([
  ['another id', (packet) => (packet.writeUInt16BE(packet.readUInt16BE() ^ 1), packet)],
  ['another question', (packet) => (packet.write('x', 13), packet)],
  ['another type', (packet) => (packet.writeUInt16BE(28, packet.length - 4), packet)],
  ['no answer at all', (packet) => ((packet[2] = 1), packet)],
  ['half a question', (packet) => packet.subarray(0, 20)],
  ['no question, but success', (packet) => (packet.writeUInt16BE(0, 4), packet.subarray(0, 12))],
])('an answer with %s is not taken', async (_, change) => {
  const server = await outside((packet) => [change(nothingFor(packet)), nothingFor(packet, 3)]);
  const { ask } = await createScene({ upstreams: [server.address] });
  expect((await ask('a.example.com')).rcode).toBe('NXDOMAIN');
});

test('one that is silent costs a try, once; the one that answered is asked first from then on', async () => {
  const silent = await outside(() => []);
  const good = await outside((packet) => [nothingFor(packet)]);
  const clock = createFakeClock();
  const { ask, failures } = await createScene({ clock, upstreams: [silent.address, good.address] });
  let first: string | undefined;
  void ask('a.example.com').then(({ rcode }) => (first = rcode));
  await until('it is asked', () => silent.seen.length > 0);
  await pass(clock, () => first !== undefined);
  expect(first).toBe('NOERROR');
  expect((await ask('b.example.com')).rcode).toBe('NOERROR');
  expect([silent.seen.length, good.seen.length, failures()]).toEqual([1, 2, 1]);
});

test.each([[2], [4], [5]])(
  'one that answers with code %i is passed over, unless no other does better',
  async (rcode) => {
    const poor = await outside((packet) => [nothingFor(packet, rcode)]);
    const good = await outside((packet) => [nothingFor(packet, 3)]);
    const both = await createScene({ upstreams: [poor.address, good.address] });
    expect((await both.ask('a.example.com')).rcode).toBe('NXDOMAIN');
    const alone = await createScene({ upstreams: [poor.address] });
    expect((await alone.ask('a.example.com')).packet).toMatchObject({ flag_ra: true, id: 7 });
    expect(poor.seen.length).toBe(2);
  },
);

test('nobody listens, and nobody is there to ask: SERVFAIL at once, told once', async () => {
  const closed = await outside(() => []);
  const { address } = closed;
  await closers.shift()!();
  const { ask, lines, failures, outcomes } = await createScene({ upstreams: [address] });
  for (const name of ['a.example.com', 'b.example.com']) expect((await ask(name)).rcode).toBe('SERVFAIL');
  expect(lines.map(({ message }) => message)).toEqual([
    'no name server answers: names outside of the cluster are not found',
  ]);
  expect(failures()).toBe(6);
  expect(outcomes).toEqual(['servfail', 'servfail']);
});

test('the same question of many is asked once; each gets the answer with its own id', async () => {
  let answer = (): void => undefined;
  const told = new Promise<void>((resolve) => (answer = resolve));
  const slow = await outside((packet) => told.then(() => [nothingFor(packet)]));
  const { ask } = await createScene({ upstreams: [slow.address] });
  const asked = Array.from({ length: 50 }, (_, id) => ask('a.example.com', id));
  // By then the others have come in.
  await ask('none.berth');
  answer();
  expect((await Promise.all(asked)).map(({ packet }) => packet.id)).toEqual([...Array(50).keys()]);
  expect(slow.seen).toHaveLength(1);
});

test('the same question of ten in packets of their own: each is asked for itself, however long it takes, and by the next server', async () => {
  let answer = (): void => undefined;
  const told = new Promise<void>((resolve) => (answer = resolve));
  const slow = await outside((packet) => told.then(() => [nothingFor(packet, 2)]));
  const good = await outside((packet) => [nothingFor(packet, 3)]);
  const { address } = await createScene({ clock: createFakeClock(), upstreams: [slow.address, good.address] });
  const asked = Array.from({ length: 10 }, (_, at) => {
    // Mixed case (0x20), as unbound sends it.
    const name = [...'shop.example.com'].map((letter, bit) => ((at + 1) & (1 << bit) ? letter.toUpperCase() : letter));
    return askUdp(address, dnsQuery(name.join(''), 'A'));
  });
  await until('all are under way', () => slow.seen.length === 10);
  answer();
  const rcodes = (await Promise.all(asked)).map((packet) => readDnsAnswer(packet!).rcode);
  expect(rcodes).toEqual(Array(10).fill('NXDOMAIN'));
  expect(good.seen).toHaveLength(10);
});

test('who asks without end has half of the questions that may be under way, and others find room', async () => {
  const isFast = (packet: Buffer): boolean => packet.includes('other');
  const slow = await outside((packet) => (isFast(packet) ? [nothingFor(packet)] : []));
  const { address, ask, outcomes, dns } = await createScene({ clock: createFakeClock(), upstreams: [slow.address] });
  const most = MAX_IN_FLIGHT / 2;
  const client = createSocket('udp4');
  closers.push(() => new Promise<void>((resolve) => client.close(resolve)));
  const { host, port } = splitListen(address);
  for (let at = 0; at < most; at++) client.send(dnsQuery(`${at}.example.com`, 'A'), port, host);
  await until('all are asked', () => slow.seen.length === most);
  expect((await ask('one-more.example.com')).rcode).toBe('SERVFAIL');
  const other = await askUdp(address, dnsQuery('other.example.com', 'A'), undefined, '127.0.0.2');
  expect(readDnsAnswer(other!).rcode).toBe('NOERROR');
  expect(outcomes).toEqual(['servfail', 'forwarded']);
  // Nobody is waited for when the agent ends.
  await dns.close();
  await until('all have ended', () => outcomes.length === most + 2);
});

describe('loops', () => {
  test('we do not ask ourselves', async () => {
    // Ports are known once somebody listens. One that was merely free a moment ago may be a client's by then.
    const upstreams: string[] = [];
    const { dns } = await createScene({ upstreams });
    const ours = await dns.server.listen('127.0.0.1:0');
    const other = ours.address.replace('127.0.0.1', '127.0.0.2');
    upstreams.push(ours.address, other);
    expect(new Set((await dns.explain('a.example.com', 'A')).askedServers)).toEqual(new Set([other]));
    await ours.close();
    expect((await dns.explain('a.example.com', 'A')).askedServers).toHaveLength(3);
  });

  test('packets that are sent back to us as they are: the next server is asked at once', async () => {
    let home = '';
    const mirror = await outside((packet) => {
      void askUdp(home, packet).then((answer) => back.push(answer));
      return [];
    });
    const back: (Buffer | undefined)[] = [];
    const good = await outside((packet) => [nothingFor(packet, 3)]);
    const { ask, address, outcomes } = await createScene({
      clock: createFakeClock(),
      upstreams: [mirror.address, good.address],
    });
    home = address;
    expect((await ask('a.example.com')).rcode).toBe('NXDOMAIN');
    await until('the loop is answered too', () => back.length > 0);
    expect(outcomes.sort()).toEqual(['forwarded', 'servfail']);
  });

  test('by a server that asks us the same with another id: it waits for itself, and no longer than its tries', async () => {
    let home = '';
    const asker = await outside((packet) => {
      const again = Buffer.from(packet);
      again.writeUInt16BE(packet.readUInt16BE() ^ 1);
      void askUdp(home, again, 100);
      return [];
    });
    const clock = createFakeClock();
    const { ask, address } = await createScene({ clock, upstreams: [asker.address] });
    home = address;
    let rcode: string | undefined;
    void ask('a.example.com').then((answer) => (rcode = answer.rcode));
    await pass(clock, () => rcode !== undefined);
    expect([rcode, asker.seen.length]).toEqual(['SERVFAIL', 3]);
  });

  test('by a server that asks us in words of its own: after so many rounds', async () => {
    let home = '';
    let turn = 0;
    const asker = await outside(async (packet) => {
      const again = dnsQuery('a.example.com', 'A', { payloadBytes: 600 + turn++ });
      const answer = await askUdp(home, again);
      return [nothingFor(packet, answer![3]! & 15)];
    });
    const { ask, address } = await createScene({ clock: createFakeClock(), upstreams: [asker.address] });
    home = address;
    expect((await ask('a.example.com')).rcode).toBe('SERVFAIL');
    expect(asker.seen).toHaveLength(MAX_SAME_QUESTION);
  });

  test('by several that do so: none is asked without end', async () => {
    let home = '';
    let turn = 0;
    const answer = async (packet: Buffer): Promise<readonly Buffer[]> => {
      const back = await askUdp(home, dnsQuery('a.example.com', 'A', { payloadBytes: 600 + turn++ }));
      return [nothingFor(packet, back![3]! & 15)];
    };
    const askers = [await outside(answer), await outside(answer), await outside(answer)];
    const upstreams = askers.map(({ address }) => address);
    const { ask, address } = await createScene({ clock: createFakeClock(), upstreams });
    home = address;
    expect((await ask('a.example.com')).rcode).toBe('SERVFAIL');
    const packets = askers.reduce((sum, { seen }) => sum + seen.length, 0);
    expect(packets).toBeGreaterThan(MAX_SAME_QUESTION);
    expect(packets).toBeLessThan(4 * MAX_MORE_TRIES);
  });
});

describe('resolv.conf', () => {
  test('it is read again when it has changed; one that is gone changes nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-dns-'));
    const resolvConf = join(folder, 'resolv.conf');
    const clock = createFakeClock();
    const { dns } = await createScene({ clock, resolvConf });
    const asked = async () => {
      const explaining = dns.explain('a.example.com', 'A');
      let servers: readonly string[] | undefined;
      void explaining.then(({ askedServers }) => (servers = askedServers));
      await pass(clock, () => servers !== undefined);
      return new Set(servers);
    };
    try {
      expect(await asked()).toEqual(new Set());
      writeFileSync(resolvConf, 'nameserver 127.1.1.1\n');
      await clock.advance(1000);
      expect(await asked()).toEqual(new Set(['127.1.1.1:53']));
      writeFileSync(resolvConf, 'nameserver 127.1.1.2\n');
      await clock.advance(1000);
      expect(await asked()).toEqual(new Set(['127.1.1.2:53']));
      rmSync(resolvConf);
      await clock.advance(1000);
      expect(await asked()).toEqual(new Set(['127.1.1.2:53']));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
