/** Small HTTP servers that stand for instances, with endpoints that come and go in Berth's order. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fakeEndpoint, type FakeDiscovery } from './fake-discovery';
import { sleep } from './wait';

interface Standing {
  readonly server: Server;
  readonly endpoint: ReturnType<typeof fakeEndpoint>;
}

export class StandingInstances {
  private readonly running = new Map<string, Standing>();
  private readonly published = new Set<string>();
  private count = 0;

  constructor(
    private readonly discovery: FakeDiscovery,
    private readonly service: string,
    /** From the withdrawal to the end. */
    private readonly drainMs: number,
  ) {
    discovery.set(service, []);
  }

  /** An instance that serves and says its name; afterwards it is published. @returns its name */
  async begin(): Promise<string> {
    const instance = `${this.service}-${++this.count}-aaaa`;
    const server = createServer((_request, response) => response.end(instance));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const endpoint = fakeEndpoint(instance, { host: '127.0.0.1', port, ports: { http: port } });
    this.running.set(instance, { server, endpoint });
    this.published.add(instance);
    this.publish();
    return instance;
  }

  /** Withdrawn, drained, and then ended at once with whatever it has in hand. */
  async end(instance: string): Promise<void> {
    this.published.delete(instance);
    this.publish();
    await sleep(this.drainMs);
    const { server } = this.running.get(instance)!;
    this.running.delete(instance);
    server.close();
    server.closeAllConnections();
  }

  /** With no word to anybody. */
  close(): void {
    for (const { server } of this.running.values()) {
      server.close();
      server.closeAllConnections();
    }
    this.running.clear();
  }

  private publish(): void {
    const endpoints = [...this.published].sort().map((instance) => this.running.get(instance)!.endpoint);
    this.discovery.set(this.service, endpoints);
  }
}
