import { randomInt } from 'node:crypto';
import type { Clock } from '../../../lib/clock';
import type { Logger } from '../../../lib/log';
import type { Transport } from '../responder';
import { Shares } from '../shares';
import { FLAG, RCODE, type Query } from '../wire/query';
import { emptyReply, MAX_UDP_BYTES } from '../wire/reply';
import { askOverTcp, askOverUdp, isAnswerTo } from './exchange';
import type { NameServers } from './name-servers';
import { shownServer, type NameServer } from './resolv-conf';

/** Questions to others that wait for an answer, each with a socket, of all askers. */
export const MAX_IN_FLIGHT = 512;
/** Askers that wait, of all questions together. All may get their answers at once, which over TCP have up to 64 KB each. */
export const MAX_ASKERS = { udp: 4096, tcp: 256 } as const;
/**
 * The same question in so many different packets at once is more likely to go round between us and a name server that asks us
 * than to be asked by many. Resolvers that put cookies in (RFC 7873) or mix the case never send the same packet twice, and as
 * many containers may start together.
 */
export const MAX_SAME_QUESTION = 32;
/**
 * Second and third tries of one question, of all its packets together, within the time that one of them takes: enough for
 * each. A question that goes round by several name servers would be asked of each of them at each turn, billions of times.
 */
export const MAX_MORE_TRIES = 2 * MAX_SAME_QUESTION;
/** Three tries take less than the five seconds that resolvers wait (resolv.conf(5), "timeout"). */
export const TRY_MS = 1500;
const MAX_TRIES = 3;
const MORE_TRIES_MS = MAX_TRIES * TRY_MS;
/** Another server may do better. */
const WORTH_ANOTHER: readonly number[] = [RCODE.failed, RCODE.notDone, RCODE.refused];

export interface ForwarderOptions {
  readonly servers: NameServers;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told of each try that brought no answer. */
  readonly onFailure: () => void;
}

export interface Forwarded {
  /** undefined: nobody answered. With the id of somebody else. */
  readonly answer: Buffer | undefined;
  readonly asked: readonly NameServer[];
}

/** One that is under way, in whatever packets. */
interface Question {
  packets: number;
  moreTries: number;
  /** Since when they are counted. */
  sinceMs: number;
}

interface InFlight {
  readonly settled: Promise<Forwarded>;
  /** Of the packet that a server has from us at the moment. */
  id: number;
  /** Ends the try that is on its way. */
  giveUp: (why: Error) => void;
}

/**
 * Asks name servers for what is not ours: the packet as it came, with another id. One that is on its way is not sent again
 * for somebody else.
 *
 * A question that comes back to us is not asked again. As it was sent (somebody redirects port 53 to us): its id gives it
 * away, and the next server is asked. As another packet with the same content (a server that forwards to us): it waits for
 * itself, until the try has timed out. Changed: MAX_SAME_QUESTION bounds how deep it goes, MAX_MORE_TRIES how wide.
 */
export class Forwarder {
  private readonly inFlight = new Map<string, InFlight>();
  private readonly questions = new Map<string, Question>();
  private readonly tries = new Set<AbortController>();
  private isClosed = false;
  private readonly room = new Shares(MAX_IN_FLIGHT);
  private readonly askers = { udp: new Shares(MAX_ASKERS.udp), tcp: new Shares(MAX_ASKERS.tcp) };
  private isTold = false;

  constructor(private readonly options: ForwarderOptions) {}

  /** @param asker its address. @returns the answer for it; undefined when there is none */
  async forward(packet: Buffer, query: Query, transport: Transport, asker: string): Promise<Buffer | undefined> {
    if (!this.askers[transport].take(asker)) return undefined;
    try {
      const { answer } = (await this.join(packet, query, transport, asker)) ?? {};
      if (answer === undefined) return undefined;
      // More than that nobody was promised; over TCP it is had whole.
      if (transport === 'udp' && answer.length > MAX_UDP_BYTES)
        return emptyReply(packet, query, RCODE.ok, FLAG.truncated);
      const own = Buffer.from(answer);
      own.writeUInt16BE(query.id, 0);
      return own;
    } finally {
      this.askers[transport].giveBack(asker);
    }
  }

  /** All that are waited for end without an answer. */
  close(): void {
    this.isClosed = true;
    for (const trying of this.tries) trying.abort(new Error('the agent ends'));
  }

  private async join(
    packet: Buffer,
    query: Query,
    transport: Transport,
    asker: string,
  ): Promise<Forwarded | undefined> {
    const key = transport + packet.toString('latin1', 2);
    const other = this.inFlight.get(key);
    if (other?.id === query.id) {
      other.giveUp(new Error('it sends our questions back to us'));
      return undefined;
    }
    if (other !== undefined) return other.settled;
    const name = `${query.type} ${query.name}`;
    const question = this.questions.get(name) ?? { packets: 0, moreTries: 0, sinceMs: this.nowMs };
    if (question.packets >= MAX_SAME_QUESTION || !this.room.take(asker)) return undefined;
    const started: { one?: InFlight } = {};
    const mayTryMore = (): boolean => this.countTry(question);
    const settled = this.ask(packet, query, transport, mayTryMore, (id, giveUp) => {
      if (started.one !== undefined) Object.assign(started.one, { id, giveUp });
    });
    started.one = { settled, id: -1, giveUp: () => undefined };
    this.inFlight.set(key, started.one);
    this.questions.set(name, question);
    question.packets++;
    try {
      return await settled;
    } finally {
      this.inFlight.delete(key);
      this.room.giveBack(asker);
      if (--question.packets === 0) this.questions.delete(name);
    }
  }

  private countTry(question: Question): boolean {
    if (this.nowMs - question.sinceMs >= MORE_TRIES_MS) Object.assign(question, { moreTries: 0, sinceMs: this.nowMs });
    return ++question.moreTries <= MAX_MORE_TRIES;
  }

  private get nowMs(): number {
    return this.options.clock.monotonicMs();
  }

  /** Asks one after another. @param mayTryMore asked before another try. @param onTry told of each packet that is sent, and how to end its try */
  async ask(
    packet: Buffer,
    query: Query,
    transport: Transport,
    mayTryMore: () => boolean = () => true,
    onTry: (id: number, giveUp: (why: Error) => void) => void = () => undefined,
  ): Promise<Forwarded> {
    let servers = await this.options.servers.current();
    const asked: NameServer[] = [];
    let poor: Buffer | undefined;
    let reason = 'there is none: see the setting dns-upstreams, or /etc/resolv.conf';
    while (asked.length < MAX_TRIES && servers.length > 0 && !this.isClosed) {
      if (asked.length > 0 && !mayTryMore()) break;
      const [server, ...others] = servers as [NameServer, ...NameServer[]];
      asked.push(server);
      try {
        const answer = await this.tryOne(server, packet, query, transport, onTry);
        if (!WORTH_ANOTHER.includes(answer[3]! & 0xf)) {
          this.options.servers.remember(server);
          this.tellGood();
          return { answer, asked };
        }
        poor = answer;
        servers = others;
      } catch (error) {
        reason = `${shownServer(server)}: ${(error as Error).message}`;
        this.options.onFailure();
        servers = [...others, server];
      }
    }
    if (poor === undefined && !this.isClosed) this.tellBad(reason);
    return { answer: poor, asked };
  }

  private async tryOne(
    server: NameServer,
    original: Buffer,
    query: Query,
    transport: Transport,
    onTry: (id: number, giveUp: (why: Error) => void) => void,
  ): Promise<Buffer> {
    const packet = Buffer.from(original);
    const id = randomInt(0x10000);
    packet.writeUInt16BE(id, 0);
    const trying = new AbortController();
    this.tries.add(trying);
    const giveUp = (why: Error): void => trying.abort(why);
    onTry(id, giveUp);
    const cancel = this.options.clock.after(TRY_MS, () => giveUp(new Error(`no answer within ${TRY_MS} ms`)));
    const exchange = transport === 'udp' ? askOverUdp : askOverTcp;
    try {
      return await exchange(server, packet, (answer) => isAnswerTo(packet, query.questionEnd, answer), trying.signal);
    } finally {
      cancel();
      this.tries.delete(trying);
    }
  }

  private tellBad(reason: string): void {
    if (!this.isTold)
      this.options.log.error('no name server answers: names outside of the cluster are not found', { reason });
    this.isTold = true;
  }

  private tellGood(): void {
    if (this.isTold) this.options.log.info('a name server answers again');
    this.isTold = false;
  }
}
