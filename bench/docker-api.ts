/**
 * Docker's HTTP API with as little between as can be: what Berth is compared with, and the one witness of when a
 * container ran, for both sides alike.
 */
import * as http from 'node:http';
import { createInterface } from 'node:readline';

const SOCKET = '/var/run/docker.sock';
const API = '/v1.41';

const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });

/** @returns the answer, parsed. @throws Error for a status of 400 or more */
export async function dockerCall(method: string, path: string, body?: unknown): Promise<unknown> {
  const text = body === undefined ? '' : JSON.stringify(body);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http
      .request({ socketPath: SOCKET, agent, method, path: API + path, headers }, resolve)
      .on('error', reject)
      .end(text);
  });
  let read = '';
  for await (const chunk of answer.setEncoding('utf8')) read += chunk as string;
  if ((answer.statusCode ?? 500) >= 400) throw new Error(`${method} ${path}: ${answer.statusCode} ${read.trim()}`);
  return read === '' ? undefined : JSON.parse(read);
}

/** When containers of one prefix started and went, as Docker's event stream tells this process. */
export class ContainerEvents {
  /** By container name: performance.now() when its event came. */
  private readonly seen = new Map<string, number>();
  private onSeen: () => void = () => undefined;
  private constructor(private readonly request: http.ClientRequest) {}

  /** Settles when events are told from now on. @param prefix that of the label berth.prefix */
  static async follow(prefix: string): Promise<ContainerEvents> {
    const filters = { type: ['container'], event: ['start', 'destroy'], label: [`berth.prefix=${prefix}`] };
    // From an instant ago: Docker answers before it listens, and what comes twice is nothing new.
    const query = `filters=${encodeURIComponent(JSON.stringify(filters))}&since=${(Date.now() / 1000).toFixed(3)}`;
    const request = http.request({ socketPath: SOCKET, path: `${API}/events?${query}`, agent: false });
    const events = new ContainerEvents(request);
    const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
      request.on('response', resolve).on('error', reject).end();
    });
    createInterface({ input: answer })
      .on('line', (line) => events.take(line, performance.now()))
      .on('error', () => undefined); // of `close`, and if it is another one, waits end by their time
    return events;
  }

  /** @returns performance.now() of the last of these events. @throws Error after `timeoutMs` */
  async all(action: 'start' | 'destroy', names: readonly string[], timeoutMs: number): Promise<number> {
    const atMs = (name: string): number | undefined => this.seen.get(`${action} ${name}`);
    const isThere = (): boolean => names.every((name) => atMs(name) !== undefined);
    if (!isThere())
      await new Promise<void>((resolve, reject) => {
        const late = new Error(`${action} of ${names.length} containers: not within ${timeoutMs} ms`);
        const timer = setTimeout(() => reject(late), timeoutMs);
        this.onSeen = () => {
          if (!isThere()) return;
          clearTimeout(timer);
          resolve();
        };
      });
    return Math.max(...names.map((name) => atMs(name)!));
  }

  /** How many have started since `sinceMs` on performance.now(). */
  startedSince(sinceMs: number): number {
    return [...this.seen].filter(([event, atMs]) => event.startsWith('start ') && atMs >= sinceMs).length;
  }

  close(): void {
    this.request.destroy();
  }

  private take(line: string, atMs: number): void {
    const event = JSON.parse(line) as { Action: string; Actor: { Attributes: { name: string } } };
    this.seen.set(`${event.Action} ${event.Actor.Attributes.name}`, atMs);
    this.onSeen();
  }
}
