/** Asks a server over real sockets. */
import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { splitListen } from '../../lib/listen-address';
import { PATIENCE } from './wait';

const WAIT_MS = 10_000 * PATIENCE;

/** @param from own address, of loopback. @returns the first answer; undefined when there is none within the time */
export function askUdp(address: string, packet: Buffer, waitMs = WAIT_MS, from?: string): Promise<Buffer | undefined> {
  const { host, port } = splitListen(address);
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    const end = (answer: Buffer | undefined): void => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    // A test that has ended waits for nobody.
    const timer = setTimeout(() => end(undefined), waitMs).unref();
    socket.unref();
    socket.once('message', end);
    if (from !== undefined) socket.bind({ address: from });
    socket.send(packet, port, host);
  });
}

export const framed = (packet: Buffer): Buffer =>
  Buffer.concat([Buffer.from([packet.length >> 8, packet.length & 255]), packet]);

export interface TcpClient {
  readonly socket: Socket;
  /** Answers so far, in the order in which they came. */
  readonly answers: readonly Buffer[];
  /** The other side has closed, or reset, the connection. */
  readonly closed: Promise<void>;
  send(...packets: readonly Buffer[]): void;
  next(): Promise<Buffer | undefined>;
}

export async function connectTcp(address: string): Promise<TcpClient> {
  const socket = connect({ ...splitListen(address), allowHalfOpen: true });
  const answers: Buffer[] = [];
  let received = Buffer.alloc(0);
  let taken = 0;
  let wake = (): void => undefined;
  const closed = new Promise<void>((resolve) => {
    for (const event of ['end', 'close', 'error']) socket.on(event, () => resolve());
  });
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE()) {
      answers.push(Buffer.from(received.subarray(2, 2 + received.readUInt16BE())));
      received = received.subarray(2 + received.readUInt16BE());
    }
    wake();
  });
  void closed.then(() => wake());
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  let isClosed = false;
  void closed.then(() => (isClosed = true));
  return {
    ...{ socket, answers, closed },
    send: (...packets) => void socket.write(Buffer.concat(packets.map(framed))),
    next: async () => {
      while (answers.length <= taken && !isClosed) await new Promise<void>((resolve) => (wake = resolve));
      return answers[taken++];
    },
  };
}

/** One question over a connection of its own. @returns undefined when it was closed without an answer */
export async function askTcp(address: string, packet: Buffer): Promise<Buffer | undefined> {
  const client = await connectTcp(address);
  client.send(packet);
  const answer = await client.next();
  client.socket.destroy();
  return answer;
}
