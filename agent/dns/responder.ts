import { MAX_FIRST_QUESTIONS, UnknownYet } from '../discovery/discovery';
import { Shares } from './shares';
import type { Prepared } from './wire/prepared';
import { CLASS, RCODE, readQuery, TRANSFERS, type Query } from './wire/query';
import { answerReply, emptyReply, headerReply, roomFor } from './wire/reply';
import type { Zone } from './zone';

/**
 * Queries that wait for etcd, of all askers; it answers none of them when it is gone. No more than discovery asks first questions
 * at once: one asker's share would be all of those.
 */
export const MAX_WAITING = MAX_FIRST_QUESTIONS;

export type Transport = 'udp' | 'tcp';

/** How a query ended: the label of berth_agent_dns_queries_total. */
export type Outcome =
  'answered' | 'nodata' | 'nxdomain' | 'forwarded' | 'servfail' | 'refused' | 'malformed' | 'notimp' | 'badvers';

export interface ResponderOptions {
  readonly zone: Zone;
  /**
   * Asks somebody else.
   * @returns the answer, with the id of the query; undefined when nobody has one
   */
  readonly forward: (packet: Buffer, query: Query, transport: Transport, asker: string) => Promise<Buffer | undefined>;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly onQuery: (outcome: Outcome) => void;
  /** Told of what should not be possible; the query is answered by SERVFAIL. */
  readonly onMistake: (error: unknown) => void;
}

/** One query in, one answer out. Never throws, and never rejects: whoever sends the answers could only end the agent. */
export class Responder {
  private readonly waiting = new Shares(MAX_WAITING);

  constructor(private readonly options: ResponderOptions) {}

  /** @param asker its address. @returns undefined for what is not to be answered; a promise when somebody has to be asked first */
  respond(packet: Buffer, transport: Transport, asker: string): Buffer | undefined | Promise<Buffer> {
    const query = readQuery(packet);
    if (query === undefined || typeof query === 'number') {
      this.options.onQuery(query === RCODE.notDone ? 'notimp' : 'malformed');
      return query === undefined ? undefined : headerReply(packet, query);
    }
    if (query.edns !== undefined && query.edns.version !== 0)
      return this.empty(packet, query, RCODE.badVersion, 'badvers');
    try {
      return this.answer(packet, query, transport, asker);
    } catch (error) {
      return this.failed(packet, query, error);
    }
  }

  private answer(packet: Buffer, query: Query, transport: Transport, asker: string): Buffer | Promise<Buffer> {
    const { zone } = this.options;
    const isInternet = query.class === CLASS.internet || query.class === CLASS.any;
    if (!isInternet || TRANSFERS.includes(query.type))
      return zone.read(query.name) === undefined
        ? this.forward(packet, query, transport, asker)
        : this.empty(packet, query, RCODE.refused, 'refused');
    const found = zone.find(query, this.waiting.hasRoomFor(asker));
    if (found === undefined) return this.forward(packet, query, transport, asker);
    if (!(found instanceof Promise)) return this.reply(packet, query, found, transport);
    this.waiting.take(asker);
    return found
      .then((prepared) => this.reply(packet, query, prepared, transport))
      .catch((error: unknown) => this.failed(packet, query, error))
      .finally(() => this.waiting.giveBack(asker));
  }

  private reply(packet: Buffer, query: Query, prepared: Prepared, transport: Transport): Buffer {
    const { zone, random, onQuery } = this.options;
    const reply = answerReply(packet, query, prepared, zone.negative, roomFor(query, transport), random);
    if (prepared.ends.length > 0) onQuery('answered');
    else onQuery(prepared.exists ? 'nodata' : 'nxdomain');
    return reply;
  }

  private async forward(packet: Buffer, query: Query, transport: Transport, asker: string): Promise<Buffer> {
    try {
      const answer = await this.options.forward(packet, query, transport, asker);
      if (answer === undefined) return this.empty(packet, query, RCODE.failed, 'servfail');
      this.options.onQuery('forwarded');
      return answer;
    } catch (error) {
      return this.failed(packet, query, error);
    }
  }

  private failed(packet: Buffer, query: Query, error: unknown): Buffer {
    // A mistake of ours: no reason for the agent to end, which looks after containers too.
    if (!(error instanceof UnknownYet)) this.options.onMistake(error);
    return this.empty(packet, query, RCODE.failed, 'servfail');
  }

  private empty(packet: Buffer, query: Query, rcode: number, outcome: Outcome): Buffer {
    this.options.onQuery(outcome);
    return emptyReply(packet, query, rcode);
  }
}
