/**
 * Reads what came in, without the library: most of it is not decoded at all, and a mutated packet could keep the library busy
 * for milliseconds. Numbers of the format are of RFC 1035, section 4.1.
 */

export const HEADER_BYTES = 12;
export const FLAG = {
  response: 0x8000,
  authoritative: 0x400,
  truncated: 0x200,
  wanted: 0x100,
  available: 0x80,
} as const;
/** RFC 4035, section 3.2.2: copied from the query. */
const CHECKING_DISABLED = 0x10;
export const KEPT_FLAGS = FLAG.wanted | CHECKING_DISABLED;
export const RCODE = { ok: 0, malformed: 1, failed: 2, noName: 3, notDone: 4, refused: 5, badVersion: 16 } as const;
export const TYPE = { A: 1, NS: 2, SOA: 6, PTR: 12, HINFO: 13, AAAA: 28, SRV: 33, OPT: 41, ANY: 255 } as const;
export const CLASS = { internet: 1, any: 255 } as const;
/** Transfers of zones: RFC 1995, RFC 5936. */
export const TRANSFERS: readonly number[] = [251, 252];

/** OPT, and a signature. */
const MAX_ADDITIONALS = 2;
const MAX_NAME_BYTES = 255;
const MAX_LABEL_BYTES = 63;
const POINTER = 0xc0;
/** Of a record behind its name: type, class, time to live, length. */
const RECORD_HEAD_BYTES = 10;

/** RFC 6891 */
export interface Edns {
  readonly version: number;
  /** Bytes of the largest answer over UDP that the asker takes. */
  readonly payloadBytes: number;
  readonly isDnssecOk: boolean;
}

/** A query of one question. */
export interface Query {
  readonly id: number;
  readonly flags: number;
  /** As it is sent, in lower case: each label behind its length, the empty one at the end. One byte, one character. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Where the question ends in the packet; it begins behind the header. */
  readonly questionEnd: number;
  readonly edns: Edns | undefined;
}

/** @returns a code of RCODE for what is to be answered with this alone, undefined for what is not to be answered */
export function readQuery(packet: Buffer): Query | number | undefined {
  // An answer to an answer could go on for ever.
  if (packet.length < HEADER_BYTES || (packet[2]! & 0x80) !== 0) return undefined;
  if ((packet[2]! & 0x78) !== 0) return RCODE.notDone;
  const additionals = packet.readUInt16BE(10);
  const hasOthers = packet.readUInt16BE(6) !== 0 || packet.readUInt16BE(8) !== 0;
  if (packet.readUInt16BE(4) !== 1 || hasOthers || additionals > MAX_ADDITIONALS) return RCODE.malformed;
  const nameEnd = endOfName(packet, HEADER_BYTES);
  const questionEnd = nameEnd + 4;
  if (nameEnd < 0 || questionEnd > packet.length) return RCODE.malformed;
  const edns =
    additionals === 0 && questionEnd === packet.length ? undefined : readAdditionals(packet, questionEnd, additionals);
  if (edns === 'malformed') return RCODE.malformed;
  return {
    id: packet.readUInt16BE(0),
    flags: packet.readUInt16BE(2),
    // The lengths of labels are below those of letters.
    name: packet.toString('latin1', HEADER_BYTES, nameEnd).toLowerCase(),
    type: packet.readUInt16BE(nameEnd),
    class: packet.readUInt16BE(nameEnd + 2),
    questionEnd,
    edns,
  };
}

/** @returns where the uncompressed name that begins at `start` ends; −1 when it is none */
function endOfName(packet: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const length = packet[at];
    if (length === undefined || length > MAX_LABEL_BYTES) return -1;
    at += length + 1;
    if (at - start > MAX_NAME_BYTES) return -1;
    if (length === 0) return at;
  }
}

function readAdditionals(packet: Buffer, start: number, count: number): Edns | undefined | 'malformed' {
  let edns: Edns | undefined;
  let at = start;
  for (let record = 0; record < count; record++) {
    const isPointer = packet[at]! >= POINTER;
    const head = isPointer ? at + 2 : endOfName(packet, at);
    if (head < 0 || head + RECORD_HEAD_BYTES > packet.length) return 'malformed';
    if (packet.readUInt16BE(head) === TYPE.OPT) {
      if (edns !== undefined || packet[at] !== 0) return 'malformed';
      edns = {
        payloadBytes: packet.readUInt16BE(head + 2),
        version: packet[head + 5]!,
        isDnssecOk: (packet[head + 6]! & 0x80) !== 0,
      };
    }
    at = head + RECORD_HEAD_BYTES + packet.readUInt16BE(head + 8);
  }
  return at === packet.length ? edns : 'malformed';
}

/** @param name of a Query */
export function labelsOf(name: string): readonly string[] {
  const labels: string[] = [];
  for (let at = 0; at < name.length - 1; at += name.charCodeAt(at) + 1)
    labels.push(name.slice(at + 1, at + 1 + name.charCodeAt(at)));
  return labels;
}
