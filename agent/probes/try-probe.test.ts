/** Each kind of probe against real servers on this machine. */
import { Server as GrpcServer, ServerCredentials, status } from '@grpc/grpc-js';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../lib/clock';
import { HealthStub } from '../../lib/rpc/health';
import { MemoryDocker } from '../docker/simulated/memory-docker';
import { createMemoryEngine } from '../docker/simulated/memory-engine';
import type { HttpProbe } from './http-try';
import { describeFailure } from './outcome';
import { createTryProbe } from './try-probe';
import type { Probe } from '../../lib/documents/types';

const RULES = { intervalMs: 1000, timeoutMs: 1000, startPeriodMs: 0, failures: 3, successes: 1 };
const HTTP: Omit<HttpProbe, 'port'> = {
  ...{ path: '/', statusMin: 200, statusMax: 399, headers: {}, scheme: 'http', method: 'GET' },
};
const engine = createMemoryEngine(new MemoryDocker({ clock: systemClock }), { host: 'h', prefix: '/p' });
const tryProbe = createTryProbe({ engine, clock: systemClock });
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** @returns why it failed, for people; undefined for a success */
async function failureOf(
  kind: Partial<Probe>,
  { address = '127.0.0.1', timeoutMs = 5000 } = {},
): Promise<string | undefined> {
  const probe: Probe = { ...RULES, ...kind };
  const target = { containerId: 'c', address };
  const outcome = await tryProbe(probe, target, AbortSignal.timeout(timeoutMs));
  return describeFailure(outcome, probe, target, timeoutMs)?.replace(/:\d{4,5}\b/, ':PORT');
}
const httpFailure = (port: number, changes: Partial<HttpProbe> = {}, rest = {}): Promise<string | undefined> =>
  failureOf({ http: { ...HTTP, ...changes, port } }, rest);

async function listen(server: net.Server, address = '127.0.0.1'): Promise<number> {
  server.listen(0, address);
  await once(server, 'listening');
  closing.push(() => server.close());
  return (server.address() as net.AddressInfo).port;
}
const serve = (answer: http.RequestListener, address?: string): Promise<number> =>
  listen(http.createServer(answer), address);
/** Does with a connection what is said. */
const serveRaw = (take: (socket: net.Socket) => void): Promise<number> =>
  listen(
    net.createServer((socket) => {
      closing.push(() => socket.destroy());
      socket.on('error', () => undefined);
      take(socket);
    }),
  );
/** A process that is stopped, and whose queue of connections is full: nobody refuses, nobody connects. */
async function stoppedServer(): Promise<number> {
  const script =
    'const s = net.createServer(() => 0).listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(s.address().port))';
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  closing.push(() => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  child.kill('SIGSTOP');
  const port = Number(line.toString());
  for (let filler = 0; filler < 4; filler++) {
    const socket = net.connect({ host: '127.0.0.1', port });
    socket.on('error', () => undefined);
    closing.push(() => socket.destroy());
  }
  await new Promise((wake) => setTimeout(wake, 100));
  return port;
}
async function closedPort(): Promise<number> {
  const server = net.createServer();
  const port = await listen(server);
  server.close();
  return port;
}

describe('http', () => {
  test.each<[number, Partial<HttpProbe>, string | undefined]>([
    [200, {}, undefined],
    [302, {}, undefined],
    [302, { statusMax: 299 }, 'status 302, 200-299 is wanted'],
    [400, {}, 'status 400, 200-399 is wanted'],
    [503, {}, 'status 503, 200-399 is wanted'],
    [418, { statusMin: 418, statusMax: 418 }, undefined],
    [200, { statusMin: 204, statusMax: 204 }, 'status 200, 204 is wanted'],
  ])('status %d within %j', async (code, range, expected) => {
    const asked: string[] = [];
    const port = await serve(({ url }, response) => {
      asked.push(url!);
      response.writeHead(code, { location: '/elsewhere' }).end('body');
    });
    const failure = await httpFailure(port, { path: '/healthz?deep=1', ...range });
    expect(failure).toBe(expected && `GET http://127.0.0.1:PORT/healthz?deep=1: ${expected}`);
    expect(asked).toEqual(['/healthz?deep=1']);
  });

  test('method, headers and the Host header are as given, and the connection is closed', async () => {
    let seen: http.IncomingMessage | undefined;
    const port = await serve((request, response) => {
      seen = request;
      response.end();
    });
    expect(
      await httpFailure(port, { method: 'HEAD', headers: { Host: 'shop.test', 'X-Probe': 'yes' } }),
    ).toBeUndefined();
    expect([seen!.method, seen!.headers]).toMatchObject([
      'HEAD',
      { host: 'shop.test', 'x-probe': 'yes', connection: 'close', 'user-agent': expect.stringMatching(/^berth\//) },
    ]);
    expect(await httpFailure(port)).toBeUndefined();
    expect(seen!.headers.host).toBe(`127.0.0.1:${port}`);
    await httpFailure(port, { headers: { 'user-agent': 'mine' } });
    expect(seen!.headers['user-agent']).toBe('mine');
  });

  test('IPv6', async () => {
    let host: string | undefined;
    const port = await serve((request, response) => {
      host = request.headers.host;
      response.writeHead(500).end();
    }, '::1');
    expect(await httpFailure(port, {}, { address: '::1' })).toMatch(/^GET http:\/\/\[::1\]:PORT\/: status 500/);
    expect(host).toBe(`[::1]:${port}`);
  });

  test('https, whoever signed the certificate', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-test-tls-'));
    try {
      const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name)) as [string, string];
      const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=elsewhere.test'];
      execFileSync('openssl', [...request, '-keyout', key, '-out', cert], { stdio: 'ignore' });
      const server = https.createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => {
        response.writeHead(204).end();
      });
      const port = await listen(server);
      expect(await httpFailure(port, { scheme: 'https' })).toBeUndefined();
      expect(await httpFailure(port, { scheme: 'https', statusMin: 200, statusMax: 200 })).toBe(
        'GET https://127.0.0.1:PORT/: status 204, 200 is wanted',
      );
      expect(await httpFailure(port)).toMatch(/^GET http:.*: /);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('a body without end is a success by its status, and is not read on', async () => {
    let isClosed = false;
    const port = await serve((_, response) => {
      const timer = setInterval(() => response.write('x'.repeat(50_000)), 1);
      response.on('close', () => {
        isClosed = true;
        clearInterval(timer);
      });
    });
    expect(await httpFailure(port)).toBeUndefined();
    for (let turn = 0; turn < 300 && !isClosed; turn++) await new Promise((wake) => setTimeout(wake, 10));
    expect(isClosed).toBe(true);
  });

  test.each<[string, (socket: net.Socket) => void, RegExp]>([
    ['never answers', () => undefined, /: no answer within 0.3 s$/],
    ['stops within the head', (socket) => socket.write('HTTP/1.1 200 OK\r\nx: '), /: no answer within 0.3 s$/],
    [
      'hangs up',
      (socket) => socket.once('data', () => socket.end()),
      /: the connection was closed before an answer came$/,
    ],
    ['is not HTTP', (socket) => socket.write('220 smtp ready\r\n'), /: what came is no HTTP: /],
    ['sends a head without end', (socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}`), /no HTTP/],
  ])('a server that %s', async (_, take, reason) => {
    expect(await httpFailure(await serveRaw(take), {}, { timeoutMs: 300 })).toMatch(reason);
  });

  test('nobody listens, a path that can not be sent, a reason that is long and unprintable', async () => {
    expect(await httpFailure(await closedPort())).toBe('GET http://127.0.0.1:PORT/: connection refused');
    expect(await httpFailure(1, { path: '/a b' })).toMatch(
      /can not be asked: Request path contains unescaped characters/,
    );
    const long = await httpFailure(1, { path: `/\x1b[31m${'y'.repeat(1000)}` });
    expect(long!.length).toBeLessThanOrEqual(300);
    expect(long).not.toContain('\x1b');
    expect(long).toMatch(/…: can not be asked/);
  });
});

test('tcp: a connection is a success, for IPv6 too', async () => {
  const port = await serveRaw(() => undefined);
  expect(await failureOf({ tcp: { port } })).toBeUndefined();
  const six = await listen(
    net.createServer((socket) => socket.destroy()),
    '::1',
  );
  expect(await failureOf({ tcp: { port: six } }, { address: '::1' })).toBeUndefined();
  expect(await failureOf({ tcp: { port: await closedPort() } })).toBe('TCP 127.0.0.1:PORT: connection refused');
  const stopped = await stoppedServer();
  expect(await failureOf({ tcp: { port: stopped } }, { timeoutMs: 200 })).toBe(
    'TCP 127.0.0.1:PORT: no connection within 0.2 s',
  );
  expect(await httpFailure(stopped, {}, { timeoutMs: 200 })).toBe(
    'GET http://127.0.0.1:PORT/: no connection within 0.2 s',
  );
});

test('a container without an address, and a probe of no kind', async () => {
  expect(await failureOf({ tcp: { port: 80 } }, { address: '' })).toBe('TCP :80: the container has no address');
  expect(await tryProbe(RULES, { containerId: 'c', address: '127.0.0.1' }, AbortSignal.timeout(1))).toMatchObject({
    result: 'untried',
  });
});

describe('grpc', () => {
  const serveGrpc = async (statuses: Readonly<Record<string, string>> | undefined): Promise<number> => {
    const server = new GrpcServer();
    if (statuses !== undefined)
      server.addService(HealthStub.service, {
        Check: (call: { request: { service: string } }, reply: (error: object | null, answer?: object) => void) => {
          const found = statuses[call.request.service];
          if (found === 'hang') return;
          if (found === undefined) reply({ code: status.NOT_FOUND, details: 'unknown service' });
          else reply(null, { status: found });
        },
      });
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
    closing.push(() => server.forceShutdown());
    return port;
  };
  const STATUSES = { '': 'SERVING', down: 'NOT_SERVING', lost: 'UNKNOWN', slow: 'hang' };

  test.each<[string, string | undefined]>([
    ['', undefined],
    ['down', 'gRPC health of down at 127.0.0.1:PORT: NOT_SERVING, SERVING is wanted'],
    ['lost', 'gRPC health of lost at 127.0.0.1:PORT: UNKNOWN, SERVING is wanted'],
    ['other', 'gRPC health of other at 127.0.0.1:PORT: the server does not know the service "other"'],
    ['slow', 'gRPC health of slow at 127.0.0.1:PORT: no answer within 0.5 s'],
  ])('service "%s"', async (service, expected) => {
    const port = await serveGrpc(STATUSES);
    expect(await failureOf({ grpc: { port, service } }, { timeoutMs: service === 'slow' ? 500 : 5000 })).toBe(expected);
  });

  test('a server without the protocol, none at all, one that is no gRPC, and one that comes back', async () => {
    const grpc = (port: number): Partial<Probe> => ({ grpc: { port, service: '' } });
    expect(await failureOf(grpc(await serveGrpc(undefined)))).toMatch(/: the server has no grpc\.health\.v1\.Health$/);
    const port = await closedPort();
    expect(await failureOf(grpc(port))).toMatch(/^gRPC health of the server at .*: connection refused$/);
    expect(await failureOf(grpc(await serveRaw((socket) => socket.write('220 smtp ready\r\n'))))).toBeDefined();
    expect(await failureOf(grpc(await serveRaw(() => undefined)), { timeoutMs: 300 })).toMatch(
      /no answer within 0.3 s$/,
    );
    // No backoff of an earlier try is in the way.
    expect(await failureOf(grpc(await serveGrpc(STATUSES)))).toBeUndefined();
  });
});
