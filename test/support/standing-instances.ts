/** Small HTTP servers that stand for instances, with endpoints that come and go in Berth's order. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fakeEndpoint, type FakeDiscovery } from './fake-discovery';
import { sleep, until } from './wait';
import type { AskingClient } from './asking-client';

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
    /** What they listen on in turn. */
    private readonly addresses: readonly string[] = ['127.0.0.1'],
  ) {
    discovery.set(service, []);
  }

  /** An instance that serves and says its name; afterwards it is published. @returns its name */
  async begin(): Promise<string> {
    const instance = `${this.service}-${++this.count}-aaaa`;
    const server = createServer((_request, response) => response.end(instance));
    const host = this.addresses[this.count % this.addresses.length]!;
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const { port } = server.address() as AddressInfo;
    const endpoint = fakeEndpoint(instance, { host, port, ports: { http: port } });
    this.running.set(instance, { server, endpoint });
    this.published.add(instance);
    this.publish();
    return instance;
  }

  /** Withdrawn, drained, and then ended at once with whatever it has in hand. */
  async end(instance: string): Promise<void> {
    this.withdraw(instance);
    await sleep(this.drainMs);
    const { server } = this.running.get(instance)!;
    this.running.delete(instance);
    server.close();
    server.closeAllConnections();
  }

  /** It still serves whoever asks. */
  withdraw(instance: string): void {
    this.published.delete(instance);
    this.publish();
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

/** Each of them is replaced by a new one, one after another, and these all at once; while a client asks, and no request fails. */
export async function replaceAll(
  asking: AskingClient,
  standing: StandingInstances,
  first: readonly string[],
  /** Others that ask meanwhile. */
  others: readonly AskingClient[] = [],
): Promise<void> {
  const heard = (name: string): Promise<boolean> => until(`an answer of ${name}`, () => asking.answers.has(name));
  await Promise.all(first.map(heard));
  let old = first;
  for (const isOneByOne of [true, false]) {
    const ends: Promise<void>[] = [];
    const fresh: string[] = [];
    for (const one of old) {
      fresh.push(await standing.begin());
      if (isOneByOne) await heard(fresh.at(-1)!);
      ends.push(standing.end(one));
    }
    await Promise.all(fresh.map(heard));
    await Promise.all(ends);
    old = fresh;
  }
  // Nobody asks for those that are gone.
  await sleep(300);
  for (const one of [asking, ...others]) {
    await one.stop();
    expect(one.failures).toEqual([]);
  }
}
