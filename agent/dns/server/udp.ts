import { createSocket } from 'node:dgram';

/** As much as queues while this process does something else; the kernel may grant less. */
const RECEIVE_BUFFER_BYTES = 1024 * 1024;

/** @param asker its address. @returns undefined for what is not to be answered */
export type Respond = (
  packet: Buffer,
  transport: 'udp' | 'tcp',
  asker: string,
) => Buffer | undefined | Promise<Buffer | undefined>;

export interface Bound {
  /** The real one, where 0 was asked for. */
  readonly port: number;
  close(): Promise<void>;
}

/** Where to listen: at an address, or on a socket that somebody else has bound. */
export type Place = { readonly host: string; readonly port: number } | { readonly fd: number; readonly family: 4 | 6 };

/**
 * @param onTrouble told of what the socket meets later: it goes on all the same
 * @throws Error when the address can't be had
 */
export async function bindUdp(place: Place, respond: Respond, onTrouble: (error: Error) => void): Promise<Bound> {
  const isOurs = 'host' in place;
  const family = !isOurs ? place.family : place.host.includes(':') ? 6 : 4;
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    ipv6Only: family === 6,
    // Whoever has made it may have been granted more than we would be.
    ...(isOurs && { recvBufferSize: RECEIVE_BUFFER_BYTES }),
    // Only ever given addresses; Node's own would look them up once a turn later.
    lookup: (address, _options, done) => done(null, address, family),
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(isOurs ? { address: place.host, port: place.port } : { fd: place.fd }, () => {
      socket.off('error', reject);
      resolve();
    });
  }).catch((error: Error) => {
    socket.close();
    throw error;
  });
  let isClosed = false;
  // Also of answers that could not be sent, which nobody waits for: whoever asked asks again.
  socket.on('error', onTrouble);
  socket.on('message', (packet, { address, port: to }) => {
    // Nobody listens there, and Node throws when it is to send there.
    if (to === 0) return;
    const answer = respond(packet, 'udp', address);
    if (answer instanceof Promise)
      void answer.then((late) => {
        if (late !== undefined && !isClosed) socket.send(late, to, address);
      });
    else if (answer !== undefined) socket.send(answer, to, address);
  });
  return {
    port: socket.address().port,
    close: () => {
      isClosed = true;
      return new Promise((resolve) => socket.close(() => resolve()));
    },
  };
}
