/** Sockets that another process made and handed over, as systemd does. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { dnsQuery, readDnsAnswer } from '../../../test/support/dns-client';
import { askTcp, askUdp } from '../../../test/support/dns-exchange';
import { sourceCommand } from '../../../test/support/source-process';
import { inheritedFds, readSocketTable, takeInherited } from './inherited';

describe('what LISTEN_FDS and LISTEN_PID say', () => {
  const trouble = expect.stringMatching(/no number of sockets from 0 to 64/);
  test.each<[string, string | undefined, string | undefined, unknown]>([
    ['nobody hands over any', undefined, undefined, { fds: [] }],
    ['two', '2', '42', { fds: [3, 4] }],
    ['none', '0', '42', { fds: [] }],
    ['for another process', '2', '41', { fds: [] }],
    ['for nobody', '2', undefined, { fds: [] }],
    ['for something that is no process', '2', '42x', { fds: [] }],
    ['as many as there may be', '64', '42', { fds: Array.from({ length: 64 }, (_, at) => 3 + at) }],
    ['more than that', '65', '42', { fds: [], trouble }],
    ['a negative number', '-1', '42', { fds: [], trouble }],
    ['no number', '2 sockets', '42', { fds: [], trouble }],
    ['nothing', '', '42', { fds: [], trouble }],
    ['garbage for another process', 'x', '41', { fds: [] }],
  ])('%s', (_, count, owner, expected) => {
    expect(inheritedFds({ LISTEN_FDS: count, LISTEN_PID: owner }, 42)).toEqual(expected);
  });

  test('it is taken out of the environment, whomever it was meant for', async () => {
    const environment = { LISTEN_FDS: '1', LISTEN_PID: '1', LISTEN_FDNAMES: 'dns', PATH: '/bin' };
    expect(await takeInherited(environment, 42)).toEqual({ sockets: [], troubles: [] });
    expect(environment).toEqual({ PATH: '/bin' });
  });
});

test('a table of the kernel: addresses of both families; what is cut off, or no socket, is left out', () => {
  const head = '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
  const line = (local: string, state: string, inode: string): string =>
    `  12: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 2 0000000000000000 0`;
  const table = [
    head,
    line('010011AC:0035', '07', '100'),
    line('000000FD000000000000000001000000:0035', '07', '101'),
    line('B80D0120000000000000000001000000:1D1D', '07', '102'),
    line('010011AC:0035', '01', '103'),
    line('010011AC', '07', '104'),
    line('xyz:0035', '07', '105'),
    '  13: 010011AC:0035 00000000:0000 07',
    '',
  ].join('\n');
  expect(readSocketTable(table, '07')).toEqual([
    ['socket:[100]', '172.17.0.1:53'],
    ['socket:[101]', '[fd00::1]:53'],
    ['socket:[102]', '[2001:db8::1]:7453'],
  ]);
});

interface State {
  readonly addresses: readonly string[];
  readonly unwanted: readonly number[];
  readonly error: string;
}

class Inheriting {
  private readonly lines: AsyncIterator<string>;
  private constructor(private readonly child: ChildProcess) {
    this.lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  }

  /** @param sockets as test/support/handing-over.pl takes them. @returns where those are, and what the process says of them */
  static async start(...sockets: readonly string[]) {
    const handing = join(__dirname, '../../../test/support/handing-over.pl');
    const program = [process.execPath, ...sourceCommand('test/support/inheriting-process.ts')];
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'perl', handing, ...sockets, '--', ...program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const one = new Inheriting(child);
    running.push(one);
    const places = (await one.next()).split(' ');
    const { sockets: found, troubles, child: passedOn } = JSON.parse(await one.next());
    return { one, places, found, troubles, passedOn };
  }

  async do(words: string): Promise<State> {
    this.child.stdin!.write(`${words}\n`);
    return JSON.parse(await this.next()) as State;
  }

  /** It has nothing left to do, and ends by itself. @returns its exit code */
  async end(): Promise<number | null> {
    this.child.stdin!.end();
    if (this.child.exitCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }

  private async next(): Promise<string> {
    const { value, done } = await this.lines.next();
    if (done === true) throw new Error('it has ended');
    return value;
  }
}

const running: Inheriting[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.end();
});

const query = dnsQuery('web.service.berth', 'A');
async function answered(ask: typeof askUdp, address: string): Promise<readonly string[] | undefined> {
  const answer = await ask(address, query);
  return answer && readDnsAnswer(answer).answers;
}

test.each([
  ['127.0.0.1', 4],
  ['::1', 6],
])('UDP and TCP at %s are known for what they are, answered, and passed on to nobody', async (host, family) => {
  const { one, places, found, troubles, passedOn } = await Inheriting.start(`udp=${host}`, `tcp=${host},same`);
  const [address] = places as [string];
  expect(found).toEqual([
    { fd: 3, protocol: 'udp', family, address },
    { fd: 4, protocol: 'tcp', family, address },
  ]);
  expect({ troubles, passedOn }).toEqual({ troubles: [], passedOn: '' });
  expect(await answered(askUdp, address)).toEqual(['A 10.0.0.1']);
  expect(await answered(askTcp, address)).toEqual(['A 10.0.0.1']);
  expect(await one.end()).toBe(0);
});

test('one that was listened on and is closed is answered on, and can be listened on again', async () => {
  const { one, places } = await Inheriting.start('udp=127.0.0.1', 'tcp=127.0.0.1,same');
  const [address] = places as [string];
  expect(await one.do('listen 127.0.0.1:0')).toMatchObject({ unwanted: [3, 4], error: '' });
  expect(await one.do('close')).toEqual({ addresses: [address], unwanted: [3, 4], error: '' });
  for (let time = 0; time < 2; time++) {
    expect(await one.do(`listen ${address}`)).toEqual({ addresses: [address], unwanted: [], error: '' });
    expect(await one.do('close')).toEqual({ addresses: [address], unwanted: [], error: '' });
    expect(await answered(askUdp, address)).toEqual(['A 10.0.0.1']);
    expect(await answered(askTcp, address)).toEqual(['A 10.0.0.1']);
  }
});

test.each(['udp', 'tcp'])('with %s alone the other is bound as it would be without', async (protocol) => {
  const { one, places } = await Inheriting.start(`${protocol}=127.0.0.1`);
  const [address] = places as [string];
  expect(await one.do(`listen ${address}`)).toEqual({ addresses: [address], unwanted: [], error: '' });
  expect(await answered(askUdp, address)).toEqual(['A 10.0.0.1']);
  expect(await answered(askTcp, address)).toEqual(['A 10.0.0.1']);
});

test('what is no socket is told, and the others are used', async () => {
  const { places, found, troubles } = await Inheriting.start('none', 'udp=127.0.0.1');
  expect(found).toEqual([{ fd: 4, protocol: 'udp', family: 4, address: places[0] }]);
  expect(troubles).toEqual([expect.stringMatching(/^descriptor 3 \(\/dev\/null\) is not a socket.*ListenDatagram=/)]);
});
