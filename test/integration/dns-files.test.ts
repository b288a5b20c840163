/** A process that has too few files for all that is asked of it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { dnsQuery, readDnsAnswer } from '../support/dns-client';
import { askTcp, askUdp, connectTcp } from '../support/dns-exchange';
import { nothingFor, startNameServer, type NameServerOutside } from '../support/name-server';
import { sourceCommand } from '../support/source-process';
import { until } from '../support/wait';

const FILES = 60;
const query = dnsQuery('web.service.berth', 'A');
let outside: NameServerOutside;
let server: ChildProcess;
let address: string;
let isSilent = false;

beforeAll(async () => {
  outside = await startNameServer((packet) => (isSilent ? [] : [nothingFor(packet)]));
  const node = [process.execPath, ...sourceCommand('test/support/dns-process.ts'), outside.address];
  server = spawn('sh', ['-c', `ulimit -n ${FILES} && exec "$0" "$@"`, ...node], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(server.stdout!, 'data')) as [Buffer];
  address = line.toString().trim();
});
afterAll(async () => {
  server.kill('SIGKILL');
  await outside.close();
});

const addresses = async (): Promise<readonly string[]> => readDnsAnswer((await askUdp(address, query))!).answers;

test('connections and questions to others take all of them: it answers from memory, and goes on with all of it afterwards', async () => {
  const clients = [];
  for (let count = 0; count < 2 * FILES; count++) clients.push(await connectTcp(address));
  expect(await addresses()).toEqual(['A 10.0.0.1']);
  isSilent = true;
  const rcodes = Array.from({ length: 2 * FILES }, async (_, at) => {
    const answer = await askUdp(address, dnsQuery(`${at}.example.com`, 'A'));
    return readDnsAnswer(answer!).rcode;
  });
  expect(await addresses()).toEqual(['A 10.0.0.1']);
  expect(new Set(await Promise.all(rcodes))).toEqual(new Set(['SERVFAIL']));
  isSilent = false;
  for (const { socket } of clients) socket.destroy();
  await until('it takes connections again', () => askTcp(address, query));
  await until('it asks others again', async () => {
    const answer = await askUdp(address, dnsQuery('www.example.com', 'A'));
    return readDnsAnswer(answer!).rcode === 'NOERROR';
  });
  expect(await addresses()).toEqual(['A 10.0.0.1']);
  expect(server.exitCode).toBeNull();
});
