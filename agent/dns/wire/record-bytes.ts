/** Records as they are sent, by dns-packet, which knows no compression: the names that every answer repeats are pointers here. */
import { encode, type Answer as PacketRecord } from 'dns-packet';
import type { RecordData } from '../answers/records';
import { HEADER_BYTES } from './query';

/** Owner of each record: the name of the question, which follows the header (RFC 1035, section 4.1.4). */
export const POINTER_TO_QUESTION = 0xc000 | HEADER_BYTES;
export const POINTER_BYTES = 2;
/** In an SRV record whose owner is a pointer: the target's name begins there. */
export const SRV_TARGET_OFFSET = POINTER_BYTES + 10 + 6;

/** @returns the record behind the name of its owner */
export function recordBody(record: RecordData, ttlSeconds: number): Buffer {
  // The owner is the root: one byte.
  return encode({ type: 'response', answers: [packetRecord(record, ttlSeconds)] }).subarray(HEADER_BYTES + 1);
}

function packetRecord(record: RecordData, ttl: number): PacketRecord {
  const head = { name: '.', ttl, class: 'IN' } as const;
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return { ...head, type: record.type, data: record.address };
    case 'NS':
    case 'PTR':
      return { ...head, type: record.type, data: record.target };
    case 'SRV':
      return { ...head, type: record.type, data: record };
    case 'HINFO':
      return { ...head, type: record.type, data: { cpu: 'RFC8482', os: '' } };
    case 'SOA':
      return {
        ...head,
        type: record.type,
        // Nobody transfers the zone: the serial number says nothing, and the times are the usual ones.
        data: {
          ...{ mname: record.host, rname: record.mailbox, minimum: record.negativeTtl },
          ...{ serial: 1, refresh: 3600, retry: 600, expire: 86_400 },
        },
      };
  }
}
