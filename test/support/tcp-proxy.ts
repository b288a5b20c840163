import { once } from 'node:events';
import * as net from 'node:net';

/** A network that a test can break, between a client and one server of this machine. */
export interface TcpProxy {
  /** `http://127.0.0.1:port`, or of the address that was given */
  readonly endpoint: string;
  /** How many connections were made through it so far. */
  readonly connections: number;
  /** What came back through it so far. */
  readonly repliedBytes: number;
  /** From now on replies come so slowly, on each connection. */
  throttle(bytesPerSecond: number): void;
  /** Requests go through, replies vanish. */
  swallowReplies(): void;
  /** New and old connections stay open, and nothing goes through either way: a black hole. */
  blackhole(): void;
  /** Ends every connection; new ones work. */
  cut(): void;
  /** Everything that comes from now on goes through, at full speed; what was swallowed stays lost. */
  heal(): void;
  stop(): Promise<void>;
}

/** @param listen address of this machine, where it is not to be loopback */
export async function startTcpProxy(target: string, listen = '127.0.0.1'): Promise<TcpProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<net.Socket>();
  let mode: 'open' | 'swallow' | 'hole' = 'open';
  let connections = 0;
  let repliedBytes = 0;
  let bytesPerSecond = Infinity;
  const track = (socket: net.Socket): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined); // a broken pipe is the purpose
  };
  const server = net.createServer((client) => {
    connections++;
    const upstream = net.connect(Number(port), hostname);
    [client, upstream].forEach(track);
    client.on('data', (bytes) => mode !== 'hole' && upstream.write(bytes));
    upstream.on('data', (bytes) => {
      if (mode !== 'open') return;
      repliedBytes += bytes.length;
      client.write(bytes);
      if (bytesPerSecond === Infinity) return;
      upstream.pause();
      setTimeout(() => upstream.resume(), (bytes.length / bytesPerSecond) * 1000);
    });
    client.on('close', () => upstream.destroy());
    // What came before the end is still on its way to the client; a broken connection is broken on both sides.
    upstream.on('close', (hadError) => (hadError ? client.destroy() : client.end()));
  });
  server.listen(0, listen);
  await once(server, 'listening');
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    endpoint: `http://${listen}:${(server.address() as net.AddressInfo).port}`,
    get connections() {
      return connections;
    },
    get repliedBytes() {
      return repliedBytes;
    },
    throttle: (rate) => void (bytesPerSecond = rate),
    swallowReplies: () => (mode = 'swallow'),
    blackhole: () => (mode = 'hole'),
    cut,
    heal: () => {
      mode = 'open';
      bytesPerSecond = Infinity;
    },
    stop: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
