/** Puts answers together. The question goes back byte for byte, in the case that it came in. */
import { orderOf, type Prepared } from './prepared';
import { FLAG, HEADER_BYTES, KEPT_FLAGS, RCODE, TYPE, type Query } from './query';
import { POINTER_BYTES, SRV_TARGET_OFFSET } from './record-bytes';

/** RFC 1035, section 4.2.1: without EDNS. */
const PLAIN_UDP_BYTES = 512;
/** More than this is not sent in one datagram, whatever the asker takes. It is also what we say that we take. */
export const MAX_UDP_BYTES = 4096;
export const MAX_TCP_BYTES = 65_535;
const OPT_BYTES = 11;

/** @returns bytes that an answer may have */
export function roomFor({ edns }: Query, transport: 'udp' | 'tcp'): number {
  if (transport === 'tcp') return MAX_TCP_BYTES;
  return Math.min(MAX_UDP_BYTES, Math.max(PLAIN_UDP_BYTES, edns?.payloadBytes ?? 0));
}

/** Says that there is nothing: the zone's start of authority, without its owner's name. */
export interface Negative {
  readonly soa: Buffer;
  /** Bytes of the domain's name as it is sent. */
  readonly domainBytes: number;
}

/**
 * An answer of our own zone: whole records, as many as there is room for. Records of the answer that are missing are told by
 * TC; additional ones may be missing.
 */
export function answerReply(
  packet: Buffer,
  query: Query,
  prepared: Prepared,
  negative: Negative,
  room: number,
  random: () => number,
): Buffer {
  const { records, ends, glue, glueEnds } = prepared;
  const optBytes = query.edns === undefined ? 0 : OPT_BYTES;
  const most = query.questionEnd + records.length + glue.length + glueEnds.length * POINTER_BYTES;
  if (ends.length === 0) return negativeReply(packet, query, prepared.exists, negative);
  const reply = Buffer.allocUnsafe(Math.min(room, most + optBytes));
  const end = reply.length - optBytes;
  let at = beginReply(reply, packet, query, RCODE.ok, FLAG.authoritative);
  const order = orderOf(prepared, random);
  let sent = 0;
  const targets: number[] = [];
  for (; sent < order.length; sent++) {
    const which = order[sent]!;
    const start = which === 0 ? 0 : ends[which - 1]!;
    const next = at + ends[which]! - start;
    if (next > end) break;
    if (glueEnds.length > 0) targets.push(at + SRV_TARGET_OFFSET);
    copyShort(records, start, ends[which]!, reply, at);
    at = next;
  }
  reply.writeUInt16BE(sent, 6);
  if (sent < order.length) reply[2]! |= FLAG.truncated >> 8;
  let additionals = 0;
  for (const [index, target] of targets.entries()) {
    const which = order[index]!;
    const start = which === 0 ? 0 : glueEnds[which - 1]!;
    const next = at + POINTER_BYTES + glueEnds[which]! - start;
    // A pointer has 14 bits.
    if (next > end || target > 0x3fff) break;
    reply.writeUInt16BE(0xc000 | target, at);
    copyShort(glue, start, glueEnds[which]!, reply, at + POINTER_BYTES);
    at = next;
    additionals++;
  }
  return endReply(reply, at, query, additionals, RCODE.ok);
}

function copyShort(from: string, start: number, end: number, to: Buffer, at: number): void {
  for (let byte = start, place = at; byte < end; byte++, place++) to[place] = from.charCodeAt(byte);
}

function negativeReply(packet: Buffer, query: Query, exists: boolean, { soa, domainBytes }: Negative): Buffer {
  const rcode = exists ? RCODE.ok : RCODE.noName;
  const reply = Buffer.allocUnsafe(query.questionEnd + POINTER_BYTES + soa.length + OPT_BYTES);
  const at = beginReply(reply, packet, query, rcode, FLAG.authoritative);
  reply.writeUInt16BE(1, 8);
  // The domain is the end of the question's name, which is followed by type and class.
  reply.writeUInt16BE(0xc000 | (query.questionEnd - 4 - domainBytes), at);
  soa.copy(reply, at + POINTER_BYTES);
  return endReply(reply, at + POINTER_BYTES + soa.length, query, 0, rcode);
}

/** @param rcode of RCODE @param flags of FLAG */
export function emptyReply(packet: Buffer, query: Query, rcode: number, flags = 0): Buffer {
  const reply = Buffer.allocUnsafe(query.questionEnd + OPT_BYTES);
  const at = beginReply(reply, packet, query, rcode, flags);
  return endReply(reply, at, query, 0, rcode);
}

/** To what is no query of one question: nothing but the header. @param packet with a whole header */
export function headerReply(packet: Buffer, rcode: number): Buffer {
  const reply = Buffer.alloc(HEADER_BYTES);
  packet.copy(reply, 0, 0, 4);
  reply.writeUInt16BE((packet.readUInt16BE(2) & (0x7800 | FLAG.wanted)) | FLAG.response | rcode, 2);
  return reply;
}

/** Header and question. @returns where the records begin */
function beginReply(reply: Buffer, packet: Buffer, query: Query, rcode: number, flags: number): number {
  packet.copy(reply, 0, 0, query.questionEnd);
  reply.writeUInt16BE(FLAG.response | FLAG.available | flags | (query.flags & KEPT_FLAGS) | (rcode & 0xf), 2);
  reply.writeUInt16BE(1, 4);
  reply.writeUInt32BE(0, 6);
  return query.questionEnd;
}

/** @returns the part of `reply` that is sent */
function endReply(reply: Buffer, start: number, { edns }: Query, additionals: number, rcode: number): Buffer {
  let at = start;
  if (edns !== undefined) {
    reply[at] = 0;
    reply.writeUInt16BE(TYPE.OPT, at + 1);
    reply.writeUInt16BE(MAX_UDP_BYTES, at + 3);
    // The high bits of the code, version 0, flags; no options.
    reply.writeUInt16BE((rcode >> 4) << 8, at + 5);
    reply.writeUInt16BE(edns.isDnssecOk ? 0x8000 : 0, at + 7);
    reply.writeUInt16BE(0, at + 9);
    at += OPT_BYTES;
  }
  reply.writeUInt16BE(additionals + (edns === undefined ? 0 : 1), 10);
  return at === reply.length ? reply : reply.subarray(0, at);
}
