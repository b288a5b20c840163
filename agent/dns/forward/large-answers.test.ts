/** Answers of name servers outside that are as large as can be: what they may take of the agent's memory. */
import { dnsQuery, readDnsAnswer } from '../../../test/support/dns-client';
import { askTcp, askUdp, connectTcp } from '../../../test/support/dns-exchange';
import { createFakeClock } from '../../../test/support/fake-clock';
import { createFakeDiscovery } from '../../../test/support/fake-discovery';
import { nothingFor, startNameServer, type AnswerOutside } from '../../../test/support/name-server';
import { silentLogger } from '../../../lib/log';
import { gate, until } from '../../../test/support/wait';
import { AgentDns } from '../dns';
import type { Outcome } from '../responder';
import { MAX_ASKERS } from './forwarder';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function createScene(answer: AnswerOutside) {
  const outcomes: Outcome[] = [];
  const server = await startNameServer(answer);
  closers.push(() => server.close());
  const dns = new AgentDns({
    ...{ discovery: createFakeDiscovery(), domain: 'berth', host: 'h1', preferredZone: undefined, ttlSeconds: 1 },
    ...{ upstreams: [server.address], clock: createFakeClock(), random: Math.random, log: silentLogger },
    metrics: { onQuery: (outcome) => outcomes.push(outcome), onForwardFailure: () => undefined },
  });
  const { address } = await dns.server.listen('127.0.0.1:0');
  closers.push(() => dns.close());
  return { address, outcomes };
}

test('one asker waits so many times at once over TCP, and no more: each may get 64 KB at the same moment', async () => {
  const { wait, open } = gate();
  const { address, outcomes } = await createScene((packet) => wait.then(() => [nothingFor(packet)]));
  const [each, most] = [64, MAX_ASKERS.tcp / 2];
  const clients = await Promise.all(Array.from({ length: most / each + 2 }, () => connectTcp(address)));
  for (const client of clients) client.send(...Array<Buffer>(each).fill(dnsQuery('a.example.com', 'A')));
  await until('some are sent away', () => outcomes.length === 2 * each);
  expect(new Set(outcomes)).toEqual(new Set(['servfail']));
  open();
  await until('the others are answered', () => outcomes.length === clients.length * each);
  expect(outcomes.filter((outcome) => outcome === 'forwarded')).toHaveLength(most);
  for (const { socket } of clients) socket.destroy();
});

test('an answer over UDP that is longer than anybody was promised is cut; over TCP it is had', async () => {
  const long = (packet: Buffer): Buffer => Buffer.concat([nothingFor(packet), Buffer.alloc(5000)]);
  const { address } = await createScene((packet) => [long(packet)]);
  const query = dnsQuery('a.example.com', 'TXT', { payloadBytes: 65_535 });
  const { isTruncated, rcode, answers, packet } = readDnsAnswer((await askUdp(address, query))!);
  expect([isTruncated, rcode, answers, packet.additionals!.length]).toEqual([true, 'NOERROR', [], 1]);
  expect(await askTcp(address, query)).toEqual(long(query));
});
