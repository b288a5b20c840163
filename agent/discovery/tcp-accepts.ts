import { connect } from 'node:net';
import type { Clock } from '../../lib/clock';
import type { KnownEndpoint } from './discovery';

/** On a network of hosts; who asks waits for it. */
const CONNECT_MS = 400;
/** Connections that are begun at once. */
const MAX_AT_ONCE = 64;

/**
 * @returns whether an endpoint accepts a TCP connection at its first such port. One without a TCP port can't be asked:
 * no. Never rejects
 */
export function createTcpAccepts(clock: Clock): (endpoint: KnownEndpoint) => Promise<boolean> {
  let free = MAX_AT_ONCE;
  const waiting: (() => void)[] = [];
  const turn = (): Promise<void> => {
    if (free > 0) return Promise.resolve(void free--);
    return new Promise((begin) => waiting.push(begin));
  };
  const end = (): void => {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
  };
  return async (endpoint) => {
    const port = tcpPortOf(endpoint);
    if (port === undefined) return false;
    await turn();
    // An address that is none is thrown at once.
    return tryConnect(endpoint.host, port, clock)
      .catch(() => false)
      .finally(end);
  };
}

function tcpPortOf({ port, ports, protocols }: KnownEndpoint): number | undefined {
  const tcp = Object.entries(ports)
    .filter(([name]) => (protocols[name] ?? 'tcp') === 'tcp')
    .map(([, number]) => number);
  return tcp.includes(port) ? port : tcp[0];
}

function tryConnect(host: string, port: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (accepts: boolean): void => {
      cancel();
      socket.destroy();
      resolve(accepts);
    };
    const cancel = clock.after(CONNECT_MS, () => settle(false));
    socket.once('connect', () => settle(true));
    // Later ones have nobody to tell, and would end the process without a listener.
    socket.on('error', () => settle(false));
  });
}
