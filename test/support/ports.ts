import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/**
 * The kernel gives clients ports from 32768 on, and keeps one for a minute after its connection; agents publish from 20000 on.
 * In between nobody gets one that a test was given, for UDP neither, nor while what listened there is started again.
 */
const FIRST = 10_000;
const LAST = 19_999;
const MAX_TRIES = 100;

/** A port on loopback that was free a moment ago, and that only somebody who asks here is given. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port!;
}

/** As many, each another. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, holdPort));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function holdPort() {
  const server = createServer();
  for (let attempt = 1; ; attempt++)
    try {
      await once(server.listen(randomInt(FIRST, LAST + 1), '127.0.0.1'), 'listening');
      return server;
    } catch (error) {
      if (attempt === MAX_TRIES) throw error;
    }
}
