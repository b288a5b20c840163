/** The resolvers that people have, against our server: dig, glibc, musl. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AgentDns } from '../../agent/dns/dns';
import { systemClock } from '../../lib/clock';
import { silentLogger } from '../../lib/log';
import { createFakeDiscovery, fakeEndpoint } from '../support/fake-discovery';
import { nothingFor, startNameServer, type NameServerOutside } from '../support/name-server';

const MUSL = { loader: '/lib/ld-musl-x86_64.so.1', libc: '/lib/x86_64-linux-musl/libc.so' };
/** As resolvers take no port, and other tests run beside this one. */
const HOST = `127.${(process.pid >> 8) & 255}.${process.pid & 255}.53`;
const folder = mkdtempSync(join(tmpdir(), 'berth-dns-clients-'));
const run = promisify(execFile);

const discovery = createFakeDiscovery();
discovery.hosts.set('h1', '10.0.0.1');
discovery.set('web', [fakeEndpoint('web-1-aaaa'), fakeEndpoint('web-2-aaaa')]);
discovery.set('six', [fakeEndpoint('six-1-aaaa', { host: '2001:db8::6' })]);
discovery.set(
  'many',
  Array.from({ length: 200 }, (_, at) => fakeEndpoint(`many-${at + 1}-aaaa`, { host: `10.1.0.${at + 1}` })),
);
let outside: NameServerOutside;
let dns: AgentDns;

beforeAll(async () => {
  outside = await startNameServer((packet) => [nothingFor(packet, packet.includes('missing') ? 3 : 0)]);
  dns = new AgentDns({
    ...{ discovery, domain: 'berth', host: 'h1', preferredZone: undefined, ttlSeconds: 1 },
    ...{ upstreams: [outside.address], clock: systemClock, random: Math.random, log: silentLogger },
  });
  await dns.server.listen(`${HOST}:53`);
  writeFileSync(join(folder, 'resolv.conf'), `nameserver ${HOST}\nsearch service.berth\n`);
});
afterAll(async () => {
  await dns.close();
  await outside.close();
  rmSync(folder, { recursive: true });
});

/** @returns lines of what it printed */
async function dig(...args: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await run('dig', [`@${HOST}`, ...args]);
  return stdout.trim().split('\n');
}

/** Runs a program in a mount namespace of its own, whose /etc/resolv.conf names our server. */
async function resolving(...command: readonly string[]): Promise<{ code: number; lines: readonly string[] }> {
  const script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
  const args = ['--mount', 'sh', '-c', script, join(folder, 'resolv.conf'), ...command];
  return run('unshare', args).then(
    ({ stdout }) => ({ code: 0, lines: stdout.trim().split('\n') }),
    ({ code, stdout }: { code: number; stdout: string }) => ({ code, lines: [stdout.trim()] }),
  );
}

const sorted = (lines: readonly string[]): readonly string[] => [...lines].sort();
const MANY = Array.from({ length: 200 }, (_, at) => `10.1.0.${at + 1}`).sort();

describe('dig', () => {
  test.each([
    [['+notcp']],
    [['+tcp']],
    [['+noedns']],
    [['+cookie', '+dnssec', '+bufsize=4096']],
    [['+subnet=10.0.0.0/8']],
  ])('addresses: %j', async (options) => {
    expect(sorted(await dig('WEB.service.berth', '+short', ...options))).toEqual(['10.0.0.1', '10.0.0.2']);
  });

  test('ports, and the addresses of their targets in the same answer', async () => {
    const lines = await dig('_http._tcp.web.service.berth', 'SRV', '+noall', '+answer', '+additional');
    expect(sorted(lines.map((line) => line.replaceAll(/\s+/g, ' ')))).toEqual([
      '_http._tcp.web.service.berth. 1 IN SRV 1 100 31001 web-1-aaaa.web.service.berth.',
      '_http._tcp.web.service.berth. 1 IN SRV 1 100 31002 web-2-aaaa.web.service.berth.',
      'web-1-aaaa.web.service.berth. 1 IN A 10.0.0.1',
      'web-2-aaaa.web.service.berth. 1 IN A 10.0.0.2',
    ]);
  });

  test.each([
    ['the other way round', ['-x', '10.0.0.1'], 'h1.host.berth.'],
    ['a host', ['h1.host.berth'], '10.0.0.1'],
    ['IPv6', ['six.service.berth', 'AAAA'], '2001:db8::6'],
    ['all that there is', ['web.service.berth', 'ANY'], '"RFC8482" ""'],
    ['who answers', ['berth', 'NS'], 'h1.host.berth.'],
  ])('%s', async (_, args, answer) => {
    expect(await dig(...args, '+short')).toEqual([answer]);
  });

  test.each([
    ['nobody has', ['none.service.berth'], 'NXDOMAIN'],
    ['has no such data', ['web.service.berth', 'AAAA'], 'NOERROR'],
  ])('a name that %s comes with how long that may be kept', async (_, args, status) => {
    const lines = (await dig(...args)).join('\n');
    expect(lines).toContain(`status: ${status}`);
    expect(lines).toMatch(/flags: qr aa rd ra; QUERY: 1, ANSWER: 0, AUTHORITY: 1/);
    expect(lines).toMatch(/^berth\.\s+1\s+IN\s+SOA\s+h1\.host\.berth\. hostmaster\.berth\. 1 3600 600 86400 1$/m);
    expect(lines).not.toMatch(/WARNING|malformed|bad/i);
  });

  test('200 addresses: cut over UDP and said so, whole over TCP, which it tries by itself', async () => {
    const cut = (await dig('many.service.berth', '+bufsize=512', '+ignore')).join('\n');
    expect(cut).toMatch(/flags: qr aa tc rd ra/);
    expect(sorted(await dig('many.service.berth', '+bufsize=512', '+short'))).toEqual(MANY);
    expect(sorted(await dig('many.service.berth', '+noedns', '+short'))).toEqual(MANY);
  });

  test('names outside, over UDP and TCP', async () => {
    for (const options of [['+notcp'], ['+tcp']]) {
      expect((await dig('missing.example.com', ...options)).join('\n')).toContain('status: NXDOMAIN');
      expect((await dig('there.example.com', ...options)).join('\n')).toContain('status: NOERROR');
    }
  });

  test('a version of EDNS that is not there yet', async () => {
    expect((await dig('web.service.berth', '+edns=1', '+noednsnegotiation')).join('\n')).toContain('status: BADVERS');
    expect(sorted(await dig('web.service.berth', '+edns=1', '+short'))).toEqual(['10.0.0.1', '10.0.0.2']);
  });
});

describe('glibc', () => {
  const ahosts = async (...args: readonly string[]) => {
    const { code, lines } = await resolving('getent', ...args);
    return { code, addresses: sorted([...new Set(lines.map((line) => line.split(' ')[0]!))]) };
  };

  test.each([['web.service.berth'], ['web']])('%s has both addresses', async (name) => {
    expect(await ahosts('ahosts', name)).toEqual({ code: 0, addresses: ['10.0.0.1', '10.0.0.2'] });
  });

  test('one instance, IPv6, and a host by its address', async () => {
    expect(await ahosts('ahosts', 'web-2.web.service.berth')).toEqual({ code: 0, addresses: ['10.0.0.2'] });
    expect(await ahosts('ahostsv6', 'six.service.berth')).toEqual({ code: 0, addresses: ['2001:db8::6'] });
    expect((await resolving('getent', 'hosts', '10.0.0.1')).lines[0]).toMatch(/^10\.0\.0\.1\s+h1\.host\.berth$/);
  });

  test('all 200 addresses: it asks again over TCP', async () => {
    expect(await ahosts('ahosts', 'many.service.berth')).toEqual({ code: 0, addresses: MANY });
  });

  test('a name that nobody has', async () => {
    expect(await ahosts('ahosts', 'none.service.berth')).toEqual({ code: 2, addresses: [''] });
  });
});

describe('musl', () => {
  const program = join(folder, 'lookup');
  const lookUp = (name: string) => resolving(MUSL.loader, program, name);
  beforeAll(async () => {
    await run('tcc', ['-nostdlib', '-nostdinc', '-o', program, join(__dirname, '../support/lookup.c'), MUSL.libc]);
  });

  test.each([
    ['web.service.berth', ['10.0.0.1', '10.0.0.2']],
    ['web', ['10.0.0.1', '10.0.0.2']],
    ['web-2-aaaa.web.service.berth', ['10.0.0.2']],
    ['six.service.berth', ['2001:db8::6']],
  ])('%s', async (name, addresses) => {
    const { code, lines } = await lookUp(name);
    expect({ code, lines: sorted(lines) }).toEqual({ code: 0, lines: addresses });
  });

  test('of 200 addresses as many as 512 bytes have: before 1.2.4 it asks neither with EDNS nor over TCP', async () => {
    const { code, lines } = await lookUp('many.service.berth');
    expect(code).toBe(0);
    expect(lines.length).toBeGreaterThanOrEqual(25);
    expect(lines.filter((line) => !MANY.includes(line))).toEqual([]);
  });

  test('a name that nobody has', async () => {
    expect(await lookUp('none.service.berth')).toMatchObject({ code: 1, lines: ['Name does not resolve'] });
  });
});
