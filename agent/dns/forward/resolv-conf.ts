import { isIP } from 'node:net';
import { splitListen } from '../../../lib/listen-address';

/** More than glibc's three, and no endless list. */
const MAX_SERVERS = 8;
const PORT = 53;

export interface NameServer {
  readonly host: string;
  readonly port: number;
}

/** The name servers of resolv.conf(5), in its order. What can't be read is passed over, as resolvers do. */
export function parseResolvConf(text: string): readonly NameServer[] {
  const hosts = [...text.matchAll(/^nameserver[ \t]+(\S+)/gm)].map(([, host]) => host!);
  return hosts
    .filter((host) => isIP(host) !== 0)
    .slice(0, MAX_SERVERS)
    .map((host) => ({ host, port: PORT }));
}

/** Whether who asks there asks ourselves. @param listeners "host:port" each. @param locals addresses of this machine */
export function isOneOf(server: NameServer, listeners: readonly string[], locals: readonly string[]): boolean {
  return listeners.some((listener) => {
    const { host, port } = splitListen(listener);
    if (port !== server.port) return false;
    if (host !== '0.0.0.0' && host !== '::') return host === server.host;
    const family = host === '::' ? 6 : 4;
    const isLocal = locals.includes(server.host) || server.host.startsWith('127.') || server.host === '::1';
    return isLocal && isIP(server.host) === family;
  });
}

/** "10.0.0.53:53" */
export const shownServer = ({ host, port }: NameServer): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;
