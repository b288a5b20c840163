import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { framed } from './dns-exchange';
import { freePort } from './ports';

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
  const port = await freePort();
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const socket = createSocket('udp4');
  let isClosed = false;
  socket.on('message', (packet, from) => {
    seen.push(packet);
    void Promise.resolve(answer(packet)).then((all) => {
      for (const one of isClosed ? [] : all) socket.send(one, from.port, from.address);
    });
  });
  await once(socket.bind(port, '127.0.0.1'), 'listening');
  return {
    ...{ address: `127.0.0.1:${port}`, seen, overTcp },
    close: async () => {
      isClosed = true;
      await new Promise<void>((resolve) => socket.close(resolve));
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

/** "There is nothing" to what was asked. @param rcode of the format, 0 to 15 */
export function nothingFor(packet: Buffer, rcode = 0): Buffer {
  const answer = Buffer.from(packet);
  answer.writeUInt16BE(0x8180 | rcode, 2);
  return answer;
}
