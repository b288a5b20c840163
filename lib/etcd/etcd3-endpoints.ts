import * as dns from 'node:dns/promises';
import * as net from 'node:net';
import { StoreError } from './store';

interface Endpoint {
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT = 2379;

/** @throws StoreError `other` when one can't be understood, or is https, which Berth does not speak to etcd yet */
export function parseEndpoints(endpoints: readonly string[]): readonly Endpoint[] {
  if (endpoints.length === 0) throw new StoreError('other', 'no etcd endpoint is given');
  return endpoints.map((text) => {
    const url = text.includes('://') ? text : `http://${text}`;
    if (!URL.canParse(url))
      throw new StoreError('other', `etcd endpoint "${text}" is no URL; an example: http://10.0.0.1:2379`);
    const { protocol, hostname, port } = new URL(url);
    if (protocol !== 'http:') throw new StoreError('other', `etcd endpoint "${text}": only http:// is supported`);
    return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? DEFAULT_PORT : Number(port) };
  });
}

/**
 * One gRPC target that names every member, so that one channel moves between them by itself. gRPC takes
 * several addresses only as numbers, so names are resolved here, anew for each connection.
 * @param first which member comes first; the others follow in their order
 */
export async function resolveTarget(endpoints: readonly Endpoint[], first: number): Promise<string> {
  const addresses = await Promise.all(
    endpoints.map(async (endpoint) => ({ ...endpoint, host: await resolveHost(endpoint.host) })),
  );
  const start = first % addresses.length;
  const ordered = [...addresses.slice(start), ...addresses.slice(0, start)];
  const isV6 = ordered.some(({ host }) => net.isIPv6(host));
  if (!isV6) return `ipv4:${ordered.map(({ host, port }) => `${host}:${port}`).join(',')}`;
  return `ipv6:${ordered.map(({ host, port }) => `[${net.isIPv6(host) ? host : `::ffff:${host}`}]:${port}`).join(',')}`;
}

async function resolveHost(host: string): Promise<string> {
  if (net.isIP(host) !== 0) return host;
  return (await dns.lookup(host, { verbatim: false })).address;
}
