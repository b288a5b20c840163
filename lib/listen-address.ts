/**
 * @param listen "host:port" or "[v6]:port"
 * @throws Error that says what is wrong
 */
export function splitListen(listen: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(listen);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || !(port <= 65535))
    throw new Error(`"${listen}" is no address to listen on; write host:port, e.g. 127.0.0.1:7420 or [::1]:7420`);
  return { host, port };
}

const EVERY_ADDRESS = ['0.0.0.0', '::'];
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

/** What is bound there is bound to every address of the machine, or of one family. Docker says it with nothing at all, too. */
export function isEveryAddress(host: string): boolean {
  return host === '' || EVERY_ADDRESS.includes(host);
}

/** Whoever asks there asks itself. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/** "host:port", with brackets around IPv6. */
export function joinAddress(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/**
 * @param listen "host:port" that a server listens on
 * @param address of its machine, as others reach it
 * @returns "host:port" at which others reach the server; undefined when they don't: it listens on loopback, and the machine
 * is not reached there; or on a port that is another with every start
 */
export function reachedAt(listen: string, address: string): string | undefined {
  const { host, port } = splitListen(listen);
  if (port === 0 || (isLoopback(host) && !isLoopback(address))) return undefined;
  return joinAddress(EVERY_ADDRESS.includes(host) ? address : host, port);
}

/** @returns what a server's machine is called unless somebody says so: by the one address that it listens on, or its name */
export function ownAddress(listen: string, hostname: string): string {
  const { host } = splitListen(listen);
  return EVERY_ADDRESS.includes(host) ? hostname : host;
}
