import { once } from 'node:events';
import * as net from 'node:net';

/** A network that a test can break, between a client and one server on loopback. */
export interface TcpProxy {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string;
  /** How many connections were made through it so far. */
  readonly connections: number;
  /** Requests go through, replies vanish. */
  swallowReplies(): void;
  /** New and old connections stay open, and nothing goes through either way: a black hole. */
  blackhole(): void;
  /** Ends every connection; new ones work. */
  cut(): void;
  /** Everything that comes from now on goes through; what was swallowed stays lost. */
  heal(): void;
  stop(): Promise<void>;
}

export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<net.Socket>();
  let mode: 'open' | 'swallow' | 'hole' = 'open';
  let connections = 0;
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
    upstream.on('data', (bytes) => mode === 'open' && client.write(bytes));
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    endpoint: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    get connections() {
      return connections;
    },
    swallowReplies: () => (mode = 'swallow'),
    blackhole: () => (mode = 'hole'),
    cut,
    heal: () => (mode = 'open'),
    stop: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
