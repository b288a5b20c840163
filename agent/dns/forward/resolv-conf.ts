import { isIP } from 'node:net';
import { isEveryAddress, isLoopback, joinAddress, splitListen } from '../../../lib/listen-address';

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
    if (!isEveryAddress(host)) return host === server.host;
    const family = host === '::' ? 6 : 4;
    const isLocal = locals.includes(server.host) || isLoopback(server.host);
    return isLocal && isIP(server.host) === family;
  });
}

/** "10.0.0.53:53" */
export const shownServer = ({ host, port }: NameServer): string => joinAddress(host, port);
