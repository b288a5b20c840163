import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { splitListen } from './listen-address';

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}
export type Route = () => HttpAnswer | Promise<HttpAnswer>;

export interface HttpServer {
  /** "host:port" that it listens on, with the real port where 0 was asked for. */
  readonly address: string;
  close(): Promise<void>;
}

/** A scraper that sends nothing, or reads nothing, is cut off after this. */
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 256;

export const plain = (status: number, body: string): HttpAnswer => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body: `${body}\n`,
});

/**
 * Serves read-only pages.
 * @param listen "host:port"; port 0 picks a free one
 * @param routes by path; a query string is ignored
 * @throws Error when the address can't be listened on
 */
export async function startHttpServer(listen: string, routes: Readonly<Record<string, Route>>): Promise<HttpServer> {
  const server = createServer((request, response) => {
    void answer(request.method ?? '', request.url ?? '/', routes).then(({ status, contentType, body }) => {
      response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
      response.end(request.method === 'HEAD' ? undefined : body);
    });
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  server.maxConnections = MAX_CONNECTIONS;
  const { host, port } = splitListen(listen);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return { address: `${host.includes(':') ? `[${host}]` : host}:${bound}`, close: () => closeServer(server) };
}

async function answer(method: string, url: string, routes: Readonly<Record<string, Route>>): Promise<HttpAnswer> {
  if (method !== 'GET' && method !== 'HEAD') return plain(405, 'only GET and HEAD');
  const path = url.split('?', 1)[0] ?? '/';
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (!route) return plain(404, `no such page; there are ${Object.keys(routes).join(' ')}`);
  try {
    return await route();
  } catch (error) {
    return plain(500, error instanceof Error ? error.message : String(error));
  }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
