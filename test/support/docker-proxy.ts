/** A Docker socket in front of Docker's own, which counts what is asked and can break it. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface DockerCall {
  readonly method: string;
  /** Without the version of the API: /containers/json */
  readonly path: string;
  /** After the question mark, decoded; empty without. */
  readonly query: string;
}

/** What happens to a call that matches, instead of what Docker would do. */
export type Fault =
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** The call reaches nobody and is never answered. */
  | { readonly kind: 'hang' }
  /** Answered without Docker. */
  | { readonly kind: 'answer'; readonly status: number; readonly body: string }
  /** The connection is cut before the answer; Docker may have done what was asked. */
  | { readonly kind: 'drop' }
  /** Docker's answer is cut after so many bytes of its body, with the connection left open. */
  | { readonly kind: 'stall'; readonly afterBytes: number };

export interface DockerProxy {
  /** unix:///… */
  readonly address: string;
  /** Everything that was asked, in order. */
  readonly calls: readonly DockerCall[];
  /** Calls that may change something: all but GET and HEAD. */
  readonly mutatingCalls: readonly DockerCall[];
  forgetCalls(): void;
  /** How many connections of clients are open. */
  readonly connections: number;
  /**
   * From now on, for calls that match. The latest fault that matches counts.
   * @param times how many calls; all without
   * @returns a function that ends it
   */
  inject(matches: (call: DockerCall) => boolean, fault: Fault, times?: number): () => void;
  /** Ends every connection, streams too, as a daemon that restarts does. New ones work. */
  cut(): void;
  stop(): Promise<void>;
}

interface Injected {
  readonly matches: (call: DockerCall) => boolean;
  readonly fault: Fault;
  left: number;
}

/** @param target path of Docker's socket */
export async function startDockerProxy(target = '/var/run/docker.sock'): Promise<DockerProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-proxy-'));
  const socketPath = join(folder, 'docker.sock');
  const calls: DockerCall[] = [];
  const sockets = new Set<net.Socket>();
  const clients = new Set<net.Socket>();
  let injected: Injected[] = [];
  const track = (socket: net.Socket): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined); // to break connections is the purpose
  };
  const note = (request: http.IncomingMessage): Fault | undefined => {
    const call = readCall(request);
    calls.push(call);
    const hit = injected.findLast(({ matches, left }) => left > 0 && matches(call));
    if (hit !== undefined) hit.left--;
    return hit?.fault;
  };
  const server = http.createServer((request, response) => {
    void serve(request, response, target, note(request), track);
  });
  server.on('connection', (client: net.Socket) => {
    track(client);
    clients.add(client);
    client.on('close', () => clients.delete(client));
  });
  server.on('upgrade', (request: http.IncomingMessage, client: net.Socket, head: Buffer) => {
    note(request);
    tunnel(request, client, head, target, track);
  });
  server.requestTimeout = 0;
  server.listen(socketPath);
  await once(server, 'listening');
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    address: `unix://${socketPath}`,
    calls,
    get mutatingCalls() {
      return calls.filter(({ method }) => method !== 'GET' && method !== 'HEAD');
    },
    get connections() {
      return clients.size;
    },
    forgetCalls: () => void calls.splice(0),
    inject: (matches, fault, times = Infinity) => {
      const one: Injected = { matches, fault, left: times };
      injected.push(one);
      return () => (injected = injected.filter((other) => other !== one));
    },
    cut,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function readCall(request: http.IncomingMessage): DockerCall {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  return {
    method: request.method ?? '',
    path: path.replace(/^\/v\d+\.\d+(?=\/)/, ''),
    query: decodeURIComponent(query),
  };
}

async function serve(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  target: string,
  fault: Fault | undefined,
  track: (socket: net.Socket) => void,
): Promise<void> {
  if (fault?.kind === 'hang') return;
  if (fault?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
  if (fault?.kind === 'answer') {
    request.resume();
    response.writeHead(fault.status, { 'content-type': 'application/json' }).end(fault.body);
    return;
  }
  const { method, url, headers } = request;
  const upstream = http.request({ socketPath: target, method, path: url, headers, agent: false });
  upstream.on('socket', track);
  upstream.on('error', () => response.destroy());
  // Who asked has gone: Docker must learn of it, as it would without us (streams, pulls).
  response.on('close', () => upstream.destroy());
  upstream.on('response', (answer) => {
    if (fault?.kind === 'drop') return void request.socket.destroy();
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    response.flushHeaders();
    if (fault?.kind === 'stall') return stall(answer, response, fault.afterBytes);
    answer.on('error', () => response.destroy());
    answer.pipe(response);
  });
  // In one piece, as the agent sends it: an engine that has answered and closed before the end was written is not heard.
  const body: Buffer[] = [];
  request.on('data', (chunk: Buffer) => body.push(chunk));
  request.on('end', () => upstream.end(Buffer.concat(body)));
}

function stall(answer: http.IncomingMessage, response: http.ServerResponse, afterBytes: number): void {
  let left = afterBytes;
  answer.on('error', () => undefined);
  answer.on('data', (chunk: Buffer) => {
    if (left > 0) response.write(chunk.subarray(0, left));
    left = Math.max(0, left - chunk.length);
  });
}

/** attach and exec take the connection over: from then on it is bytes both ways. */
function tunnel(
  request: http.IncomingMessage,
  client: net.Socket,
  head: Buffer,
  target: string,
  track: (socket: net.Socket) => void,
): void {
  const upstream = net.connect(target);
  track(upstream);
  const lines = [`${request.method} ${request.url} HTTP/1.1`];
  for (let at = 0; at < request.rawHeaders.length; at += 2)
    lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
  upstream.write(`${lines.join('\r\n')}\r\n\r\n`);
  upstream.write(head);
  upstream.pipe(client);
  client.pipe(upstream);
  client.on('close', () => upstream.destroy());
  upstream.on('close', () => client.destroy());
}
