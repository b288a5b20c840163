import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { framed } from './dns-exchange';

/** A port that is free for TCP may be a client's for UDP, as in the agent's own server. */
const MAX_PORT_TRIES = 20;

/** A name server outside, which does as a test says. */
export interface NameServerOutside {
  /** "host:port" */
  readonly address: string;
  /** Packets that came in. */
  readonly seen: readonly Buffer[];
  readonly overTcp: readonly Buffer[];
  close(): Promise<void>;
}

/** Packets that it sends for one that came in. */
export type AnswerOutside = (packet: Buffer) => readonly Buffer[] | Promise<readonly Buffer[]>;

export async function startNameServer(answer: AnswerOutside): Promise<NameServerOutside> {
  const seen: Buffer[] = [];
  const overTcp: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      const packet = Buffer.from(chunk.subarray(2));
      overTcp.push(packet);
      void Promise.resolve(answer(packet)).then((all) => all.forEach((one) => socket.write(framed(one))));
    });
  });
  const socket = createSocket('udp4');
  let isClosed = false;
  socket.on('message', (packet, from) => {
    seen.push(packet);
    void Promise.resolve(answer(packet)).then((all) => {
      for (const one of isClosed ? [] : all) socket.send(one, from.port, from.address);
    });
  });
  const port = await listenOnBoth(server, socket);
  return {
    ...{ address: `127.0.0.1:${port}`, seen, overTcp },
    close: async () => {
      isClosed = true;
      await new Promise<void>((resolve) => socket.close(resolve));
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

/** @returns the port, the same for both. @throws Error when there is none */
async function listenOnBoth(server: Server, socket: Socket): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      await once(socket.bind(port, '127.0.0.1'), 'listening');
      return port;
    } catch (error) {
      await new Promise<void>((resolve) => void server.close(() => resolve()));
      if (attempt === MAX_PORT_TRIES) throw error;
    }
  }
}

/** "There is nothing" to what was asked. @param rcode of the format, 0 to 15 */
export function nothingFor(packet: Buffer, rcode = 0): Buffer {
  const answer = Buffer.from(packet);
  answer.writeUInt16BE(0x8180 | rcode, 2);
  return answer;
}
