import { createServer, type AddressInfo, type Socket } from 'node:net';
import { HEADER_BYTES } from '../wire/query';
import type { Bound, Place, Respond } from './udp';

/** Of one listener. Whoever has been silent longest goes when there are more. */
export const MAX_CONNECTIONS = 128;
/** RFC 7766, section 6.2.3: seconds, not minutes. */
export const IDLE_MS = 10_000;
/** A name has 255 bytes; the rest is for options. */
export const MAX_QUERY_BYTES = 4096;
/** Queries of one connection that wait for others; no more is read meanwhile. */
const MAX_IN_FLIGHT = 64;
/** Of answers that the other side leaves unread. Whoever asks for more without reading is closed. */
const MAX_UNREAD_BYTES = 128 * 1024;
const LENGTH_BYTES = 2;

/**
 * @param onTrouble told of what the server meets later, such as too many open files: it goes on all the same
 * @throws Error when the address can't be had
 */
export async function listenTcp(place: Place, respond: Respond, onTrouble: (error: Error) => void): Promise<Bound> {
  /** Who was heard last is the last. */
  const connections = new Set<Connection>();
  // Whoever has sent all of its queries may say so and still wait for the answers.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const connection = new Connection(socket, respond, {
      onHeard: () => {
        connections.delete(connection);
        connections.add(connection);
      },
      onClosed: () => connections.delete(connection),
    });
    connections.add(connection);
    const [silent] = connections;
    if (connections.size > MAX_CONNECTIONS) silent!.close();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen('host' in place ? { ...place, ipv6Only: true } : { fd: place.fd }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  server.on('error', onTrouble);
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      for (const connection of connections) connection.close();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Queries, each behind its length, and answers in the order in which they are found (RFC 7766, section 7). */
class Connection {
  private received: Buffer = Buffer.alloc(0);
  private inFlight = 0;
  private isEnded = false;
  private readonly asker: string;

  constructor(
    private readonly socket: Socket,
    private readonly respond: Respond,
    private readonly events: { onHeard: () => void; onClosed: () => void },
  ) {
    this.asker = socket.remoteAddress ?? '';
    socket.setTimeout(IDLE_MS, () => this.close());
    socket.on('error', () => this.close());
    socket.on('close', events.onClosed);
    socket.on('drain', () => this.read());
    socket.on('end', () => {
      this.isEnded = true;
      this.read();
    });
    socket.on('data', (chunk) => {
      this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
      this.read();
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private read(): void {
    const { socket } = this;
    while (!this.isBusy && this.received.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + this.received.readUInt16BE();
      if (end < LENGTH_BYTES + HEADER_BYTES || end > LENGTH_BYTES + MAX_QUERY_BYTES) return this.close();
      if (end > this.received.length) break;
      const packet = this.received.subarray(LENGTH_BYTES, end);
      this.received = this.received.subarray(end);
      this.events.onHeard();
      this.answer(packet);
    }
    if (this.isBusy) socket.pause();
    else if (this.isEnded && this.inFlight === 0) socket.end();
    else socket.resume();
  }

  private get isBusy(): boolean {
    return this.inFlight >= MAX_IN_FLIGHT || this.socket.writableNeedDrain || this.socket.destroyed;
  }

  private answer(packet: Buffer): void {
    const answer = this.respond(packet, 'tcp', this.asker);
    if (!(answer instanceof Promise)) return this.send(answer);
    this.inFlight++;
    void answer.then((late) => {
      this.inFlight--;
      this.send(late);
      this.read();
    });
  }

  private send(answer: Buffer | undefined): void {
    if (answer === undefined || this.socket.writableLength > MAX_UNREAD_BYTES) return this.close();
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt16BE(answer.length);
    if (!this.socket.destroyed) this.socket.write(Buffer.concat([length, answer]));
  }
}
