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
