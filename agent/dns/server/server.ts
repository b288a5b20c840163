import { backoffMs } from '../../../lib/backoff';
import type { Clock } from '../../../lib/clock';
import { splitListen } from '../../../lib/listen-address';
import type { Logger } from '../../../lib/log';
import { isBoundTo, type InheritedSocket, type Protocol } from './inherited';
import { listenFault } from './listen-fault';
import { listenTcp } from './tcp';
import { bindUdp, type Bound, type Respond } from './udp';

/** An address that can't be had may come later: that of a bridge that Docker makes, or the port that somebody gives up. */
const RETRY = { baseMs: 500, capMs: 10_000 };
/** A port that is free for UDP may be taken for TCP: so many are tried, where any will do. */
const MAX_PORT_TRIES = 20;
/** What sockets meet is told once in so long. */
const TROUBLE_AGAIN_MS = 60_000;

export interface ServerOptions {
  readonly respond: Respond;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  /** They are answered on from `answerInherited` on, until the server is closed. */
  readonly inherited?: readonly InheritedSocket[];
}

export interface Listener {
  /** "host:port", with the real port where 0 was asked for. */
  readonly address: string;
  close(): Promise<void>;
}

export interface KeptListener {
  /** "host:port" that is listened on now, with the real port. */
  readonly address: string | undefined;
  /** Why it is not had at the moment, for people. */
  readonly problem: string | undefined;
  close(): Promise<void>;
}

/**
 * Answers over UDP and TCP on any number of addresses. Whatever sockets meet, it goes on.
 *
 * INVARIANT: an inherited socket is opened once, and closed with the server alone. Whoever made it goes on holding it, so that
 * its address could not be bound again.
 */
export class DnsServer {
  private readonly listeners = new Set<Listener>();
  private readonly opened = new Map<InheritedSocket, Promise<Bound>>();
  private readonly wanted = new Set<InheritedSocket>();
  private lastTroubleMs = -Infinity;

  constructor(private readonly options: ServerOptions) {}

  /** "host:port" of all that it listens on at the moment. */
  get addresses(): readonly string[] {
    const inherited = [...this.opened.keys()].map(({ address }) => address);
    return [...new Set([...this.listeners].map(({ address }) => address).concat(inherited))];
  }

  /** Inherited ones at whose address nobody has listened so far. */
  get unwanted(): readonly InheritedSocket[] {
    return this.inherited.filter((socket) => !this.wanted.has(socket));
  }

  /** Whether anybody wants them or not: somebody has seen to it that they are there. */
  async answerInherited(): Promise<void> {
    for (const socket of this.inherited)
      await this.open(socket).catch((error: Error) => this.tell(socket.address, error));
  }

  /**
   * @param address "host:port"; port 0 picks one
   * @throws Error when the address can't be had; it can be tried again
   */
  async listen(address: string): Promise<Listener> {
    try {
      return await this.bind(address);
    } catch (error) {
      throw listenFault(error as Error, address);
    }
  }

  private async bind(address: string): Promise<Listener> {
    const { host, port } = splitListen(address);
    const { respond } = this.options;
    const onTrouble = (error: Error): void => this.tell(address, error);
    for (const socket of this.inherited) if (isBoundTo(socket, host, port)) this.wanted.add(socket);
    for (let attempt = 1; ; attempt++) {
      const udp = await (this.inheritedAt('udp', host, port) ?? bindUdp({ host, port }, respond, onTrouble));
      try {
        const at = { host, port: udp.port };
        const tcp = await (this.inheritedAt('tcp', host, port) ?? listenTcp(at, respond, onTrouble));
        return this.add(host, udp, tcp);
      } catch (error) {
        await udp.close();
        if (port !== 0 || attempt === MAX_PORT_TRIES) throw error;
      }
    }
  }

  /** Closing it does not: it is held for whoever listens there next. */
  private inheritedAt(protocol: Protocol, host: string, port: number): Promise<Bound> | undefined {
    const socket = this.inherited.find((one) => one.protocol === protocol && isBoundTo(one, host, port));
    if (socket === undefined) return undefined;
    return this.open(socket).then((bound) => ({ port: bound.port, close: () => Promise.resolve() }));
  }

  private open(socket: InheritedSocket): Promise<Bound> {
    const { protocol, address } = socket;
    const listen = protocol === 'udp' ? bindUdp : listenTcp;
    const opened =
      this.opened.get(socket) ?? listen(socket, this.options.respond, (error) => this.tell(address, error));
    this.opened.set(socket, opened);
    return opened;
  }

  private get inherited(): readonly InheritedSocket[] {
    return this.options.inherited ?? [];
  }

  /** Listens as soon as the address can be had, and says in the log when it can't. */
  keep(address: string): KeptListener {
    const { clock, random, log } = this.options;
    let listener: Listener | undefined;
    let problem: string | undefined;
    let isClosed = false;
    let cancel = (): void => undefined;
    const attempt = async (count: number): Promise<void> => {
      try {
        listener = await this.listen(address);
        if (problem !== undefined) log.info('DNS is answered here now', { address });
        problem = undefined;
      } catch (error) {
        if (problem === undefined)
          log.error('DNS can not be answered here; will try again', { address, reason: (error as Error).message });
        problem = `DNS can not be answered on ${address}: ${(error as Error).message}`;
        if (!isClosed) cancel = clock.after(backoffMs(count, RETRY, random), () => void (trying = attempt(count + 1)));
      }
    };
    let trying = attempt(1);
    return {
      get address() {
        return listener?.address;
      },
      get problem() {
        return problem;
      },
      close: async () => {
        isClosed = true;
        cancel();
        await trying;
        await listener?.close();
        listener = undefined;
      },
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.listeners].map((listener) => listener.close()));
    await Promise.all(
      [...this.opened.values()].map((one) => one.then((bound) => bound.close()).catch(() => undefined)),
    );
  }

  private add(host: string, udp: Bound, tcp: Bound): Listener {
    let closing: Promise<unknown> | undefined;
    const listener: Listener = {
      address: `${host.includes(':') ? `[${host}]` : host}:${udp.port}`,
      close: async () => {
        this.listeners.delete(listener);
        closing ??= Promise.all([udp.close(), tcp.close()]);
        await closing;
      },
    };
    this.listeners.add(listener);
    return listener;
  }

  private tell(address: string, error: Error): void {
    const nowMs = this.options.clock.monotonicMs();
    if (nowMs - this.lastTroubleMs < TROUBLE_AGAIN_MS) return;
    this.lastTroubleMs = nowMs;
    this.options.log.warn('a socket of DNS met trouble; it goes on', { address, reason: error.message });
  }
}
